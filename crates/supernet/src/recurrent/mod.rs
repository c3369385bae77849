//! The search space, supernet and derived networks of language modelling: the recurrent cell of DARTS.
//!
//! A cell makes a first state of the input and the hidden state before, and then one state a step, of
//! any of the states so far; their mean is the next hidden state. Each step has one matrix, which all
//! its pairs of a predecessor and an activation share, so a network's size does not depend on how many
//! of them are on.

mod cell;
mod derived;
mod language;
mod lstm;
mod memory;
mod network;
mod normalization;
mod operation;
mod plan;
mod published;
mod supernet;
mod tensors;
mod unroll;

pub use cell::{CellCode, CellMasks, RecurrentCell};
pub use derived::CellForm;
pub use language::{HiddenState, LanguageMasks, LanguageOutput, LanguageSize, TiedWords};
pub use lstm::LstmCell;
pub use memory::LanguageStep;
pub use network::{CellChoice, LanguageConfig, LanguageNetwork, states_read};
pub use normalization::StepNormalization;
pub use operation::RecurrentOperation;
pub use published::PublishedRecurrent;
pub use supernet::{LanguageSupernet, LanguageSupernetConfig};
pub use unroll::{StateNorm, StepPlan, UnrollBackend, UnrollInputs, UnrollSettings, Unrolled};
