//! Text as numbers of words.

use std::sync::Arc;

use super::read::whole;
use super::vocabulary::{END, Vocabulary};
use crate::Result;
use crate::problem::Split;

/// Text as numbers of words, divided for training, validation and test. A clone shares them.
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus {
    name: String,
    vocabulary: Arc<Vocabulary>,
    train: Arc<[u32]>,
    validation: Arc<[u32]>,
    test: Arc<[u32]>,
    notes: Vec<String>,
}

impl Corpus {
    /// A corpus of these numbers: for training, for validation, for test.
    ///
    /// # Errors
    ///
    /// When one of them is empty or holds a number that the vocabulary lacks.
    pub fn new(name: &str, vocabulary: Vocabulary, tokens: [Vec<u32>; 3]) -> Result<Self> {
        for (tokens, part) in tokens.iter().zip(["training", "validation", "test"]) {
            if tokens.is_empty() {
                let found = format!("no word for {part}");
                return Err(whole(
                    name,
                    found,
                    "words for training, validation and test",
                ));
            }
            if let Some(token) = tokens
                .iter()
                .find(|&&token| vocabulary.word(token).is_none())
            {
                let valid = format!("a number below {}", vocabulary.len());
                return Err(whole(name, format!("the word {token} for {part}"), &valid));
            }
        }
        let [train, validation, test] = tokens.map(Arc::from);
        Ok(Self {
            name: name.into(),
            vocabulary: Arc::new(vocabulary),
            train,
            validation,
            test,
            notes: Vec::new(),
        })
    }

    pub(super) fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The words that its numbers stand for.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The numbers for a purpose, one after the other; a search's logits learn from those for
    /// validation.
    pub fn tokens(&self, split: Split) -> &Arc<[u32]> {
        match split {
            Split::Weights => &self.train,
            Split::Logits | Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }

    /// What a person should know about how it was read, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Adds the words of a line, or of whatever ends as one, to `tokens`; new ones are added to the
/// vocabulary.
pub(super) fn push_line<'a>(
    words: impl IntoIterator<Item = &'a str>,
    vocabulary: &mut Vocabulary,
    tokens: &mut Vec<u32>,
) {
    tokens.extend(words.into_iter().map(|word| vocabulary.add(word)));
    tokens.push(vocabulary.add(END));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_words_and_an_unknown_number_are_refused() {
        let vocabulary: Vocabulary = ["a", "b"].iter().collect();
        let corpus = |tokens| Corpus::new("own", vocabulary.clone(), tokens);
        let whole = corpus([vec![0, 1], vec![1], vec![0]]).unwrap();
        assert_eq!(whole.tokens(Split::Logits), whole.tokens(Split::Validation));
        for (tokens, piece) in [
            ([vec![0], vec![], vec![1]], "no word for validation"),
            ([vec![0], vec![1], vec![2]], "the word 2 for test"),
        ] {
            let message = corpus(tokens).unwrap_err().to_string();
            assert!(
                message.contains("`own`") && message.contains(piece),
                "{message}"
            );
        }
    }
}
