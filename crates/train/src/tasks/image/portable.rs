use std::path::{Path, PathBuf};

use serde_json::Value;
use supernet::{DerivedNetwork, ModelBackend, OperationForm, StateDict};
use toml::Table;
use workbench::images::{
    Classes, DatasetId, FolderOptions, ImageProblem, image_files_below, load_test,
};
use workbench::problem::Problem;

use super::export::{ExportConfig, Frame, TrainedOn};
use super::onnx::onnx;
use super::predict::{Prediction, read_image};
use super::{ImageCommand, ImageData, ImageFit, ImageRecipe};
use crate::portable::{DataChoice, Inherited, Portable, Question};
use crate::{FitConfig, OnnxModel, TrainError, Trainer};

impl Portable for ImageRecipe {
    type Export = ExportConfig;
    type Prediction = Prediction;
    type Commands = ImageCommand;

    fn export(trainer: &Trainer<Self>, epochs: usize) -> ExportConfig {
        let (config, recipe) = (&trainer.config, &trainer.recipe);
        let data = trainer.problem.data();
        ExportConfig {
            format: ExportConfig::FORMAT,
            network: recipe.network.clone(),
            image: recipe.image.clone(),
            class_names: recipe.class_names.clone(),
            trained: Some(TrainedOn {
                data: config.data.set.to_string(),
                seed: config.seed,
                epochs,
                file_names: data.file_names.clone(),
            }),
            inherited: None,
        }
    }

    fn validate_export(export: &ExportConfig) -> Result<(), TrainError> {
        export.validate()
    }

    fn of_export(export: &ExportConfig) -> Self {
        Self {
            network: export.network.clone(),
            image: export.image.clone(),
            class_names: export.class_names.clone(),
            fit: ImageFit::default(),
            operations: match export.inherited {
                Some(_) => OperationForm::Searched,
                None => OperationForm::Retrained,
            },
        }
    }

    fn inherited(export: &ExportConfig) -> Option<Inherited> {
        export.inherited
    }

    fn data_of_search(data: &Table) -> DataChoice {
        let folder = data.get("folder").and_then(|folder| folder.as_table());
        let on_corrupt = folder.and_then(|folder| folder.get("on_corrupt"));
        DataChoice {
            set: None,
            root: data
                .get("root")
                .and_then(|root| root.as_str())
                .map(PathBuf::from),
            on_corrupt: on_corrupt.and_then(|value| value.clone().try_into().ok()),
        }
    }

    fn state_dict<B: ModelBackend>(model: &DerivedNetwork<B>) -> StateDict {
        model.state_dict()
    }

    fn check_size(export: &ExportConfig, weights: &StateDict) -> Result<(), TrainError> {
        Ok(export.network.validate_state(weights)?)
    }

    fn load_state_dict<B: ModelBackend>(
        model: DerivedNetwork<B>,
        weights: &StateDict,
    ) -> Result<DerivedNetwork<B>, TrainError> {
        Ok(model.load_state_dict(weights)?)
    }

    fn onnx<B: ModelBackend>(
        export: &ExportConfig,
        model: &DerivedNetwork<B>,
    ) -> Result<OnnxModel, TrainError> {
        onnx(export, model)
    }

    fn check_network(problem: &ImageProblem, before: &Value) -> Result<(), TrainError> {
        let now = problem.data();
        Ok(now.check_classes(before, &problem.name())?)
    }

    fn with_data(mut config: FitConfig<Self>, choice: &DataChoice) -> FitConfig<Self> {
        let data = &mut config.data;
        if let Some(on_corrupt) = choice.on_corrupt {
            data.folder.on_corrupt = on_corrupt;
        }
        if choice.root.is_some() {
            data.root.clone_from(&choice.root);
        }
        config
    }

    /// Of the network's size where they are files, with its normalisation and its classes.
    fn test_data(
        export: &ExportConfig,
        trained_with: Option<&ImageData>,
        choice: &DataChoice,
    ) -> Result<ImageProblem, TrainError> {
        let set: DatasetId = match (&choice.set, &export.trained) {
            (Some(set), _) => set.parse()?,
            (None, Some(trained)) => trained.data.parse()?,
            (None, None) => {
                return Err(TrainError::Option {
                    option: "data",
                    found: "not given, and the network does not say what it was trained on".into(),
                    valid: "the name of a data set".into(),
                });
            }
        };
        let image = &export.image;
        let mut options = FolderOptions::default();
        if let Frame::Centre(centre) = image.frame()? {
            options = centre;
        }
        let earlier = trained_with.map(|data| data.folder.on_corrupt);
        options.on_corrupt = choice.on_corrupt.or(earlier).unwrap_or_default();
        let trained = export.trained.as_ref();
        let files = trained.and_then(|trained| trained.file_names.as_deref());
        let test = load_test(set, choice.root.as_deref(), &options, files)?;
        let [channels, height, width] = test.image_shape();
        let expected = [image.mean.len(), image.height, image.width];
        if [channels, height, width] != expected {
            let text = |[channels, height, width]: [usize; 3]| {
                format!("images of {channels} channels and {height}x{width} pixels")
            };
            return Err(TrainError::Misfit {
                what: format!("data set `{}`", test.name()),
                found: text(test.image_shape()),
                expected: text(expected),
            });
        }
        let test = match (&export.class_names, test.class_names()) {
            (Some(names), Some(_)) => test.labelled_by(names)?,
            _ => {
                export.classes().check(&Classes::of(&test), test.name())?;
                test
            }
        };
        let test = test.normalized_by(&image.mean, &image.std);
        Ok(ImageProblem::for_evaluation(test))
    }

    /// All pictures in it and in the folders in it.
    fn inputs(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
        Ok(image_files_below(folder)?)
    }

    fn predict<B: ModelBackend>(
        export: &ExportConfig,
        model: &DerivedNetwork<B>,
        input: &Path,
        question: &Question,
        device: &B::Device,
    ) -> Result<Prediction, TrainError> {
        let image = read_image(input, &export.image)?;
        let mut prediction = Prediction::of(model, image, export, device);
        if prediction
            .classes
            .iter()
            .any(|class| !class.probability.is_finite())
        {
            return Err(TrainError::NotFinite {
                what: format!("what the network says of `{}`", input.display()),
                found: "probabilities that are no numbers".into(),
            });
        }
        prediction.classes.truncate(question.top);
        Ok(prediction)
    }
}
