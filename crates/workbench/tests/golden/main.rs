//! What published code computes, reproduced. The environment may name other files of the same form
//! (`LANGUAGE_GOLDEN`, `SEGMENTATION_GOLDEN`).

mod language_dropout;
mod language_loss;
mod language_optimisation;
mod language_text;
mod segmentation;
mod values;
