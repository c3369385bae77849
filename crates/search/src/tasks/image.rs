use std::path::PathBuf;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use supernet::{
    Codes, Cost, CostTable, DerivedConfig, DerivedNetwork, Genotype, ModelBackend, NetworkConfig,
    Operation, SearchStep, Statistics, Supernet, SupernetConfig, TrainBackend, WeightInit,
};
use toml::Table;
use workbench::cli::Shorthand;
use workbench::images::{
    self, Augment, Dataset, DatasetId, FolderOptions, ImageProblem, OnCorrupt, load_with,
};
use workbench::precision::{Precision, cast_convolutions};
use workbench::problem::Split;

use crate::{
    AnswerOf, Answered, BatchOf, Cellwise, ExportedChild, Pass, SearchConfig, SearchError, Task,
};

/// Image classification with the convolution cells of DARTS.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageTask {
    supernet: SupernetConfig,
    /// Height and width.
    image: [usize; 2],
}

/// What images are searched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageData {
    /// The data set.
    pub set: DatasetId,
    /// Folder of its files, where it is not bundled or another copy is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// How image files become images, for `set = "folder"`.
    #[serde(default)]
    pub folder: FolderOptions,
    /// Share of the training images that trains weights; the others train the logits and judge.
    pub weights_fraction: f64,
    /// Random changes to the training images.
    #[serde(default)]
    pub augment: Augment,
    /// Whether the images that train logits are changed too, as in DARTS' published search.
    #[serde(default = "yes")]
    pub augment_logits: bool,
}

fn yes() -> bool {
    true
}

/// Size of the supernet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSize {
    /// Channels of the first cells.
    pub channels: usize,
    /// Number of cells.
    pub cells: usize,
}

/// Images of a step on a folder of many pictures.
const FOLDER_BATCH: usize = 16;

impl ImageTask {
    /// A task for supernets of this size on images of this height and width.
    pub fn new(supernet: SupernetConfig, image: [usize; 2]) -> Self {
        Self { supernet, image }
    }

    /// The supernet as data.
    pub fn supernet_config(&self) -> &SupernetConfig {
        &self.supernet
    }
}

impl Task for ImageTask {
    const NAME: &'static str = "image";
    const DEFAULTS: &'static str = include_str!("../../../../configs/digits.toml");
    type Problem = ImageProblem;
    type Op = Operation;
    type Data = ImageData;
    type Network = ImageSize;
    type Supernet<B: ModelBackend> = Supernet<B>;
    type Child<B: ModelBackend> = DerivedNetwork<B>;
    type Carry<B: burn::tensor::backend::Backend> = ();
    const PRECISIONS: &'static [Precision] = &[Precision::F32, Precision::Bf16];
    const CELLWISE: bool = true;
    const SHORTHANDS: &'static [Shorthand] = images::SHORTHANDS;

    fn open(config: &SearchConfig<Self>) -> Result<(Self, ImageProblem), SearchError> {
        let data = &config.data;
        let loaded = load_with(data.set, data.root.as_deref(), &data.folder)?;
        let [image_channels, height, width] = loaded.train.image_shape();
        let network = NetworkConfig {
            image_channels,
            classes: loaded.train.classes(),
            channels: config.network.channels,
            cells: config.network.cells,
        };
        network.validate_image(height, width)?;
        let (share, augment) = (data.weights_fraction, data.augment);
        augment.validate([height, width])?;
        let mut problem = ImageProblem::for_search(loaded, share, config.seed, augment)?;
        if !data.augment_logits {
            problem = problem.with_plain_logits();
        }
        let smaller = [Split::Weights, Split::Logits]
            .into_iter()
            .filter_map(|split| problem.dataset(split))
            .map(|images| images.len())
            .min()
            .unwrap_or(0);
        if config.search.batch_size > smaller {
            let valid = format!("2 to {smaller}, the images of the smaller part");
            let found = config.search.batch_size;
            return Err(SearchError::field("search.batch_size", found, &valid));
        }
        let space = config.space.clone();
        let task = Self::new(SupernetConfig { network, space }, [height, width]);
        Ok((task, problem))
    }

    fn supernet<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<Supernet<B>, SearchError> {
        Ok(self.supernet.init(init, device)?)
    }

    fn run<B: ModelBackend>(
        &self,
        supernet: &Supernet<B>,
        codes: &Codes<B>,
        batch: &BatchOf<Self, B>,
        (): (),
        pass: Pass,
    ) -> Answered<B, Self> {
        let images = batch.images.clone().cast(pass.precision.dtype());
        Answered::plain(supernet.forward(images, codes, pass.mode))
    }

    fn inherit<B: ModelBackend>(
        &self,
        supernet: &Supernet<B>,
        genotype: &Genotype,
    ) -> Result<DerivedNetwork<B>, SearchError> {
        Ok(supernet.inherit(&self.supernet, genotype)?)
    }

    fn child<B: ModelBackend>(
        &self,
        genotype: &Genotype,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<DerivedNetwork<B>, SearchError> {
        let config = DerivedConfig::new(self.supernet.network.clone(), genotype.clone());
        Ok(config.init(init, device)?)
    }

    fn run_child<B: ModelBackend>(
        &self,
        child: &DerivedNetwork<B>,
        batch: &BatchOf<Self, B>,
        (): (),
        statistics: Statistics,
    ) -> Answered<B, Self> {
        Answered::plain(child.forward(batch.images.clone(), statistics))
    }

    fn cast<B: ModelBackend>(&self, supernet: &Supernet<B>, precision: Precision) -> Supernet<B> {
        cast_convolutions(supernet, precision.dtype())
    }

    fn differentiate_cellwise<B: TrainBackend>(
        &self,
        supernet: &Supernet<B>,
        codes: &Codes<B>,
        batch: &BatchOf<Self, B>,
        pass: Pass,
        loss: impl FnOnce(&AnswerOf<Self, B>) -> Tensor<B, 1>,
    ) -> Option<Cellwise<B, Self>> {
        let images = batch.images.clone();
        let cellwise =
            supernet.differentiate_cellwise(images, codes, pass.mode, |logits| loss(&logits));
        Some(Cellwise {
            answer: Tensor::from_inner(cellwise.logits),
            loss: cellwise.loss,
            weights: cellwise.weights,
            codes: cellwise.codes,
        })
    }

    fn costs(&self, cost: Cost) -> Option<Vec<Vec<Vec<f64>>>> {
        let SupernetConfig { network, space } = &self.supernet;
        Some(network.operation_costs(space, self.image, cost))
    }

    fn defaults_for(stated: &Table) -> workbench::Result<Table> {
        images::defaults_for(
            stated,
            "search",
            include_str!("image/folder.toml"),
            FOLDER_BATCH,
        )
    }

    fn child_costs(&self, cost: Cost) -> Option<CostTable> {
        let SupernetConfig { network, space } = &self.supernet;
        network.child_costs(space, self.image, cost).ok()
    }

    fn step_bytes(&self, config: &SearchConfig<Self>) -> Option<u64> {
        let (search, rules) = (&config.search, config.search.method.rules());
        let step = SearchStep {
            batch: search.batch_size,
            architecture: &config.architecture,
            relaxation: rules.relaxation,
            execution: search.execution,
            learns: rules.learns,
            cellwise: search.checkpoint_cells,
            // Weights, gradients, momentum and the step itself; to look ahead, once more.
            copies: if config.alpha.second_order { 8 } else { 4 },
            value_bytes: search.precision.dtype().size(),
        };
        Some(self.supernet.step_bytes(self.image, &step))
    }

    fn validate(config: &SearchConfig<Self>) -> Result<(), SearchError> {
        let data = &config.data;
        let whole = NetworkConfig {
            image_channels: match data.set {
                DatasetId::Folder => data.folder.channels(),
                set => set.image_shape()[0],
            },
            // Those of a folder are counted when it is loaded; two are the fewest.
            classes: data.set.classes().unwrap_or(2),
            channels: config.network.channels,
            cells: config.network.cells,
        };
        data.folder.validate()?;
        whole.validate()?;
        if config.search.batch_size < 2 {
            let valid = "2 or more: batch normalisation needs several images";
            let found = config.search.batch_size;
            return Err(SearchError::field("search.batch_size", found, valid));
        }
        let fraction = data.weights_fraction;
        if !(fraction > 0.0 && fraction < 1.0) {
            let valid = "a number between 0 and 1, such as 0.5";
            return Err(SearchError::field("data.weights_fraction", fraction, valid));
        }
        Ok(())
    }

    fn data_root(data: &mut ImageData) -> Option<&mut Option<PathBuf>> {
        Some(&mut data.root)
    }

    /// As `config.json` of `train export`, with what the search scores by: `train` reads it.
    fn export_child<B: ModelBackend>(
        &self,
        config: &SearchConfig<Self>,
        problem: &ImageProblem,
        genotype: &Genotype,
        child: &DerivedNetwork<B>,
    ) -> Option<Result<ExportedChild, SearchError>> {
        let images = problem.dataset(Split::Weights)?;
        let network = DerivedConfig::new(self.supernet.network.clone(), genotype.clone());
        let mut written = json!({
            "format": 1,
            "network": network,
            "image": image_json(images, &config.data),
            "trained": {
                "data": Self::data_name(config),
                "seed": config.seed,
                "epochs": config.search.epochs,
            },
            "inherited": { "batch_size": config.search.batch_size, "seed": config.seed },
        });
        if let Some(names) = images.class_names() {
            written["class_names"] = json!(names);
        }
        if let Some(names) = &problem.data().file_names {
            written["trained"]["file_names"] = json!(names);
        }
        Some(Ok(ExportedChild {
            config: written,
            weights: child.state_dict(),
        }))
    }

    /// Where the data lie, and what is done about files that cannot be read, so that a run that one of
    /// them stopped can go on.
    fn forget_place(data: &mut ImageData) {
        data.root = None;
        data.folder.on_corrupt = OnCorrupt::default();
    }

    fn data_name(config: &SearchConfig<Self>) -> String {
        config.data.set.to_string()
    }

    fn remarks(config: &SearchConfig<Self>) -> Vec<String> {
        let all_reduce = config.network.cells < 3;
        let remark =
            "with fewer than 3 cells all of them reduce; the normal cell is not searched".into();
        all_reduce.then_some(remark).into_iter().collect()
    }
}

/// How images are given to a network of the search.
fn image_json(images: &Dataset, data: &ImageData) -> serde_json::Value {
    let [_, height, width] = images.image_shape();
    let mut written = json!({
        "height": height,
        "width": width,
        "mean": images.mean(),
        "std": images.std(),
    });
    if data.set == DatasetId::Folder {
        written["shorter_side"] = json!(data.folder.shorter_side());
    }
    written
}
