use std::path::PathBuf;

use clap::Args;
use supernet::{ModelBackend, TrainBackend};
use workbench::cli::RunsOn;
use workbench::config::checks::not_negative;
use workbench::report::Sample;
use workbench::stream::{Purpose, seeded_rng, uniform};
use workbench::text::{END, UNKNOWN, Vocabulary, words_of};

use super::reader::Reader;
use super::spelling::spelled;
use super::vocabulary::numbered;
use super::{LanguageExport, LanguageRecipe};
use crate::TrainError;
use crate::cli::network_in;
use supernet::recurrent::LanguageNetwork;

#[derive(Debug, Args)]
pub struct SampleArgs {
    /// A run folder, also of a search, or an exported network.
    network: PathBuf,
    /// What the text begins with; by default the beginning of a paragraph.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        allow_hyphen_values = true
    )]
    prompt: String,
    /// How bold the choice is: below 1 probable words become more so; 0 always takes the most probable.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    temperature: f64,
    /// Words to write, marks and ends of paragraphs among them; `<unk>` is never chosen.
    #[arg(long, value_name = "N", default_value_t = 100)]
    tokens: usize,
    /// Choose among so many of the most probable words alone.
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    top_k: Option<usize>,
    /// Seed of the choice.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Folder of the run's corpus, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "valid: 1 or more".into())
}

/// How the next word is chosen.
#[derive(Debug, Clone, Copy)]
struct Choice {
    temperature: f64,
    top_k: Option<usize>,
    /// A word that is never chosen.
    left_out: Option<u32>,
}

impl SampleArgs {
    pub(super) fn run<B: TrainBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        if not_negative("temperature", self.temperature).is_err() {
            return Err(TrainError::Option {
                option: "temperature",
                found: self.temperature.to_string(),
                valid: "0 or more".into(),
            });
        }
        let root = self.data_root.as_deref();
        let (export, network) = network_in::<B, LanguageRecipe>(&self.network, root, device)?;
        let vocabulary = export.words();
        let begun = self.begun(&export, &vocabulary)?;
        let choice = Choice {
            temperature: self.temperature,
            top_k: self.top_k,
            left_out: vocabulary.number(UNKNOWN),
        };
        let mut reader = Reader::new(&network, device);
        let written = choice.write(&mut reader, &begun, self.tokens, self.seed)?;
        // The end of a paragraph that the prompt begins is not shown.
        let words = begun.iter().skip(1).chain(&written);
        let words = words.filter_map(|&number| vocabulary.word(number));
        println!("{}", spelled(words));
        Ok(())
    }

    /// The end of a paragraph, so that one begins, and the words of the prompt.
    fn begun(
        &self,
        export: &LanguageExport,
        vocabulary: &Vocabulary,
    ) -> Result<Vec<u32>, TrainError> {
        let mut words = words_of(&self.prompt, export.text.as_ref());
        words.pop();
        let words = std::iter::once(END).chain(words.iter().map(String::as_str));
        let begun = numbered(words, vocabulary)?;
        if !begun.unknown.is_empty() {
            let unknown = begun.unknown.words().join("`, `");
            eprintln!("note: the network does not know `{unknown}`: read as `{UNKNOWN}`");
        }
        Ok(begun.numbers)
    }
}

/// How boldly the passages of a page are written.
const BOLDNESS: [f64; 3] = [0.5, 0.8, 1.0];
/// Words of each.
const WORDS: usize = 60;

/// What a network writes from the beginning of a paragraph, more boldly from passage to passage; a passage is
/// left out where probabilities are no numbers.
pub(super) fn passages<B: ModelBackend>(
    network: &LanguageNetwork<B>,
    vocabulary: &Vocabulary,
    device: &B::Device,
) -> Vec<Sample> {
    let begun: Vec<u32> = vocabulary.number(END).into_iter().collect();
    let passage = |temperature: f64| {
        let choice = Choice {
            temperature,
            top_k: None,
            left_out: vocabulary.number(UNKNOWN),
        };
        let mut reader = Reader::new(network, device);
        let written = choice.write(&mut reader, &begun, WORDS, 0).ok()?;
        let words = written.iter().filter_map(|&number| vocabulary.word(number));
        Some(Sample::Passage {
            how: format!("temperature {temperature}, {WORDS} words"),
            text: spelled(words).trim().into(),
        })
    };
    BOLDNESS.into_iter().filter_map(passage).collect()
}

impl Choice {
    /// Reads what is begun and writes so many words.
    fn write<B: ModelBackend>(
        self,
        reader: &mut Reader<'_, B>,
        begun: &[u32],
        tokens: usize,
        seed: u64,
    ) -> Result<Vec<u32>, TrainError> {
        let mut rng = seeded_rng(Purpose::Words, [seed, 0, 0]);
        let mut written = Vec::with_capacity(tokens);
        reader.read(begun);
        while written.len() < tokens {
            let expected = reader.expected().unwrap_or_default();
            let at = uniform(&mut rng, 0.0, 1.0);
            let word = self
                .word(&expected, at)
                .ok_or_else(|| TrainError::NotFinite {
                    what: "what the network says of the next word".into(),
                    found: "probabilities that are no numbers".into(),
                })?;
            written.push(word);
            reader.read(&[word]);
        }
        Ok(written)
    }

    /// The word at a place from 0 to 1 among all, each as wide as it is probable. `expected` has the
    /// logarithms of their probabilities; none where these are no numbers.
    fn word(self, expected: &[f64], at: f64) -> Option<u32> {
        let mut words: Vec<(u32, f64)> = (0..).zip(expected.iter().copied()).collect();
        words.retain(|(word, _)| Some(*word) != self.left_out);
        words.sort_by(|a, b| b.1.total_cmp(&a.1));
        let &(first, most) = words.first()?;
        if words.iter().any(|(_, value)| value.is_nan()) {
            return None;
        }
        if self.temperature == 0.0 {
            return Some(first);
        }
        words.truncate(self.top_k.unwrap_or(usize::MAX));
        let width = |value: f64| ((value - most) / self.temperature).exp();
        let all: f64 = words.iter().map(|(_, value)| width(*value)).sum();
        let mut left = at * all;
        for (word, value) in &words {
            left -= width(*value);
            if left < 0.0 {
                return Some(*word);
            }
        }
        words.last().map(|(word, _)| *word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: [f64; 4] = [0.1, 0.4, 0.2, 0.3];

    fn word(choice: Choice, at: f64) -> u32 {
        choice.word(&EXPECTED.map(f64::ln), at).unwrap()
    }

    const PLAIN: Choice = Choice {
        temperature: 1.0,
        top_k: None,
        left_out: None,
    };

    #[test]
    fn words_are_as_wide_as_they_are_probable() {
        let at = |at| word(PLAIN, at);
        assert_eq!([at(0.0), at(0.39), at(0.41), at(0.69)], [1, 1, 3, 3]);
        assert_eq!([at(0.71), at(0.89), at(0.91), at(0.9999)], [2, 2, 0, 0]);
    }

    #[test]
    fn temperature_top_and_what_is_left_out_narrow_the_choice() {
        let cold = Choice {
            temperature: 0.0,
            ..PLAIN
        };
        assert_eq!(word(cold, 0.99), 1);
        let two = Choice {
            top_k: Some(2),
            ..PLAIN
        };
        assert_eq!(word(two, 0.99), 3);
        let without = Choice {
            left_out: Some(1),
            ..cold
        };
        assert_eq!(word(without, 0.0), 3);
        assert_eq!(PLAIN.word(&[0.0, f64::NAN], 0.5), None);
        assert_eq!(PLAIN.word(&[], 0.5), None);
    }
}
