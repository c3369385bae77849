use serde::{Deserialize, Serialize};
use supernet::recurrent::{CellChoice, CellForm, LanguageConfig};
use workbench::text::{TextOptions, Vocabulary};

use crate::TrainError;
use crate::portable::Inherited;

/// `config.json` of an exported network. Its tensors have the names of DARTS' PyTorch code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageExport {
    /// Layout of this file; 1.
    pub format: u32,
    /// The network.
    pub network: LanguageConfig,
    /// All words in the order of their numbers.
    pub vocabulary: Vec<String>,
    /// How a text becomes words; none where they are what white space separates.
    pub text: Option<TextOptions>,
    /// What it was trained on, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<LanguageTrainedOn>,
    /// How its search scores it, where its weights and running statistics are those of a supernet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Inherited>,
}

/// Where a network's weights are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageTrainedOn {
    /// Corpus.
    pub data: String,
    /// Seed of the training.
    pub seed: u64,
    /// Epochs of the training.
    pub epochs: usize,
}

impl LanguageExport {
    /// The layout that this version writes and reads.
    pub const FORMAT: u32 = 1;

    /// The words of the network.
    pub fn words(&self) -> Vocabulary {
        self.vocabulary.iter().collect()
    }

    /// How the search scores the network, where that is with the statistics of batches.
    pub(super) fn scored_by_batch(&self) -> Option<Inherited> {
        let normalised = matches!(
            self.network.cell,
            CellChoice::Derived {
                form: CellForm::Searched,
                ..
            }
        );
        self.inherited.filter(|_| normalised)
    }

    /// Checks that the network can be built and be given words.
    ///
    /// # Errors
    ///
    /// Naming what is wrong.
    pub fn validate(&self) -> Result<(), TrainError> {
        if self.format != Self::FORMAT {
            let valid = Self::FORMAT.to_string();
            return Err(TrainError::field("format", self.format, &valid));
        }
        self.network.validate()?;
        let (words, distinct) = (self.network.size.words, self.words().len());
        if self.vocabulary.len() != words || distinct != words {
            let found = format!("{distinct} different words in {}", self.vocabulary.len());
            let valid = format!("{words} words, each of them once");
            return Err(TrainError::field("vocabulary", found, &valid));
        }
        match self.inherited {
            Some(inherited) if inherited.batch_size == 0 => {
                Err(TrainError::field("inherited.batch_size", 0, "1 or more"))
            }
            _ => Ok(()),
        }
    }
}
