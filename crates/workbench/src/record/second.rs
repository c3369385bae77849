//! A second way to score a derived network.

use serde::{Serializer, de};

use super::fields::{FieldWriter, Fields};

/// What else than the statistics of the batch a derived network is scored with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondScoring {
    /// The running statistics that it inherits.
    Running,
    /// No batch normalisation, as it is retrained.
    Unnormalised,
}

/// A score of a derived network in another way than the supernet's: `child_error_running` and
/// `gap_running`, or `child_perplexity_unnormalised` and `gap_unnormalised`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondScore {
    /// In which way.
    pub scoring: SecondScoring,
    /// The score.
    pub child: f64,
    /// That score less the supernet's.
    pub gap: f64,
}

impl SecondScoring {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Running, Self::Unnormalised];

    /// What the names of fields end in.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Unnormalised => "unnormalised",
        }
    }

    /// A word for a line of a summary.
    pub fn title(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Unnormalised => "plain",
        }
    }

    /// What a curve of it is called, beside that of the statistics of the batch.
    pub fn curve(self) -> &'static str {
        match self {
            Self::Running => "running statistics",
            Self::Unnormalised => "no normalisation",
        }
    }

    /// How it is said of a child.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Running => "with inherited running statistics",
            Self::Unnormalised => "without batch normalisation",
        }
    }
}

pub(super) fn put_second<S: Serializer>(
    to: &mut FieldWriter<S>,
    metric: &str,
    second: Option<SecondScore>,
) -> Result<(), S::Error> {
    let Some(SecondScore {
        scoring,
        child,
        gap,
    }) = second
    else {
        return Ok(());
    };
    to.put(format!("child_{metric}_{}", scoring.name()), child)?;
    to.put(format!("gap_{}", scoring.name()), gap)
}

pub(super) fn take_second<E: de::Error>(
    from: &mut Fields,
    metric: &str,
) -> Result<Option<SecondScore>, E> {
    for scoring in SecondScoring::ALL {
        let child = from.take_optional(&format!("child_{metric}_{}", scoring.name()))?;
        let gap = from.take_optional(&format!("gap_{}", scoring.name()))?;
        if let (Some(child), Some(gap)) = (child, gap) {
            return Ok(Some(SecondScore {
                scoring,
                child,
                gap,
            }));
        }
    }
    Ok(None)
}
