//! Words and their numbers.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::read::read_text;
use crate::config::fingerprint;
use crate::files::write_atomic;
use crate::{Result, WorkbenchError};

/// The word that ends every line or paragraph.
pub const END: &str = "<eos>";
/// The word that stands for all that the vocabulary lacks.
pub const UNKNOWN: &str = "<unk>";

/// The words that a network tells apart, numbered from 0 in the order in which they first appear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl<W: AsRef<str>> FromIterator<W> for Vocabulary {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let mut all = Self::default();
        for word in words {
            all.add(word.as_ref());
        }
        all
    }
}

impl Vocabulary {
    /// The number of words, [`END`] and [`UNKNOWN`] among them.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// All words in the order of their numbers.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The word of a number.
    pub fn word(&self, number: u32) -> Option<&str> {
        self.words.get(number as usize).map(String::as_str)
    }

    /// The number of a word.
    pub fn number(&self, word: &str) -> Option<u32> {
        self.numbers.get(word).copied()
    }

    /// The number of a word, or of [`UNKNOWN`] for one that is not there; `None` where that is not there
    /// either.
    pub fn number_or_unknown(&self, word: &str) -> Option<u32> {
        self.number(word).or_else(|| self.number(UNKNOWN))
    }

    /// The number of a word, which is the next one where it is new.
    pub(super) fn add(&mut self, word: &str) -> u32 {
        if let Some(number) = self.number(word) {
            return number;
        }
        let number = self.words.len() as u32;
        self.words.push(word.into());
        self.numbers.insert(word.into(), number);
        number
    }

    /// What a run remembers of it.
    ///
    /// # Errors
    ///
    /// When the words have no JSON form, which does not happen.
    pub fn mark(&self) -> Result<VocabularyMark> {
        Ok(VocabularyMark {
            words: self.len(),
            sha256: fingerprint(&self.words)?,
        })
    }

    /// Writes a word a line, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let lines = self.words.iter().map(|word| format!("{word}\n"));
        write_atomic(path, lines.collect::<String>())
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not in UTF-8, has no word or has one twice.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = read_text(path)?;
        let mut read = Self::default();
        let refused = |line: usize, found: String| WorkbenchError::Data {
            file: path.display().to_string(),
            place: format!("line {line}"),
            found,
            valid: "a word a line, each of them once".into(),
        };
        for (at, word) in text.lines().enumerate() {
            if word.is_empty() || word.contains(char::is_whitespace) {
                let shown = format!("`{}`", word.chars().take(20).collect::<String>());
                return Err(refused(at + 1, shown));
            }
            if read.add(word) as usize != at {
                return Err(refused(at + 1, format!("`{word}` once more")));
            }
        }
        match read.is_empty() {
            true => Err(refused(1, "the end of the file".into())),
            false => Ok(read),
        }
    }
}

/// What a run remembers of its vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VocabularyMark {
    /// Number of words.
    pub words: usize,
    /// SHA-256, in hexadecimal, of the words in their order.
    pub sha256: String,
}

impl VocabularyMark {
    /// Checks that the words of another corpus, called `name`, are those of a network that was trained on
    /// these.
    ///
    /// # Errors
    ///
    /// When they are others, or in another order.
    pub fn check(&self, found: &Self, name: &str) -> Result<()> {
        if self == found {
            return Ok(());
        }
        let show = |mark: &Self| {
            let begin: String = mark.sha256.chars().take(8).collect();
            format!("a vocabulary of {} words (SHA-256 {begin}...)", mark.words)
        };
        Err(WorkbenchError::OtherData {
            name: name.into(),
            found: show(found),
            expected: show(self),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn vocabulary(words: &[&str]) -> Vocabulary {
        words.iter().collect()
    }

    #[test]
    fn words_are_numbered_as_they_first_appear() {
        let all = vocabulary(&["the", "cat", "the", UNKNOWN]);
        assert_eq!(all.words(), ["the", "cat", UNKNOWN]);
        assert_eq!((all.number("cat"), all.number("dog")), (Some(1), None));
        assert_eq!((all.word(1), all.word(3)), (Some("cat"), None));
        assert_eq!(all.number_or_unknown("dog"), Some(2));
        assert_eq!(vocabulary(&["the"]).number_or_unknown("dog"), None);
    }

    #[test]
    fn a_file_holds_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.txt");
        let all = vocabulary(&["the", "émile", END, "\"", UNKNOWN]);
        all.write(&path).unwrap();
        assert_eq!(Vocabulary::read(&path).unwrap(), all);
    }

    #[test]
    fn a_file_of_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.txt");
        for (content, pieces) in [
            (&b"the\ncat\nthe\n"[..], ["line 3", "`the` once more"]),
            (b"the\n\ncat\n", ["line 2", "``"]),
            (b"two words\n", ["line 1", "`two words`"]),
            (b"", ["line 1", "the end of the file"]),
            (b"the\n\xff\n", ["line 2", "not UTF-8"]),
        ] {
            fs::write(&path, content).unwrap();
            let message = Vocabulary::read(&path).unwrap_err().to_string();
            for piece in pieces.iter().chain(&["vocabulary.txt"]) {
                assert!(message.contains(piece), "{message}");
            }
        }
    }

    #[test]
    fn other_words_and_another_order_are_told_from_the_same() {
        let own = vocabulary(&["the", "cat"]).mark().unwrap();
        own.check(&vocabulary(&["the", "cat"]).mark().unwrap(), "x")
            .unwrap();
        for (words, count) in [
            (&["the"][..], "1 words"),
            (&["cat", "the"], "2 words"),
            (&["the", "dog"], "2 words"),
        ] {
            let found = vocabulary(words).mark().unwrap();
            let message = own.check(&found, "ptb").unwrap_err().to_string();
            assert!(
                message.contains("`ptb`") && message.contains(count),
                "{message}"
            );
            assert!(message.contains(&own.sha256[..8]), "{message}");
        }
    }
}
