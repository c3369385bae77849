//! Recorded values of the recurrent cell and of the language network around it. `RECURRENT_GOLDEN` and
//! `LANGUAGE_GOLDEN` may name other files of the same form.

mod cell;
mod language;
mod values;
