//! Records of modules and optimisers as sections of a checkpoint, in full precision.

use burn::{
    record::{FullPrecisionSettings, NamedMpkBytesRecorder, Record, Recorder},
    tensor::backend::Backend,
};

use super::loaded::{Loaded, broken};
use crate::{Result, WorkbenchError};

type BytesRecorder = NamedMpkBytesRecorder<FullPrecisionSettings>;

/// A record as the content of a section.
///
/// # Errors
///
/// When the record has no byte form.
pub fn encode_record<B: Backend, R: Record<B>>(
    section: &'static str,
    record: R,
) -> Result<Vec<u8>> {
    Recorder::<B>::record(&BytesRecorder::default(), record, ()).map_err(|error| {
        WorkbenchError::InvalidValue {
            field: section,
            found: format!("a state without a byte form ({error})"),
            valid: "a state that a checkpoint can hold".into(),
        }
    })
}

impl Loaded {
    /// The record that a section holds.
    ///
    /// # Errors
    ///
    /// When there is no such section or it holds another kind of record.
    pub fn record<B: Backend, R: Record<B>>(&self, section: &str, device: &B::Device) -> Result<R> {
        let bytes = self.section(section)?.to_vec();
        Recorder::<B>::load(&BytesRecorder::default(), bytes, device).map_err(|error| {
            broken(
                &self.path,
                format!("section `{section}` cannot be read ({error})"),
            )
        })
    }
}
