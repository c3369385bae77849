//! How a stream is cut into sequences.

use serde::{Deserialize, Serialize};

use crate::stream::{Purpose, RngKey, seeded_rng, uniform};
use crate::{Result, WorkbenchError};

/// How many tokens a network is trained on before its weights move, and the gradient reaches back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sequences {
    /// The usual number of tokens.
    pub length: usize,
    /// How the number varies in training, so that sequences begin elsewhere in every epoch.
    pub vary: Vary,
}

/// How the length of a sequence varies. The learning rate of a step takes the factor of what was drawn
/// over the usual length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vary {
    /// All are of the usual length.
    Never,
    /// One in 20 is half as long, as published for the search.
    Halves,
    /// Normal around the usual length, or for one in 20 around half of it, with a deviation of 5 tokens;
    /// at least 5 tokens and at most 20 more than usual: as published for training.
    Normal,
}

impl Default for Sequences {
    fn default() -> Self {
        Self {
            length: 35,
            vary: Vary::Normal,
        }
    }
}

/// Some consecutive tokens of every stream, each of which has the next one for its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Place of the first token in the stream.
    pub start: usize,
    /// Number of tokens that was drawn.
    pub drawn: usize,
    /// Number of tokens, which the end of the stream may make less.
    pub length: usize,
}

impl Sequences {
    /// Share of the lengths that are around the whole usual one.
    const WHOLE: f64 = 0.95;
    const DEVIATION: f64 = 5.0;
    const LEAST: usize = 5;
    const MORE: usize = 20;

    /// Checks the values.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        match self.length {
            0 => Err(WorkbenchError::field(
                "data.sequences.length",
                0,
                "1 or more",
            )),
            _ => Ok(()),
        }
    }

    /// The length that these numbers draw: `uniform` of 0 to 1, `normal` of mean 0 and deviation 1.
    pub fn drawn(&self, uniform: f64, normal: f64) -> usize {
        let usual = self.length as f64;
        let base = if uniform < Self::WHOLE {
            usual
        } else {
            usual / 2.0
        };
        match self.vary {
            Vary::Never => self.length,
            Vary::Halves => (base as usize).max(1),
            Vary::Normal => {
                let length = (base + Self::DEVIATION * normal) as usize;
                length.max(Self::LEAST).min(self.length + Self::MORE)
            }
        }
    }

    /// A length than which few that are drawn are greater.
    pub fn usual_most(&self) -> usize {
        match self.vary {
            Vary::Never | Vary::Halves => self.length,
            Vary::Normal => self.length + (3.0 * Self::DEVIATION) as usize,
        }
    }

    /// The factor of the learning rate for a length that was drawn.
    pub fn learning_rate_factor(&self, drawn: usize) -> f64 {
        drawn as f64 / self.length as f64
    }

    /// The lengths of an epoch, one after the other without an end: a function of the key alone.
    pub fn lengths(self, key: RngKey) -> impl Iterator<Item = usize> {
        let mut rng = seeded_rng(Purpose::Lengths, [key.seed, key.epoch, 0]);
        std::iter::repeat_with(move || {
            let which = uniform(&mut rng, 0.0, 1.0);
            // Box and Muller.
            let radius = (-2.0 * (1.0 - uniform(&mut rng, 0.0, 1.0)).ln()).sqrt();
            let angle = uniform(&mut rng, 0.0, std::f64::consts::TAU);
            self.drawn(which, radius * angle.cos())
        })
    }
}

/// Cuts a stream of `rows` tokens into sequences of these lengths for training. What is left at the end
/// for a sequence of a single token is left out, as published.
pub fn training_segments(rows: usize, lengths: impl IntoIterator<Item = usize>) -> Vec<Segment> {
    let mut start = 0;
    let mut segments = Vec::new();
    for drawn in lengths {
        if start + 2 >= rows {
            break;
        }
        segments.push(segment(rows, start, drawn));
        start += drawn;
    }
    segments
}

/// Cuts a stream of `rows` tokens into sequences of one length, so that every token but the first is a
/// target.
pub fn evaluation_segments(rows: usize, length: usize) -> impl Iterator<Item = Segment> {
    let starts = (0..rows.saturating_sub(1)).step_by(length.max(1));
    starts.map(move |start| segment(rows, start, length))
}

/// The sequence of a search's logits in their stream of `rows` tokens, beside the one of its weights that
/// begins at `start`: it begins there too, gone around as often as it takes. `None` in a stream of fewer
/// than 2 tokens.
pub fn logit_segment(rows: usize, start: usize, length: usize) -> Option<Segment> {
    let start = start.checked_rem(rows.saturating_sub(1))?;
    Some(segment(rows, start, length))
}

fn segment(rows: usize, start: usize, drawn: usize) -> Segment {
    Segment {
        start,
        drawn,
        length: drawn.min(rows - 1 - start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(length: usize, vary: Vary) -> Sequences {
        Sequences { length, vary }
    }

    #[test]
    fn lengths_are_a_function_of_seed_and_epoch() {
        let lengths = |seed, epoch| -> Vec<usize> {
            let key = RngKey { seed, epoch };
            Sequences::default().lengths(key).take(50).collect()
        };
        assert_eq!(lengths(1, 2), lengths(1, 2));
        assert_ne!(lengths(1, 2), lengths(1, 3));
        assert_ne!(lengths(1, 2), lengths(2, 2));
    }

    #[test]
    fn lengths_are_distributed_as_published() {
        let key = RngKey { seed: 4, epoch: 0 };
        let draw = |vary| sequences(35, vary).lengths(key).take(20_000);
        assert!(draw(Vary::Never).all(|length| length == 35));
        let halves = draw(Vary::Halves).filter(|&length| length == 17).count();
        // Five standard deviations of a binomial with 20,000 trials and probability 1/20.
        assert!(halves.abs_diff(1_000) < 155, "{halves}");
        assert!(draw(Vary::Halves).all(|length| [17, 35].contains(&length)));
        let normal: Vec<usize> = draw(Vary::Normal).collect();
        assert!(normal.iter().all(|length| (5..=55).contains(length)));
        let mean = normal.iter().sum::<usize>() as f64 / 20_000.0;
        // 0.95 * 35 + 0.05 * 17.5, less half a token for what is cut off; deviation 6.3 / sqrt(20,000).
        assert!((mean - 33.625).abs() < 0.23, "{mean}");
    }

    #[test]
    fn no_length_is_zero() {
        assert_eq!(sequences(1, Vary::Halves).drawn(0.99, 0.0), 1);
        assert_eq!(sequences(1, Vary::Normal).drawn(0.99, -9.0), 5);
        let message = sequences(0, Vary::Never)
            .validate()
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("`data.sequences.length` is 0"),
            "{message}"
        );
    }

    #[test]
    fn evaluation_has_every_token_but_the_first_for_a_target() {
        for (rows, length) in [(11, 3), (10, 3), (2, 5), (1, 4), (0, 4)] {
            let mut next = 0;
            for segment in evaluation_segments(rows, length) {
                assert_eq!(segment.start, next);
                next += segment.length;
            }
            assert_eq!(next, rows.saturating_sub(1), "{rows} by {length}");
        }
    }

    #[test]
    fn a_stream_too_short_has_no_sequence() {
        assert!(training_segments(2, [5]).is_empty());
        assert_eq!(
            (logit_segment(1, 7, 5), logit_segment(0, 7, 5)),
            (None, None)
        );
    }
}
