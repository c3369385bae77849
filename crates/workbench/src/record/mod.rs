//! What runs write down: a record for every epoch, an outcome at the end, and what they measure.

mod confusion;
mod epoch;
mod fields;
mod fit;
mod inherited;
mod metric;
mod search;
mod second;
mod step;

pub use confusion::{ByClass, Confusion};
pub use epoch::EpochRecord;
pub use fit::{FitEpoch, FitOutcome};
pub use inherited::{InheritedScore, InheritedScores};
pub use metric::{Direction, Metric, MetricCurve, Score, capitalised};
pub use search::{CellRecord, ChildCost, SearchEpoch, SearchOutcome, SearchTiming};
pub use second::{SecondScore, SecondScoring};
pub use step::{LIMITS, MachineLimits, ProfiledOperation, StepAnswer};
