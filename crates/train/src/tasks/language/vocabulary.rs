//! Words as numbers of a network.

use workbench::problem::Split;
use workbench::text::{Corpus, UNKNOWN, Vocabulary};

use crate::TrainError;

/// Words as the numbers that a network knows them by.
pub(super) struct Numbered {
    pub(super) numbers: Vec<u32>,
    /// Words that became [`UNKNOWN`], each once, in the order of their first appearance.
    pub(super) unknown: Vocabulary,
    /// How often.
    pub(super) replaced: usize,
}

/// Looks words up; what the vocabulary lacks becomes [`UNKNOWN`].
///
/// # Errors
///
/// When it lacks that too.
pub(super) fn numbered<'a>(
    words: impl IntoIterator<Item = &'a str>,
    vocabulary: &Vocabulary,
) -> Result<Numbered, TrainError> {
    let mut numbers = Vec::new();
    let mut unknown = Vec::new();
    for word in words {
        if vocabulary.number(word).is_none() && word != UNKNOWN {
            unknown.push(word);
        }
        let number = vocabulary.number_or_unknown(word);
        numbers.push(number.ok_or_else(|| TrainError::Misfit {
            what: "the text".into(),
            found: format!("a word `{word}`"),
            expected: format!("{} words, of which `{UNKNOWN}` is none", vocabulary.len()),
        })?);
    }
    Ok(Numbered {
        replaced: unknown.len(),
        unknown: unknown.into_iter().collect(),
        numbers,
    })
}

/// A corpus in the numbers of another vocabulary.
///
/// # Errors
///
/// As [`numbered`].
pub(super) fn renumbered(corpus: &Corpus, vocabulary: &Vocabulary) -> Result<Corpus, TrainError> {
    let part = |split| {
        let words = corpus.tokens(split).iter();
        let words = words.filter_map(|&number| corpus.vocabulary().word(number));
        Ok::<_, TrainError>(numbered(words, vocabulary)?.numbers)
    };
    let parts = [
        part(Split::Weights)?,
        part(Split::Validation)?,
        part(Split::Test)?,
    ];
    Ok(Corpus::new(corpus.name(), vocabulary.clone(), parts)?)
}
