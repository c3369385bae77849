//! Where corpora come from.

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

use super::corpus::Corpus;
use super::tokenizer::TextOptions;
use super::{austen, plain, published};
use crate::data_folder::data_folder;
use crate::{Result, WorkbenchError};

/// A corpus that can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorpusId {
    /// Six novels by Jane Austen, bundled: 10,000 words, divided by chapters.
    Austen,
    /// Penn Treebank as Mikolov prepared it, from a folder: 10,000 words.
    Ptb,
    /// WikiText-2, from a folder: 33,278 words.
    Wikitext2,
    /// Plain text from a folder.
    Text,
}

impl CorpusId {
    /// Every corpus.
    pub const ALL: [Self; 4] = [Self::Austen, Self::Ptb, Self::Wikitext2, Self::Text];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Austen => "austen",
            Self::Ptb => "ptb",
            Self::Wikitext2 => "wikitext2",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for CorpusId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CorpusId {
    type Err = WorkbenchError;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|id| id.name() == name);
        let names = Self::ALL.map(Self::name);
        found.ok_or_else(|| WorkbenchError::unknown_name("data set", name, &names))
    }
}

/// Loads a corpus; `options` are for [`CorpusId::Text`], and the others do not use them.
///
/// Files are looked for in `root`, or without it in the folder that `DATA_DIR` names. The bundled corpus
/// needs neither: a `root` replaces it, and `DATA_DIR` does where it holds a folder `austen`. Every
/// division is fixed: published corpora and folders are divided as they are, of each novel every tenth
/// chapter is for test and every tenth from the fifth on for validation.
///
/// # Errors
///
/// When a file is missing, is not in UTF-8 or has no word; those of [`TextOptions::validate`].
pub fn load_corpus(id: CorpusId, root: Option<&Path>, options: &TextOptions) -> Result<Corpus> {
    load_from(id, root, data_folder().as_deref(), options)
}

fn load_from(
    id: CorpusId,
    root: Option<&Path>,
    variable: Option<&Path>,
    options: &TextOptions,
) -> Result<Corpus> {
    let given = |files| {
        root.or(variable).ok_or(WorkbenchError::DataRootMissing {
            dataset: id.name(),
            files,
        })
    };
    match id {
        CorpusId::Austen => austen::read(root, variable),
        CorpusId::Ptb => {
            let files = "ptb.train.txt, ptb.valid.txt and ptb.test.txt";
            published::read(id.name(), &published::PTB, given(files)?)
        }
        CorpusId::Wikitext2 => {
            let files = "wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens";
            published::read(id.name(), &published::WIKITEXT2, given(files)?)
        }
        CorpusId::Text => {
            let files = "train.txt, valid.txt and test.txt, or other .txt files";
            plain::read(id.name(), given(files)?, options)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(id: CorpusId, root: Option<&Path>, variable: Option<&Path>) -> Result<Corpus> {
        load_from(id, root, variable, &TextOptions::default())
    }

    #[test]
    fn a_corpus_that_is_not_bundled_says_how_to_point_at_it() {
        for (id, file) in [
            (CorpusId::Ptb, "ptb.valid.txt"),
            (CorpusId::Wikitext2, "wiki.train.tokens"),
            (CorpusId::Text, "train.txt"),
        ] {
            let message = load(id, None, None).unwrap_err().to_string();
            let named = message.contains("DATA_DIR") && message.contains(file);
            assert!(named && message.contains(id.name()), "{message}");
        }
    }

    #[test]
    fn an_option_goes_before_the_variable() {
        let [option, variable] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for (folder, word) in [(&option, "one"), (&variable, "two")] {
            for name in ["train.txt", "valid.txt", "test.txt"] {
                std::fs::write(folder.path().join(name), word).unwrap();
            }
        }
        for id in [CorpusId::Ptb, CorpusId::Wikitext2, CorpusId::Text] {
            let both = load(id, Some(option.path()), Some(variable.path())).unwrap();
            assert_eq!(both.vocabulary().words()[0], "one");
            let one = load(id, None, Some(variable.path())).unwrap();
            assert_eq!(one.vocabulary().words()[0], "two");
            assert_eq!(one.name(), id.name());
        }
    }

    #[test]
    fn names_are_the_same_everywhere() {
        for id in CorpusId::ALL {
            assert_eq!(id.to_string().parse::<CorpusId>().unwrap(), id);
            assert_eq!(serde_json::to_value(id).unwrap(), id.name());
        }
        let message = "wikitext".parse::<CorpusId>().unwrap_err().to_string();
        assert!(message.contains("did you mean `wikitext2`?"), "{message}");
    }
}
