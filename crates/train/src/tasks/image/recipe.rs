use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Tensor, backend::Backend};
use supernet::{
    DerivedConfig, DerivedNetwork, DropPath, FitStep, Genotype, ModelBackend, NetworkConfig,
    Operation, OperationForm, Statistics, WeightInit,
};
use toml::Table;
use workbench::cli::Shorthand;
use workbench::images::{self, Batch, Dataset, ImageProblem, OnCorrupt};
use workbench::precision::Precision;
use workbench::problem::{Phase, Problem, Split};

use super::config::{ImageData, ImageFit, ImageNetwork, defaults_for, validate};
use super::export::ImageConfig;
use crate::recipe::{Answered, PassContext, Recipe, Size};
use crate::{FitConfig, TrainError, read_cells};

/// Derived networks on images, with auxiliary head, drop-path and label smoothing.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRecipe {
    /// The network.
    pub network: DerivedConfig,
    /// Its images.
    pub image: ImageConfig,
    /// Names of the classes in the order of their logits, where they have any.
    pub class_names: Option<Vec<String>>,
    /// How it is trained.
    pub fit: ImageFit,
    /// Of which form its operations are: a search's child has those of the supernet.
    pub operations: OperationForm,
}

/// The cells of this name (`darts-v2`, ...) or in this file, as [`read_cells`] finds them.
///
/// # Errors
///
/// When it is neither, or the file holds no valid cells.
pub fn read_genotype(name_or_file: &str) -> Result<Genotype, TrainError> {
    read_cells::<ImageRecipe>(name_or_file)
}

/// The network for images of a data set.
fn derived(config: &FitConfig<ImageRecipe>, data: &Dataset) -> Result<DerivedConfig, TrainError> {
    let [image_channels, height, width] = data.image_shape();
    config.data.augment.validate([height, width])?;
    let derived = DerivedConfig {
        network: NetworkConfig {
            image_channels,
            classes: data.classes(),
            channels: config.network.channels,
            cells: config.network.cells,
        },
        genotype: config.genotype.clone(),
        form: config.network.form,
        auxiliary: config.fit.own.auxiliary_weight > 0.0,
    };
    derived.validate(height, width)?;
    Ok(derived)
}

impl Recipe for ImageRecipe {
    const NAME: &'static str = "image";
    const DEFAULTS: &'static str = include_str!("../../../../../configs/fit-digits.toml");
    const PRECISIONS: &'static [Precision] = &[Precision::F32, Precision::F16, Precision::Bf16];

    const SHORTHANDS: &'static [Shorthand] = images::SHORTHANDS;
    const DATA_SOURCE: &'static [&'static str] = &["set", "root", "folder"];

    type Problem = ImageProblem;
    type Op = Operation;
    type Data = ImageData;
    type Network = ImageNetwork;
    type Fit = ImageFit;
    type Model<B: ModelBackend> = DerivedNetwork<B>;
    type Carry<B: Backend> = ();

    fn defaults_for(stated: &Table) -> workbench::Result<Table> {
        defaults_for(stated)
    }

    fn validate(config: &FitConfig<Self>) -> Result<(), TrainError> {
        validate(config)
    }

    fn data_root(data: &mut ImageData) -> Option<&mut Option<PathBuf>> {
        Some(&mut data.root)
    }

    fn run_name(config: &FitConfig<Self>) -> String {
        format!("fit-{}", config.data.set)
    }

    /// Data may move, and a run that a file stopped can go on when it may be skipped.
    fn identity(mut config: FitConfig<Self>) -> FitConfig<Self> {
        config.data.root = None;
        config.data.folder.on_corrupt = OnCorrupt::default();
        config
    }

    fn open(config: &FitConfig<Self>) -> Result<(Self, ImageProblem), TrainError> {
        let loaded = config.data.load()?;
        let (held_out, batch_size) = (config.data.validation, config.fit.batch_size);
        let network = derived(config, &loaded.train);
        let image = ImageConfig::of(&loaded.train, &config.data);
        let class_names = loaded.train.class_names().map(<[String]>::to_vec);
        let problem = ImageProblem::for_training(
            loaded,
            held_out,
            config.seed,
            config.data.augment,
            config.fit.own.label_smoothing,
        )?;
        let images = problem.dataset(Split::Weights).map_or(0, Dataset::len);
        if batch_size > images {
            let valid = format!("2 to {images}, the number of training images");
            return Err(TrainError::field("fit.batch_size", batch_size, &valid));
        }
        let recipe = Self {
            network: network?,
            image,
            class_names,
            fit: config.fit.own.clone(),
            operations: OperationForm::Retrained,
        };
        Ok((recipe, problem))
    }

    fn init<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<DerivedNetwork<B>, TrainError> {
        Ok(self.network.init_as::<B>(self.operations, init, device)?)
    }

    fn pass<B: ModelBackend>(
        &self,
        model: &DerivedNetwork<B>,
        batch: &Batch<B>,
        _carry: (),
        context: &PassContext<'_, Self>,
    ) -> Answered<Self, B> {
        let drop_path = DropPath {
            rate: DropPath::ramp(self.fit.drop_path, context.epoch, context.epochs),
            seed: context.seed,
            epoch: context.epoch as u32,
            step: context.step as u32,
            first: context.first,
        };
        let output = model.forward_train(
            batch.images.clone().cast(context.precision.dtype()),
            context.statistics,
            (drop_path.rate > 0.0).then_some(&drop_path),
        );
        let auxiliary = output.auxiliary.map(|logits| {
            let loss = context.problem.loss(&logits, batch, Phase::Training);
            loss * self.fit.auxiliary_weight
        });
        Answered {
            answer: output.logits,
            penalty: auxiliary,
            carry: (),
        }
    }

    fn evaluate<B: ModelBackend>(
        &self,
        model: &DerivedNetwork<B>,
        batch: &Batch<B>,
        _carry: (),
        statistics: Statistics,
    ) -> (Tensor<B, 2>, ()) {
        (model.forward(batch.images.clone(), statistics), ())
    }

    /// Without the auxiliary head.
    fn size(&self) -> Result<Size, TrainError> {
        let ImageConfig { height, width, .. } = self.image;
        let bare = DerivedConfig {
            auxiliary: false,
            ..self.network.clone()
        };
        let layers = bare.layers(height, width)?;
        Ok(Size {
            weights: layers.iter().map(|layer| layer.weights).sum(),
            multiply_adds: Some(layers.iter().map(|layer| layer.multiply_adds).sum()),
        })
    }

    fn step_bytes(&self, config: &FitConfig<Self>) -> Option<u64> {
        let fit = &config.fit;
        let step = FitStep {
            batch: fit.pass_size(),
            // Weights, gradients of a pass and of the step, momentum.
            copies: 4 + usize::from(fit.average_decay > 0.0) + usize::from(fit.patience > 0),
            value_bytes: fit.precision.dtype().size(),
        };
        let ImageConfig { height, width, .. } = self.image;
        self.network.step_bytes([height, width], &step).ok()
    }

    fn figures(config: &FitConfig<Self>, epoch: usize) -> BTreeMap<String, f64> {
        let rate = DropPath::ramp(config.fit.own.drop_path, epoch, config.fit.epochs);
        BTreeMap::from([("drop_path".into(), rate)])
    }
}
