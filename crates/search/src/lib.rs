//! Differentiable architecture search: alternating optimisation of a supernet's weights and its
//! architecture logits, deriving, and the reports of a run.
//!
//! Everything here but [`tasks`] is generic over a [`Task`], the pairing of a
//! [`Problem`](workbench::problem::Problem) with a supernet; `examples/own_task.rs` is one of a user's own.
//! [`Search`] is the experiment that a [`Session`] keeps in a run folder. [`guide`] is for people who use the
//! binaries.
//!
//! # Methods
//!
//! `SearchMethod::rules` is the one place that says how the methods differ: what the supernet runs as
//! (`Relaxation`: a binary code, relaxed draws or the mixture), whether there are logits to train, and the
//! values of the configuration the method starts from (`crates/search/src/method/*.toml`). A cell only
//! ever sees a `CodeTable`: a mixture is one with every operation on and real weights, of which that of
//! `none` drops out.
//!
//! - **A method brings its own values** where a file or an option names another method than what it is
//!   laid on: a file written for `egs` does not make `darts` derive by the wrong rule. What contradicts
//!   the method, such as `gdas` with four draws, is refused.
//! - **Temperatures** are part of that: `egs` has the paper's 5 to 1, `gdas` the published code's 10 to
//!   0.1. SNAS anneals towards 0 without saying how; 1 to 0.1 is our reading. What the relaxed supernet
//!   gets wrong by itself, and so the gap, depends on where this ends.
//! - **DARTS and SNAS train both halves on the mixture.** Second order (Liu et al. 2019, equations 7 and
//!   8) takes its virtual step with a copy of the weights' optimiser, so with its momentum and decay, and
//!   never moves running statistics; a test compares it with the difference quotient of the whole bilevel
//!   loss.
//! - **GDAS** runs only the drawn operation in the architecture step too (`execution = "sampled"`), which
//!   is biased as in the paper; `exact-sparse` can be asked for.
//! - **Random** has equal logits that nothing trains: weights learn under uniform codes, and the child is
//!   one more code of the same law, drawn by the seed. Its size is that of an untrained `egs` child.
//! - **Children of `darts`, `snas` and `gdas` inherit operations with weight 1**, though a mixture gave
//!   them a part of it: this is what the gap measures.
//! - **Two child scores**: with the batch's statistics, as the supernet is scored, and (`*_running`) with
//!   the running statistics that the child inherits, which are averages over other architectures.
//! - **A finished search leaves its child** with inherited weights as an exported network, `child/`, which
//!   says that it is scored with the statistics of batches of the search's size, in the search's order.
//! - **Going on beyond the end** ([`Extension`](workbench::session::Extension)) needs schedules that have no
//!   end, or new ones for the epochs that are added; with constant ones it is the longer search to the bit.
//! - **Penalties** are part of the loss of the logits. The cost of an operation
//!   ([`Task::costs`]) is summed over the cells that share a table, weighted with its
//!   probability to be on, `1 - (1 - p)^M`, and divided by the cost of all operations together.
//! - **A budget** (`alpha.cost_budget`) is one of the whole child, retrained in the size of the search, as
//!   [`Task::child_costs`] counts it. Deriving keeps it ([`keep_budget`](supernet::keep_budget)): as long as
//!   the child costs more, it loses the operation that gives up the least probability for the cost it
//!   saves. With it, the cost penalty is that of what the expected child costs beyond the budget, so the
//!   search leans to children that need not lose anything.
//! - **Several seeds** share a folder; `search best` retrains every child on the same part of the training
//!   data and judges on the other with running statistics; no search divides them so, because one that
//!   did would have trained its logits on just the judges. Its step is the one that `train` takes,
//!   [`TrainingStep`](workbench::training::TrainingStep).
//! - **The gap table** reads nothing but the `result.json` of searches and retrainings, so it is made again
//!   without running anything (`--no-run`). It runs `search --seeds` and `train fit --continue`, which
//!   refuse a folder of other settings.
#![deny(missing_docs)]

mod best;
mod cells;
pub mod cli;
mod config;
mod display;
mod error;
mod evaluate;
mod exported;
#[cfg(any(doc, doctest))]
pub mod guide;
mod job;
mod method;
mod objective;
mod page;
mod penalty;
mod plan;
mod remarks;
mod report;
mod resume;
mod score;
mod search;
mod second_order;
mod seeds;
mod state;
mod step;
mod task;
pub mod tasks;
mod weightless;

pub use config::{AlphaConfig, LoopConfig, SearchConfig, WeightsConfig};
pub use display::epoch_table;
pub use error::SearchError;
pub use evaluate::Scoring;
pub use exported::ExportedChild;
pub use method::{MethodRules, SearchMethod};
pub use objective::{Evaluated, Objective, run_sampled};
pub use page::run_page;
pub use plan::SearchPlan;
pub use report::{draw_genotype, summary, write_reports};
pub use search::Search;
pub use state::{Carries, SearchState};
pub use step::{AlternatingStep, StepLosses, Stepped};
pub use task::{AnswerOf, Answered, BatchOf, Cellwise, Pass, Task, TrainTask};

/// A search in its run folder: log, checkpoints, lock and pictures.
pub type Session<B, T> = workbench::session::Session<Search<B, T>>;
