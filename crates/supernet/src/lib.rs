//! Search spaces, supernets, genotypes and derived networks for differentiable architecture search
//! with the Ensemble Gumbel-Softmax estimator (Chang et al., "DATA: Differentiable ArchiTecture
//! Approximation", NeurIPS 2019).
//!
//! Shapes name their axes with the same words everywhere: images are
//! `[batch, channels, height, width]`, architecture logits `[edges, ops]`, class logits
//! `[batch, classes]`.
#![deny(missing_docs)]

pub mod kernels;

mod architecture;
mod convolution;
mod error;
mod layers;

pub use architecture::{
    Architecture, ArchitectureConfig, ArchitectureSample, CellCodes, CellGenotype, CodeTable,
    DeriveRule, DerivedCodes, Genotype, GenotypeOp, Operation, Relaxation, Sampling, SearchSpace,
    derive_genotype,
};
pub use convolution::{
    AuxiliaryHead, CellPlan, CellwiseGradients, Cost, DerivedCell, DerivedConfig, DerivedNetwork,
    Execution, FactorizedReduce, Form, LayerCount, LayerKind, NetworkConfig, OperationModule,
    Published, ReluConvNorm, Run, SearchCell, Step, Supernet, SupernetConfig, TrainingOutput,
    count_weights,
};
pub use error::SupernetError;
pub use layers::{
    BatchNorm, Conv2d, DropPath, Linear, NamedTensor, RunningTensor, StateDict, Statistics,
    WeightInit,
};

/// What a backend must offer to run these networks: the estimator and the kernels, both of which
/// have a default form that any Burn backend can use.
pub trait ModelBackend: egs_core::EgsBackend + kernels::KernelBackend {}

impl<B: egs_core::EgsBackend + kernels::KernelBackend> ModelBackend for B {}

/// A [`ModelBackend`] that differentiates, over one that does not.
pub trait TrainBackend:
    burn::tensor::backend::AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend
{
}

impl<B> TrainBackend for B where
    B: burn::tensor::backend::AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend
{
}
