//! Recorded values of the recurrent cell, of the language network around it and of segmentation.
//! `RECURRENT_GOLDEN`, `LANGUAGE_GOLDEN` and `SEGMENTATION_GOLDEN` may name other files of the same form.

mod bilinear_cases;
mod cell;
mod file;
mod language;
mod segmentation_bilinear;
mod segmentation_networks;
mod values;
