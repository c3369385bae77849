use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;
use supernet::segmentation::{
    SegmentationConfig, SegmentationNetwork, SegmentationNetworkConfig, SegmentationSize,
    SegmentationSupernet, SegmentationSupernetConfig,
};
use supernet::{
    Codes, Cost, CostTable, Genotype, ModelBackend, Operation, SearchStep, Statistics, WeightInit,
};
use toml::Table;
use workbench::cli::{Shorthand, set_differing};
use workbench::config::Joined;
use workbench::precision::{Precision, cast_convolutions};
use workbench::problem::Split;
use workbench::scenes::{self, SceneData, SceneProblem};

use crate::{Answered, BatchOf, ExportedChild, Pass, SearchConfig, SearchError, Task};

/// Semantic segmentation with an encoder of the convolution cells of DARTS.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneTask {
    supernet: SegmentationSupernetConfig,
    /// Side of the crops that are learned from.
    crop: usize,
}

/// How the training images are divided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneShares {
    /// Share of the training images that trains weights; the others train the logits and judge.
    pub weights_fraction: f64,
}

/// Scenes have colours.
const IMAGE_CHANNELS: usize = 3;

impl SceneTask {
    /// A task for supernets of this size on crops of this side.
    pub fn new(supernet: SegmentationSupernetConfig, crop: usize) -> Self {
        Self { supernet, crop }
    }

    /// The supernet as data.
    pub fn supernet_config(&self) -> &SegmentationSupernetConfig {
        &self.supernet
    }

    fn network(&self, genotype: &Genotype) -> SegmentationNetworkConfig {
        SegmentationNetworkConfig::of_cells(self.supernet.network.clone(), genotype.clone())
    }
}

impl Task for SceneTask {
    const NAME: &'static str = "scene";
    const DEFAULTS: &'static str = include_str!("../../../../configs/scenes.toml");
    type Problem = SceneProblem;
    type Op = Operation;
    type Data = Joined<SceneData, SceneShares>;
    type Network = SegmentationSize;
    type Supernet<B: ModelBackend> = SegmentationSupernet<B>;
    type Child<B: ModelBackend> = SegmentationNetwork<B>;
    type Carry<B: burn::tensor::backend::Backend> = ();
    const PRECISIONS: &'static [Precision] = &[Precision::F32, Precision::Bf16];
    const SHORTHANDS: &'static [Shorthand] = scenes::SHORTHANDS;

    fn open(config: &SearchConfig<Self>) -> Result<(Self, SceneProblem), SearchError> {
        let data = &config.data;
        let loaded = data.load()?;
        let network = SegmentationConfig {
            image_channels: IMAGE_CHANNELS,
            classes: loaded.train.class_names().len(),
            size: config.network.clone(),
        };
        let share = data.own.weights_fraction;
        let problem = SceneProblem::for_search(loaded, share, config.seed, data.changes())?
            .weighted(&data.class_weights)?;
        let (found, smaller) = (config.search.batch_size, problem.smaller());
        if found > smaller {
            let valid = format!("2 to {smaller}, the images of the smaller part");
            return Err(SearchError::field("search.batch_size", found, &valid));
        }
        let space = config.space.clone();
        let task = Self::new(SegmentationSupernetConfig { network, space }, data.crop);
        Ok((task, problem))
    }

    fn supernet<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<SegmentationSupernet<B>, SearchError> {
        Ok(self.supernet.init(init, device)?)
    }

    fn run<B: ModelBackend>(
        &self,
        supernet: &SegmentationSupernet<B>,
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
        supernet: &SegmentationSupernet<B>,
        genotype: &Genotype,
    ) -> Result<SegmentationNetwork<B>, SearchError> {
        Ok(supernet.inherit(&self.supernet, genotype)?)
    }

    fn child<B: ModelBackend>(
        &self,
        genotype: &Genotype,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<SegmentationNetwork<B>, SearchError> {
        Ok(self.network(genotype).init(init, device)?)
    }

    fn run_child<B: ModelBackend>(
        &self,
        child: &SegmentationNetwork<B>,
        batch: &BatchOf<Self, B>,
        (): (),
        statistics: Statistics,
    ) -> Answered<B, Self> {
        Answered::plain(child.forward(batch.images.clone(), statistics))
    }

    fn cast<B: ModelBackend>(
        &self,
        supernet: &SegmentationSupernet<B>,
        precision: Precision,
    ) -> SegmentationSupernet<B> {
        cast_convolutions(supernet, precision.dtype())
    }

    fn costs(&self, cost: Cost) -> Option<Vec<Vec<Vec<f64>>>> {
        Some(self.supernet.operation_costs([self.crop; 2], cost))
    }

    fn defaults_for(stated: &Table) -> workbench::Result<Table> {
        Ok(SceneData::defaults_for(stated))
    }

    fn child_costs(&self, cost: Cost) -> Option<CostTable> {
        self.supernet.child_costs([self.crop; 2], cost).ok()
    }

    fn step_bytes(&self, config: &SearchConfig<Self>) -> Option<u64> {
        let (search, rules) = (&config.search, config.search.method.rules());
        let step = SearchStep {
            batch: search.batch_size,
            architecture: &config.architecture,
            relaxation: rules.relaxation,
            execution: search.execution,
            learns: rules.learns,
            cellwise: false,
            // Weights, gradients, momentum and the step itself; to look ahead, once more.
            copies: if config.alpha.second_order { 8 } else { 4 },
            value_bytes: search.precision.dtype().size(),
        };
        Some(self.supernet.step_bytes([self.crop; 2], &step))
    }

    fn validate(config: &SearchConfig<Self>) -> Result<(), SearchError> {
        let data = &config.data;
        data.validate()?;
        let network = SegmentationConfig {
            image_channels: IMAGE_CHANNELS,
            // Those of the data are counted when they are loaded; two are the fewest.
            classes: 2,
            size: config.network.clone(),
        };
        network.validate()?;
        network.validate_image(data.crop, data.crop)?;
        if config.search.batch_size < 2 {
            let valid = "2 or more: batch normalisation needs several images";
            let found = config.search.batch_size;
            return Err(SearchError::field("search.batch_size", found, valid));
        }
        let fraction = data.own.weights_fraction;
        if !(fraction > 0.0 && fraction < 1.0) {
            let valid = "a number between 0 and 1, such as 0.5";
            return Err(SearchError::field("data.weights_fraction", fraction, valid));
        }
        Ok(())
    }

    fn data_root(data: &mut Self::Data) -> Option<&mut Option<PathBuf>> {
        Some(&mut data.root)
    }

    /// As `config.json` of `train export`, with what the search scores by: `train` reads it.
    fn export_child<B: ModelBackend>(
        &self,
        config: &SearchConfig<Self>,
        problem: &SceneProblem,
        genotype: &Genotype,
        child: &SegmentationNetwork<B>,
    ) -> Option<Result<ExportedChild, SearchError>> {
        let images = problem.scenes(Split::Weights)?;
        let written = json!({
            "format": 1,
            "task": Self::NAME,
            "network": self.network(genotype),
            "image": { "mean": images.mean(), "std": images.std() },
            "class_names": images.class_names(),
            "trained": {
                "data": Self::data_name(config),
                "seed": config.seed,
                "epochs": config.search.epochs,
                "scenes": config.data.scenes,
                "folder": config.data.folder,
            },
            "inherited": { "batch_size": config.search.batch_size, "seed": config.seed },
        });
        Some(Ok(ExportedChild {
            config: written,
            weights: child.state_dict(),
        }))
    }

    fn data_name(config: &SearchConfig<Self>) -> String {
        config.data.set.to_string()
    }

    /// A search has fewer and smaller scenes than a training, unless other ones are asked for.
    fn retraining(config: &SearchConfig<Self>) -> Vec<String> {
        match SearchConfig::<Self>::resolve(None, &[]) {
            Ok(usual) if config.data.set == usual.data.set => {
                set_differing("data.scenes", &config.data.scenes, &usual.data.scenes)
            }
            _ => Vec::new(),
        }
    }

    fn remarks(config: &SearchConfig<Self>) -> Vec<String> {
        let all_reduce = config.network.cells < 3;
        let remark =
            "with fewer than 3 cells all of them reduce; the normal cell is not searched".into();
        all_reduce.then_some(remark).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::config::Source;
    use workbench::scenes::SceneSetId;

    type Config = SearchConfig<SceneTask>;

    fn resolve(name: &str, text: &str) -> Config {
        Config::resolve(Some(Source { name, text }), &[]).unwrap()
    }

    #[test]
    fn the_default_is_valid_and_round_trips() {
        let config = Config::resolve(None, &[]).unwrap();
        assert_eq!(
            (config.name.as_str(), config.data.set),
            ("scenes", SceneSetId::Scenes)
        );
        let again = resolve("again", &config.to_toml().unwrap());
        assert_eq!(config, again);
        assert_eq!(config.fingerprint().unwrap(), again.fingerprint().unwrap());
    }

    #[test]
    fn the_settings_for_voc_are_valid() {
        let config = resolve("voc", include_str!("../../../../configs/voc.toml"));
        assert_eq!(
            (config.name.as_str(), config.data.set),
            ("voc", SceneSetId::Voc2012)
        );
        assert_eq!((config.data.crop, config.network.output_stride), (513, 16));
        assert_eq!(config.network.rates(), [6, 12, 18]);
    }

    #[test]
    fn a_folder_of_pairs_brings_its_set_and_other_scenes_go_to_the_next_command() {
        let resolve = |set: &[&str]| {
            let set: Vec<_> = set.iter().map(|field| field.to_string()).collect();
            Config::resolve(None, &set).unwrap()
        };
        let pairs = resolve(&[
            "data.root=pairs",
            "data.folder.classes=[\"ground\", \"leaf\"]",
        ]);
        assert_eq!(
            (pairs.data.set, pairs.name.as_str()),
            (SceneSetId::Folder, "folder")
        );
        for usual in [pairs, resolve(&[])] {
            assert!(SceneTask::retraining(&usual).is_empty());
        }
        let many = resolve(&["data.scenes.digits=9"]);
        let next = SceneTask::retraining(&many).join(" ");
        assert_eq!(next, "--set data.scenes.digits=9");
    }
}
