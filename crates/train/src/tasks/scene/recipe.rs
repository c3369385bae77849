use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Tensor, backend::Backend};
use supernet::segmentation::{DropoutKey, SegmentationNetwork, SegmentationNetworkConfig};
use supernet::{
    DropPath, FitStep, ModelBackend, Operation, OperationForm, Statistics, TrainBackend, WeightInit,
};
use toml::Table;
use workbench::cli::{Shorthand, Takes};
use workbench::config::Joined;
use workbench::precision::Precision;
use workbench::problem::{Phase, Problem, Split};
use workbench::scenes::{CELLS, CHANNELS, CROP, SceneBatch, SceneData, SceneProblem, SceneSet};

use super::config::{SceneFit, SceneSection, TrainingShare, network, validate};
use super::encoder;
use super::look::answer;
use crate::portable::Views;
use crate::recipe::{Answered, PassContext, Recipe, Size};
use crate::{FitConfig, TrainError, TrainRecipe};

/// Segmentation networks of derived cells, with auxiliary head, drop-path and the pyramid's dropout.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneRecipe {
    /// The network.
    pub network: SegmentationNetworkConfig,
    /// Side of the images that it is trained on, where it is.
    pub crop: Option<usize>,
    /// How it is trained.
    pub fit: SceneFit,
    /// Of which form its operations are: a search's child has those of the supernet.
    pub operations: OperationForm,
    /// How it looks at an image that it is scored on.
    pub views: Views,
}

const ENCODER: Shorthand = Shorthand {
    option: "encoder",
    field: "fit.encoder",
    takes: Takes::Value("FOLDER"),
    help: "Classifier of the same cells whose encoder is begun with",
};

impl Recipe for SceneRecipe {
    const NAME: &'static str = "scene";
    const DEFAULTS: &'static str = include_str!("../../../../../configs/fit-scenes.toml");
    const PRECISIONS: &'static [Precision] = &[Precision::F32, Precision::Bf16];
    const SHORTHANDS: &'static [Shorthand] = &[CHANNELS, CELLS, CROP, ENCODER];
    const DATA_SOURCE: &'static [&'static str] = &["set", "root", "voc", "folder"];

    type Problem = SceneProblem;
    type Op = Operation;
    type Data = Joined<SceneData, TrainingShare>;
    type Network = SceneSection;
    type Fit = SceneFit;
    type Model<B: ModelBackend> = SegmentationNetwork<B>;
    type Carry<B: Backend> = ();

    fn defaults_for(stated: &Table) -> workbench::Result<Table> {
        Ok(SceneData::defaults_for(stated))
    }

    fn validate(config: &FitConfig<Self>) -> Result<(), TrainError> {
        validate(config)
    }

    fn data_root(data: &mut Self::Data) -> Option<&mut Option<PathBuf>> {
        Some(&mut data.root)
    }

    fn run_name(config: &FitConfig<Self>) -> String {
        match super::config::EncoderKind::Plain == config.network.own.encoder {
            true => format!("fit-{}-plain", config.data.set),
            false => format!("fit-{}", config.data.set),
        }
    }

    /// Data and the classifier that was begun with may move.
    fn identity(mut config: FitConfig<Self>) -> FitConfig<Self> {
        config.data.root = None;
        if let Some(encoder) = &mut config.fit.own.encoder {
            *encoder = PathBuf::new();
        }
        config
    }

    fn open(config: &FitConfig<Self>) -> Result<(Self, SceneProblem), TrainError> {
        let data = &config.data;
        let loaded = data.load()?;
        let classes = loaded.train.class_names().len();
        let network = network(config, classes, [data.crop; 2])?;
        let problem =
            SceneProblem::for_training(loaded, data.own.validation, config.seed, data.changes())?
                .weighted(&data.class_weights)?;
        let images = problem.scenes(Split::Weights).map_or(0, SceneSet::len);
        if config.fit.batch_size > images {
            let valid = format!("1 to {images}, the number of training images");
            return Err(TrainError::field(
                "fit.batch_size",
                config.fit.batch_size,
                &valid,
            ));
        }
        let recipe = Self {
            network,
            crop: Some(data.crop),
            fit: config.fit.own.clone(),
            operations: OperationForm::Retrained,
            views: Views::default(),
        };
        Ok((recipe, problem))
    }

    fn init<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<SegmentationNetwork<B>, TrainError> {
        Ok(self.network.init_as::<B>(self.operations, init, device)?)
    }

    fn begin<B: TrainBackend>(
        &self,
        model: SegmentationNetwork<B>,
        device: &B::Device,
    ) -> Result<(SegmentationNetwork<B>, Vec<String>), TrainError>
    where
        Self: TrainRecipe<B>,
    {
        match &self.fit.encoder {
            Some(folder) => encoder::take_over(&self.network, model, folder, device),
            None => Ok((model, Vec::new())),
        }
    }

    fn pass<B: ModelBackend>(
        &self,
        model: &SegmentationNetwork<B>,
        batch: &SceneBatch<B>,
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
        let dropout = DropoutKey {
            seed: context.seed,
            epoch: context.epoch as u32,
            step: context.step as u32,
            first: context.first,
        };
        let output = model.forward_train(
            batch.images.clone().cast(context.precision.dtype()),
            context.statistics,
            (drop_path.rate > 0.0).then_some(&drop_path),
            (self.network.network.size.pyramid.dropout > 0.0).then_some(&dropout),
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
        model: &SegmentationNetwork<B>,
        batch: &SceneBatch<B>,
        _carry: (),
        statistics: Statistics,
    ) -> (Tensor<B, 4>, ()) {
        (answer(model, &batch.images, &self.views, statistics), ())
    }

    /// Without the auxiliary head; multiply-adds are those of an image as it is trained on.
    fn size(&self) -> Result<Size, TrainError> {
        // Weights do not depend on the size of an image.
        let side = self.crop.unwrap_or(64);
        let bare = SegmentationNetworkConfig {
            auxiliary: false,
            ..self.network.clone()
        };
        let layers = bare.layers(side, side)?;
        let multiply_adds = layers.iter().map(|layer| layer.multiply_adds).sum();
        Ok(Size {
            weights: layers.iter().map(|layer| layer.weights).sum(),
            multiply_adds: self.crop.map(|_| multiply_adds),
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
        self.network.step_bytes([self.crop?; 2], &step).ok()
    }

    fn figures(config: &FitConfig<Self>, epoch: usize) -> BTreeMap<String, f64> {
        let rate = DropPath::ramp(config.fit.own.drop_path, epoch, config.fit.epochs);
        BTreeMap::from([("drop_path".into(), rate)])
    }
}
