//! What a language network learns from, as configurations say it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{Corpus, CorpusId, EvaluationStreams, Sequences, TextOptions, load_corpus};
use crate::Result;
use crate::cli::{Shorthand, Takes};

/// Options of the commands that start a run on text.
pub const SHORTHANDS: &[Shorthand] = &[
    Shorthand {
        option: "hidden",
        field: "network.hidden",
        takes: Takes::Value("N"),
        help: "Units of a hidden state, and of a word's vector",
    },
    Shorthand {
        option: "bptt",
        field: "data.sequences.length",
        takes: Takes::Value("TOKENS"),
        help: "Usual length of a sequence, which is as far as gradients reach back",
    },
];

/// The section `data` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageData {
    /// The corpus.
    pub set: CorpusId,
    /// Folder of its files, where it is not bundled or another copy is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// How plain text becomes words, for `set = "text"`.
    #[serde(default)]
    pub text: TextOptions,
    /// How streams are cut.
    #[serde(default)]
    pub sequences: Sequences,
    /// In how many streams a text is scored.
    #[serde(default)]
    pub evaluation: EvaluationStreams,
}

impl LanguageData {
    /// What a configuration starts from with the corpus that its fields choose, `stated` being what a file
    /// and options say: a folder that is named alone is one of plain text.
    pub fn defaults_for(stated: &Table) -> Table {
        let given = |field: &str| stated.get("data").and_then(|data| data.get(field));
        if given("root").is_none() || given("set").is_some() {
            return Table::new();
        }
        let set = Value::String(CorpusId::Text.name().into());
        let data = Value::Table(Table::from_iter([("set".into(), set)]));
        Table::from_iter([("data".into(), data)])
    }

    /// Checks what can be checked without the corpus.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        self.text.validate()?;
        self.sequences.validate()
    }

    /// How a text becomes words of this corpus; none where words are what white space separates.
    pub fn tokenizer(&self) -> Option<TextOptions> {
        match self.set {
            CorpusId::Austen => Some(TextOptions::default()),
            CorpusId::Text => Some(self.text.clone()),
            CorpusId::Ptb | CorpusId::Wikitext2 => None,
        }
    }

    /// Loads the corpus.
    ///
    /// # Errors
    ///
    /// As [`load_corpus`].
    pub fn load(&self) -> Result<Corpus> {
        load_corpus(self.set, self.root.as_deref(), &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_named_alone_is_one_of_plain_text() {
        let defaults = |stated: &str| LanguageData::defaults_for(&stated.parse().unwrap());
        let chosen = defaults("data.root = \"letters\"");
        assert_eq!(chosen, "data.set = \"text\"".parse().unwrap());
        assert!(defaults("data = { root = \"a\", set = \"ptb\" }").is_empty());
        assert!(defaults("seed = 1").is_empty());
    }
}
