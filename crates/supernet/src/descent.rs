//! Stochastic gradient descent whose step is one operation.

use burn::{
    module::AutodiffModule,
    optim::{LearningRate, SimpleOptimizer, adaptor::OptimizerAdaptor},
    record::Record,
    tensor::{
        Tensor,
        backend::{AutodiffBackend, Backend},
    },
};

use crate::kernels::{self, Descent, KernelBackend};

/// Stochastic gradient descent with momentum and weight decay as PyTorch has it, see
/// [`descend`](kernels::descend).
///
/// A parameter without a gradient is left as it is: it does not decay and its velocity stays.
#[derive(Debug, Clone, Copy)]
pub struct Sgd {
    momentum: f64,
    decay: f64,
}

impl Sgd {
    /// An optimiser of the weights of a model.
    pub fn optimizer<B, M>(momentum: f64, decay: f64) -> OptimizerAdaptor<Self, M, B>
    where
        B: AutodiffBackend<InnerBackend: KernelBackend>,
        M: AutodiffModule<B>,
    {
        OptimizerAdaptor::from(Self { momentum, decay })
    }
}

/// What is kept of a parameter.
#[derive(Record, Clone)]
pub struct SgdState<B: Backend, const D: usize> {
    momentum: Option<Velocity<B, D>>,
}

/// The gradients before, each of less weight the older it is.
#[derive(Record, Clone)]
struct Velocity<B: Backend, const D: usize> {
    velocity: Tensor<B, D>,
}

impl<B: KernelBackend> SimpleOptimizer<B> for Sgd {
    type State<const D: usize> = SgdState<B, D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        weight: Tensor<B, D>,
        gradient: Tensor<B, D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<B, D>, Option<Self::State<D>>) {
        let velocity = state.and_then(|state| state.momentum);
        let descent = Descent {
            rate,
            decay: self.decay,
            momentum: self.momentum,
        };
        let velocity = velocity.map(|Velocity { velocity }| velocity);
        let [weight, velocity] = kernels::descend(weight, gradient, velocity, descent);
        let momentum = (self.momentum != 0.0).then_some(Velocity { velocity });
        (weight, Some(SgdState { momentum }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &B::Device) -> Self::State<D> {
        let momentum = state.momentum.map(|Velocity { velocity }| Velocity {
            velocity: velocity.to_device(device),
        });
        SgdState { momentum }
    }
}
