use supernet::TrainBackend;
use workbench::backend::{BackendName, Selected};

use crate::TrainError;

/// A backend's device that was not tried yet: what can be refused without it is refused first.
pub(super) struct Place<'a, B: TrainBackend> {
    pub(super) backend: BackendName,
    pub(super) device: B::Device,
    pub(super) compiled: &'a [BackendName],
    /// The device and its driver, where they are described.
    pub(super) adapter: Option<String>,
}

impl<B: TrainBackend> Place<'_, B> {
    /// Tries the device.
    ///
    /// # Errors
    ///
    /// When it is missing or does not work.
    pub(super) fn probe(self) -> Result<Selected<B>, TrainError> {
        Ok(self.backend.probe(self.device, self.compiled)?)
    }
}
