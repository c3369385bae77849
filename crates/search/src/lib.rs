//! Differentiable architecture search: alternating optimisation of a supernet's weights and its
//! architecture logits, deriving, and the reports of a run.
#![deny(missing_docs)]

mod best;
pub mod cli;
mod config;
mod error;
mod evaluate;
mod job;
mod method;
mod penalty;
mod record;
mod report;
mod run;
mod second_order;
mod state;
mod step;

pub use config::{AlphaConfig, DataConfig, LoopConfig, SearchConfig, SizeConfig, WeightsConfig};
pub use error::SearchError;
pub use evaluate::{score_child, score_supernet};
pub use method::{MethodRules, SearchMethod};
pub use record::{EpochRecord, Outcome, Timing};
pub use report::{draw_genotype, summary, write_outcome, write_reports};
pub use run::{Reporter, Session};
pub use state::SearchState;
pub use step::{AlternatingStep, Prediction, StepLosses, predict};
