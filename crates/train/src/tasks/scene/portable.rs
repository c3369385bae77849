use std::path::{Path, PathBuf};

use serde_json::Value;
use supernet::segmentation::SegmentationNetwork;
use supernet::{ModelBackend, OperationForm, StateDict};
use workbench::config::Joined;
use workbench::images::{Classes, image_files_below};
use workbench::problem::{Problem, Split};
use workbench::scenes::{PairOptions, SceneData, SceneProblem, SceneSet, SceneSetId};

use super::config::TrainingShare;
use super::export::{SceneExport, SceneImages, SceneTrainedOn};
use super::onnx::onnx;
use super::predict::{ENDINGS, SceneMask};
use super::{SceneCommand, SceneFit, SceneRecipe};
use crate::portable::{DataChoice, Inherited, Portable, Question, Views};
use crate::{FitConfig, OnnxModel, TrainError, Trainer};

impl Portable for SceneRecipe {
    type Export = SceneExport;
    type Prediction = SceneMask;
    type Commands = SceneCommand;

    const MAKES_PICTURES: bool = true;

    fn export(trainer: &Trainer<Self>, epochs: usize) -> SceneExport {
        let (config, recipe) = (&trainer.config, &trainer.recipe);
        let test = trainer.problem.scenes(Split::Test);
        let constants = |of: fn(&SceneSet) -> [f32; 3]| test.map(of).unwrap_or_default();
        SceneExport {
            format: SceneExport::FORMAT,
            network: recipe.network.clone(),
            image: SceneImages {
                mean: constants(SceneSet::mean),
                std: constants(SceneSet::std),
            },
            class_names: trainer.problem.classes().unwrap_or_default(),
            trained: Some(SceneTrainedOn {
                data: config.data.set.to_string(),
                seed: config.seed,
                epochs,
                scenes: config.data.scenes.clone(),
                folder: config.data.folder.clone(),
            }),
            inherited: None,
        }
    }

    fn validate_export(export: &SceneExport) -> Result<(), TrainError> {
        export.validate()
    }

    fn of_export(export: &SceneExport) -> Self {
        Self {
            network: export.network.clone(),
            crop: None,
            fit: SceneFit::default(),
            operations: match export.inherited {
                Some(_) => OperationForm::Searched,
                None => OperationForm::Retrained,
            },
            views: Views::default(),
        }
    }

    fn with_views(self, views: &Views) -> Self {
        Self {
            views: views.clone(),
            ..self
        }
    }

    fn inherited(export: &SceneExport) -> Option<Inherited> {
        export.inherited
    }

    fn state_dict<B: ModelBackend>(model: &SegmentationNetwork<B>) -> StateDict {
        model.state_dict()
    }

    fn check_size(export: &SceneExport, weights: &StateDict) -> Result<(), TrainError> {
        Ok(export.network.validate_state(weights)?)
    }

    fn load_state_dict<B: ModelBackend>(
        model: SegmentationNetwork<B>,
        weights: &StateDict,
    ) -> Result<SegmentationNetwork<B>, TrainError> {
        Ok(model.load_state_dict(weights)?)
    }

    fn onnx<B: ModelBackend>(
        export: &SceneExport,
        model: &SegmentationNetwork<B>,
    ) -> Result<OnnxModel, TrainError> {
        onnx(export, model)
    }

    fn check_network(problem: &SceneProblem, before: &Value) -> Result<(), TrainError> {
        let now = problem.data();
        Ok(now.check_classes(before, &problem.name())?)
    }

    fn with_data(mut config: FitConfig<Self>, choice: &DataChoice) -> FitConfig<Self> {
        if choice.root.is_some() {
            config.data.root.clone_from(&choice.root);
        }
        config
    }

    /// A folder's masks are read with the network's classes, as those of its training where it was one.
    fn test_data(
        export: &SceneExport,
        trained_with: Option<&Joined<SceneData, TrainingShare>>,
        choice: &DataChoice,
    ) -> Result<SceneProblem, TrainError> {
        let trained = export.trained.as_ref();
        let named = choice
            .set
            .as_deref()
            .or(trained.map(|trained| trained.data.as_str()));
        let Some(set) = named else {
            return Err(TrainError::Option {
                option: "data",
                found: "not given, and the network does not say what it was trained on".into(),
                valid: "the name of a data set".into(),
            });
        };
        let folder = match (trained_with, trained) {
            (Some(data), _) => data.folder.clone(),
            (None, Some(trained)) => trained.folder.clone(),
            (None, None) => PairOptions::default(),
        };
        let set: SceneSetId = set.parse()?;
        let data = SceneData {
            set,
            root: choice.root.clone(),
            crop: 64,
            augment: Default::default(),
            class_weights: Default::default(),
            scenes: trained
                .map(|trained| trained.scenes.clone())
                .unwrap_or_default(),
            voc: Default::default(),
            folder: PairOptions {
                classes: export.class_names.clone(),
                ..folder
            },
        };
        let test = data.load()?.test;
        let found = Classes {
            count: test.class_names().len(),
            names: Some(test.class_names().to_vec()),
        };
        export.classes().check(&found, test.name())?;
        let SceneImages { mean, std } = export.image;
        Ok(SceneProblem::for_evaluation(test.normalized_by(mean, std)))
    }

    /// All pictures in it and in the folders in it, but for those that were written as answers.
    fn inputs(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
        let mut files = image_files_below(folder)?;
        files.retain(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            !ENDINGS.iter().any(|ending| name.ends_with(ending))
        });
        Ok(files)
    }

    fn predict<B: ModelBackend>(
        export: &SceneExport,
        model: &SegmentationNetwork<B>,
        input: &Path,
        question: &Question,
        device: &B::Device,
    ) -> Result<SceneMask, TrainError> {
        SceneMask::of_file(export, model, input, question, device)
    }
}
