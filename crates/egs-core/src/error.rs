use thiserror::Error;

/// What can be refused before anything is computed.
///
/// Data-dependent oddities (NaN or infinite logits, a row whose relu is zero everywhere) are not
/// errors: they have a documented, finite result, see [`probabilities`](crate::probabilities).
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum EgsError {
    /// The ensemble has no member.
    #[error("the number of draws must be at least 1, got 0")]
    NoDraws,
    /// More draws than the noise counter or the f32 routing can tell apart.
    #[error("the number of draws must be at most {limit}, got {draws}")]
    TooManyDraws {
        /// The refused number of draws.
        draws: usize,
        /// The largest accepted one.
        limit: usize,
    },
    /// A temperature that is not a positive, finite, normal f32.
    #[error("the temperature must be a positive finite number, got {0}")]
    Temperature(f64),
    /// The last dimension of the logits is empty.
    #[error("there must be at least one operation to choose from, got logits of shape {shape:?}")]
    NoOps {
        /// Shape of the refused logits.
        shape: Vec<usize>,
    },
    /// A tensor that must fit another one does not.
    #[error("{what} must have shape {expected:?}, got {actual:?}")]
    Shape {
        /// Which argument was refused.
        what: &'static str,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        actual: Vec<usize>,
    },
    /// More rows than the 32-bit noise counter can tell apart.
    #[error("at most {limit} rows can be sampled in one call, got {rows}")]
    TooManyRows {
        /// The refused number of rows.
        rows: usize,
        /// The largest accepted one.
        limit: usize,
    },
    /// A probability vector with a negative, infinite or NaN entry.
    #[error("probability {index} must be finite and not negative, got {value}")]
    Probability {
        /// Position of the refused entry.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A probability vector that does not sum to one.
    #[error("the probabilities must sum to 1, got {0}")]
    ProbabilitySum(f64),
    /// A gradient that replaces the one of the binary code was asked for in the relaxed mode.
    #[error("the relaxed mode has its own gradient and cannot be combined with {0}")]
    RelaxedGradient(&'static str),
    /// Gumbel-Rao without a resample.
    #[error("the number of conditional resamples must be between 1 and {limit}, got {resamples}")]
    Resamples {
        /// The refused number.
        resamples: u32,
        /// The largest accepted one.
        limit: u32,
    },
    /// Gumbel-Rao resamples noise, which given noise has no key for.
    #[error("Gumbel-Rao resamples its noise and needs a noise key instead of given noise")]
    ResamplesNeedKey,
    /// A setting that the reference form does not have.
    #[error("the reference form has no {0}")]
    NoReference(&'static str),
    /// More codes than are enumerated.
    #[error("{codes:.3e} codes can occur, at most {limit} are enumerated")]
    TooManyCodes {
        /// Number of codes that can occur.
        codes: f64,
        /// The largest number that is enumerated.
        limit: usize,
    },
    /// A tensor could not be read back from its device.
    #[error("the tensor could not be read: {0}")]
    Read(String),
}
