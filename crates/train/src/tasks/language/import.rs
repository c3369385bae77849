use std::path::{Path, PathBuf};

use clap::Args;
use supernet::recurrent::{CellChoice, CellForm, LanguageConfig, LanguageSize, StepNormalization};
use supernet::{ModelBackend, StateDict};
use workbench::cli::RunsOn;
use workbench::text::{CorpusId, TextOptions, Vocabulary, load_corpus};

use super::{LanguageExport, LanguageRecipe};
use crate::portable::Portable;
use crate::{ExportedNetwork, TrainError, read_cells, read_weights, read_weights_under};

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The state dict: .safetensors, .pt, .pth or .pth.tar.
    weights: PathBuf,
    /// Where in a checkpoint the state dict is; by default under state_dict, model_state_dict, model,
    /// net or network.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Its cell: a published one by name, a genotype file or a run folder; FILE#NAME is one of several in a
    /// file.
    genotype: String,
    /// Its words: a file with a word a line, in the order of their numbers, or a folder of Penn Treebank or
    /// WikiText-2, in which they are numbered as they first appear.
    #[arg(long, value_name = "FILE|FOLDER")]
    vocabulary: PathBuf,
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

/// The tensor that says how many words and units there are.
const VECTORS: &str = "encoder.weight";
/// The normalisation that a searched cell has.
const NORMALISATION: &str = "rnns.0.bn.";

impl ImportArgs {
    pub(super) fn run<B: ModelBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        let genotype = read_cells::<LanguageRecipe>(&self.genotype)?;
        let weights = match &self.key {
            Some(key) => read_weights_under(&self.weights, key)?,
            None => read_weights(&self.weights)?,
        };
        let size = self.size(&weights)?;
        let normalised = weights.keys().any(|name| name.starts_with(NORMALISATION));
        let network = LanguageConfig {
            size,
            cell: CellChoice::Derived {
                genotype,
                normalization: StepNormalization::default(),
                form: match normalised {
                    true => CellForm::Searched,
                    false => CellForm::Retrained,
                },
            },
        };
        network.validate()?;
        let vocabulary = read_vocabulary(&self.vocabulary)?;
        if vocabulary.len() != size.words {
            return Err(TrainError::Misfit {
                what: format!("vocabulary `{}`", self.vocabulary.display()),
                found: format!("{} words", vocabulary.len()),
                expected: format!("{}, the rows of its `{VECTORS}`", size.words),
            });
        }
        let exported = ExportedNetwork::<LanguageRecipe> {
            config: LanguageExport {
                format: LanguageExport::FORMAT,
                network,
                vocabulary: vocabulary.words().to_vec(),
                text: None,
                trained: None,
                inherited: None,
            },
            weights,
        };
        LanguageRecipe::validate_export(&exported.config)?;
        let network = exported.init::<B>(device)?;
        let exported = ExportedNetwork {
            weights: network.state_dict(),
            ..exported
        };
        exported.write(&self.out)?;
        println!("wrote {}", self.out.display());
        Ok(())
    }

    fn size(&self, weights: &StateDict) -> Result<LanguageSize, TrainError> {
        let shape = weights.get(VECTORS).map(|tensor| tensor.shape.as_slice());
        match shape {
            Some(&[words, hidden]) => Ok(LanguageSize { words, hidden }),
            _ => Err(TrainError::Weights {
                path: self.weights.clone(),
                problem: format!(
                    "holds no matrix `{VECTORS}`; valid is a state dict of DARTS' recurrent code"
                ),
            }),
        }
    }
}

/// The words of a file, or of a corpus in a folder.
fn read_vocabulary(path: &Path) -> Result<Vocabulary, TrainError> {
    if !path.is_dir() {
        return Ok(Vocabulary::read(path)?);
    }
    let read = |corpus| load_corpus(corpus, Some(path), &TextOptions::default());
    // Where the names of the files do not tell one from the other, both are read alike.
    let corpus = read(CorpusId::Ptb).or_else(|_| read(CorpusId::Wikitext2));
    Ok(corpus?.vocabulary().clone())
}
