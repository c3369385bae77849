use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use supernet::recurrent::LanguageNetwork;
use supernet::{ModelBackend, StateDict};
use workbench::WorkbenchError;
use workbench::problem::Problem;
use workbench::text::{
    Corpus, CorpusId, Dropout, EvaluationStreams, LanguageData, LanguageProblem, Regularisation,
    Sequences, TextOptions, VocabularyMark, load_corpus, text_files,
};

use super::onnx::onnx;
use super::vocabulary::renumbered;
use super::{LanguageCommand, LanguageExport, LanguageRecipe, LanguageTrainedOn, Reading};
use crate::export::json;
use crate::portable::{DataChoice, Inherited, Portable, Question};
use crate::{FitConfig, OnnxModel, TrainError, Trainer};

impl Portable for LanguageRecipe {
    type Export = LanguageExport;
    type Prediction = Reading;
    type Commands = LanguageCommand;

    fn export(trainer: &Trainer<Self>, epochs: usize) -> LanguageExport {
        let config = &trainer.config;
        LanguageExport {
            format: LanguageExport::FORMAT,
            network: trainer.recipe.network.clone(),
            vocabulary: trainer.problem.corpus().vocabulary().words().to_vec(),
            text: config.data.tokenizer(),
            trained: Some(LanguageTrainedOn {
                data: config.data.set.to_string(),
                seed: config.seed,
                epochs,
            }),
            inherited: None,
        }
    }

    fn validate_export(export: &LanguageExport) -> Result<(), TrainError> {
        export.validate()
    }

    fn of_export(export: &LanguageExport) -> Self {
        Self {
            network: export.network.clone(),
            dropout: Dropout::default(),
            regularisation: Regularisation::default(),
        }
    }

    fn inherited(export: &LanguageExport) -> Option<Inherited> {
        export.scored_by_batch()
    }

    fn state_dict<B: ModelBackend>(model: &LanguageNetwork<B>) -> StateDict {
        model.state_dict()
    }

    fn check_size(export: &LanguageExport, weights: &StateDict) -> Result<(), TrainError> {
        let found: usize = weights.values().map(|tensor| tensor.values.len()).sum();
        let needed = export.network.weights();
        match found < needed {
            true => Err(TrainError::Misfit {
                what: "the file of weights".into(),
                found: format!("{found} numbers"),
                expected: format!("{needed} weights"),
            }),
            false => Ok(()),
        }
    }

    fn load_state_dict<B: ModelBackend>(
        model: LanguageNetwork<B>,
        weights: &StateDict,
    ) -> Result<LanguageNetwork<B>, TrainError> {
        Ok(model.load_state_dict(weights)?)
    }

    fn onnx<B: ModelBackend>(
        export: &LanguageExport,
        model: &LanguageNetwork<B>,
    ) -> Result<OnnxModel, TrainError> {
        onnx(export, model)
    }

    /// Words alone: a network is as good as it was, on how long a text it would be trained now.
    fn check_network(problem: &LanguageProblem, before: &Value) -> Result<(), TrainError> {
        let words = |data: &Value| {
            let mark = VocabularyMark::deserialize(&data["vocabulary"]);
            Ok::<_, TrainError>(mark.map_err(json("what the run remembers of its words"))?)
        };
        let now = words(&problem.description())?;
        Ok(words(before)?.check(&now, &problem.name())?)
    }

    fn with_data(mut config: FitConfig<Self>, choice: &DataChoice) -> FitConfig<Self> {
        if choice.root.is_some() {
            config.data.root.clone_from(&choice.root);
        }
        config
    }

    /// Plain text is read with the network's words; other corpora must have these.
    fn test_data(
        export: &LanguageExport,
        trained_with: Option<&LanguageData>,
        choice: &DataChoice,
    ) -> Result<LanguageProblem, TrainError> {
        let corpus = load_for(export, choice)?;
        let sequences = match trained_with {
            Some(data) => data.sequences,
            None => Sequences::default(),
        };
        let mut evaluation = trained_with.map(|data| data.evaluation).unwrap_or_default();
        if let Some(inherited) = export.scored_by_batch() {
            // The statistics of a batch are those over its streams.
            evaluation = EvaluationStreams {
                test: inherited.batch_size,
                ..evaluation
            };
        }
        let problem = LanguageProblem::for_training(corpus, sequences, evaluation);
        Ok(problem?)
    }

    /// All `.txt` files in it.
    fn inputs(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
        let files = text_files(folder)?;
        match files.is_empty() {
            true => Err(WorkbenchError::Data {
                file: folder.display().to_string(),
                place: "as a whole".into(),
                found: "no file of text".into(),
                valid: "a folder of .txt files".into(),
            }
            .into()),
            false => Ok(files),
        }
    }

    fn predict<B: ModelBackend>(
        export: &LanguageExport,
        model: &LanguageNetwork<B>,
        input: &Path,
        question: &Question,
        device: &B::Device,
    ) -> Result<Reading, TrainError> {
        Reading::of_file(export, model, input, question.top, device)
    }
}

/// The corpus that was chosen, or the one that the network was trained on, in the network's words.
fn load_for(export: &LanguageExport, choice: &DataChoice) -> Result<Corpus, TrainError> {
    let named = choice.set.as_deref();
    let trained = export.trained.as_ref().map(|trained| trained.data.as_str());
    let Some(set) = named.or(trained) else {
        return Err(TrainError::Option {
            option: "data",
            found: "not given, and the network does not say what it was trained on".into(),
            valid: "the name of a data set".into(),
        });
    };
    let set: CorpusId = set.parse()?;
    let root = choice.root.as_deref();
    let words = export.words();
    if set == CorpusId::Text {
        // All words: which of them the network knows is for its own to say.
        let all = TextOptions {
            vocabulary: usize::MAX,
            ..export.text.clone().unwrap_or_default()
        };
        return renumbered(&load_corpus(set, root, &all)?, &words);
    }
    let corpus = load_corpus(set, root, &TextOptions::default())?;
    words
        .mark()?
        .check(&corpus.vocabulary().mark()?, corpus.name())?;
    Ok(corpus)
}
