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
}
