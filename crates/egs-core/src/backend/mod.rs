//! The estimator as one operation of a Burn backend.

mod autodiff;
mod base;
mod cpu;
#[cfg(feature = "flex")]
mod flex;
pub(crate) mod plain;
#[cfg(feature = "flex")]
mod rows;

use burn::tensor::{Tensor, TensorPrimitive, backend::Backend, ops::FloatTensor};

pub use base::{EgsBackend, EgsForm, Forward, Spec};

pub(crate) fn tensor<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

pub(crate) fn primitive<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}
