use std::sync::{Mutex, MutexGuard};

use burn::module::{
    AutodiffModule, Content, HasAutodiffModule, Module, ModuleDisplay, ModuleDisplayDefault,
    ModuleMapper, ModuleVisitor, Param, ParamId,
};
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};

/// A tensor `[channels]` that changes in the forward pass without being trained. A clone is a copy:
/// what happens to one does not touch the other.
#[derive(Debug)]
pub struct RunningTensor<B: Backend> {
    id: ParamId,
    value: Mutex<Tensor<B, 1>>,
}

impl<B: Backend> RunningTensor<B> {
    /// Starts at `value` `[channels]`.
    pub fn new(value: Tensor<B, 1>) -> Self {
        Self::with_id(ParamId::new(), value)
    }

    fn with_id(id: ParamId, value: Tensor<B, 1>) -> Self {
        Self {
            id,
            value: Mutex::new(value),
        }
    }

    pub(super) fn id(&self) -> ParamId {
        self.id
    }

    /// The current value `[channels]`.
    pub fn value(&self) -> Tensor<B, 1> {
        self.lock().clone()
    }

    pub(super) fn set(&self, value: Tensor<B, 1>) {
        *self.lock() = value;
    }

    // A panic elsewhere leaves a whole tensor behind, so a poisoned lock is still good to read.
    fn lock(&self) -> MutexGuard<'_, Tensor<B, 1>> {
        self.value.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn into_value(self) -> Tensor<B, 1> {
        self.value.into_inner().unwrap_or_else(|e| e.into_inner())
    }
}

impl<B: Backend> Clone for RunningTensor<B> {
    fn clone(&self) -> Self {
        Self::with_id(self.id, self.value())
    }
}

impl<B: Backend> ModuleDisplayDefault for RunningTensor<B> {
    fn content(&self, content: Content) -> Option<Content> {
        content
            .add_formatted(&"RunningTensor".to_string())
            .optional()
    }
}

impl<B: Backend> ModuleDisplay for RunningTensor<B> {}

impl<B: Backend> Module<B> for RunningTensor<B> {
    type Record = Param<Tensor<B, 1>>;

    fn visit<V: ModuleVisitor<B>>(&self, visitor: &mut V) {
        visitor.visit_float(&Param::initialized(self.id, self.value()));
    }

    fn map<M: ModuleMapper<B>>(self, mapper: &mut M) -> Self {
        let param = mapper.map_float(Param::initialized(self.id, self.into_value()));
        let (id, value, _) = param.consume();
        Self::with_id(id, value)
    }

    fn load_record(self, record: Self::Record) -> Self {
        let device = self.value().device();
        Self::with_id(record.id, record.val().to_device(&device).detach())
    }

    fn into_record(self) -> Self::Record {
        Param::initialized(self.id, self.into_value())
    }

    fn to_device(self, device: &B::Device) -> Self {
        let id = self.id;
        Self::with_id(id, self.into_value().to_device(device))
    }

    fn fork(self, device: &B::Device) -> Self {
        self.to_device(device)
    }

    fn collect_devices(&self, mut devices: Vec<B::Device>) -> Vec<B::Device> {
        let device = self.value().device();
        if !devices.contains(&device) {
            devices.push(device);
        }
        devices
    }
}

impl<B: AutodiffBackend> AutodiffModule<B> for RunningTensor<B> {
    type InnerModule = RunningTensor<B::InnerBackend>;

    fn valid(&self) -> Self::InnerModule {
        RunningTensor::with_id(self.id, self.value().inner())
    }

    fn from_inner(module: Self::InnerModule) -> Self {
        let id = module.id;
        Self::with_id(id, Tensor::from_inner(module.into_value()))
    }
}

impl<B: AutodiffBackend> HasAutodiffModule<B> for RunningTensor<B::InnerBackend> {
    type TrainModule = RunningTensor<B>;
}
