use std::fmt;
use std::path::Path;

use serde::Serialize;
use supernet::ModelBackend;
use supernet::recurrent::LanguageNetwork;
use workbench::text::{perplexity, read_words};

use super::LanguageExport;
use super::reader::Reader;
use super::vocabulary::{Numbered, numbered};
use crate::TrainError;

/// What a network makes of a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// How well it foresaw the text; none for a text of one word.
    pub perplexity: Option<f64>,
    /// Words that it foresaw: all but the first, an end of each paragraph or line among them.
    pub words: usize,
    /// How many words of the text it does not know.
    pub unknown: usize,
    /// What it expects after the last word, the most probable first.
    pub next: Vec<NextWord>,
}

/// How probable a word is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NextWord {
    /// The word.
    pub word: String,
    /// From 0 to 1.
    pub probability: f64,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(perplexity) = self.perplexity {
            write!(f, "perplexity {perplexity:.2} over {} words", self.words)?;
            if self.unknown > 0 {
                write!(f, ", of which it does not know {}", self.unknown)?;
            }
            f.write_str("; ")?;
        }
        let next: Vec<_> = self.next.iter().map(ToString::to_string).collect();
        write!(f, "next {}", next.join(", "))
    }
}

impl fmt::Display for NextWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (probability {:.4})", self.word, self.probability)
    }
}

impl Reading {
    /// Reads a file, of whose answers the `top` most probable are kept.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or has no word, or the network says nothing that is a number.
    pub(super) fn of_file<B: ModelBackend>(
        export: &LanguageExport,
        network: &LanguageNetwork<B>,
        file: &Path,
        top: usize,
        device: &B::Device,
    ) -> Result<Self, TrainError> {
        let words = read_words(file, export.text.as_ref())?;
        let Numbered {
            numbers, replaced, ..
        } = numbered(words.iter().map(String::as_str), &export.words())?;
        // What comes next is what follows the last word, not its paragraph's end.
        let (text, end) = numbers.split_at(numbers.len() - 1);
        let mut reader = Reader::new(network, device);
        reader.read(text);
        let next = most_probable(export, reader.expected().unwrap_or_default(), top);
        reader.read(end);
        let words = numbers.len() - 1;
        let mean = reader.loss() / words as f64;
        if words > 0 && !mean.is_finite() {
            return Err(TrainError::NotFinite {
                what: format!("what the network says of `{}`", file.display()),
                found: "probabilities that are no numbers".into(),
            });
        }
        Ok(Self {
            perplexity: (words > 0).then(|| perplexity(mean).value),
            words,
            unknown: replaced,
            next,
        })
    }
}

fn most_probable(export: &LanguageExport, expected: Vec<f64>, top: usize) -> Vec<NextWord> {
    let mut order: Vec<usize> = (0..expected.len()).collect();
    order.sort_by(|&a, &b| expected[b].total_cmp(&expected[a]));
    let word = |number: usize| NextWord {
        word: export.vocabulary[number].clone(),
        probability: expected[number].exp(),
    };
    order.into_iter().take(top).map(word).collect()
}
