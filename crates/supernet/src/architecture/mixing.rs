use burn::tensor::Tensor;

use super::{CodeTable, Execution, ForwardMode, Trained};
use crate::kernels::{self, KernelBackend};
use crate::layers::Statistics;

/// How an operation takes part in a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Switched on.
    On,
    /// Switched off, and recorded all the same.
    Off,
    /// Switched off, and run on constants: only its code has a gradient.
    Constant,
}

impl Role {
    /// The statistics that an operation in this role normalises with: one that is not switched on
    /// leaves its running ones alone.
    pub(crate) fn statistics(self, statistics: Statistics) -> Statistics {
        match self {
            Role::On => statistics,
            Role::Off | Role::Constant => statistics.without_update(),
        }
    }
}

impl ForwardMode {
    /// The role of an operation whose code is `active`; none where it does not run.
    pub(crate) fn role(self, active: bool) -> Option<Role> {
        match (active, self.execution, self.trained) {
            (true, ..) => Some(Role::On),
            (false, Execution::Dense, _) => Some(Role::Off),
            (false, Execution::ExactSparse, Trained::Logits) => Some(Role::Constant),
            (false, Execution::ExactSparse | Execution::Sampled, _) => None,
        }
    }
}

impl<B: KernelBackend> CodeTable<B> {
    /// Adds what the operations of `edge` make of `input` to `sum`, each times its weight; the sum
    /// stays none where nothing contributes.
    ///
    /// `operation(op, input)` runs the operation of this number; none where it contributes nothing.
    /// Only what `mode` needs is run. Where logits are trained exactly, an operation that is off
    /// gets a detached input and its output is detached, since only the gradient of its code is
    /// needed; in the other sparse passes it is left out, and in a dense one all are run. An
    /// operation with running statistics of its own leaves them alone when `self.active[edge][op]`
    /// is false ([`Statistics::without_update`]).
    ///
    /// # Shapes
    ///
    /// - sum, every operation's output, and output: the same one
    pub fn mix<const D: usize>(
        &self,
        sum: Option<Tensor<B, D>>,
        edge: usize,
        mode: ForwardMode,
        input: &Tensor<B, D>,
        mut operation: impl FnMut(usize, Tensor<B, D>) -> Option<Tensor<B, D>>,
    ) -> Option<Tensor<B, D>> {
        let mut constant = None;
        self.mix_roles(sum, edge, mode, |op, role| match role {
            Role::On | Role::Off => operation(op, input.clone()),
            Role::Constant => {
                let input = constant.get_or_insert_with(|| input.clone().detach());
                operation(op, input.clone()).map(Tensor::detach)
            }
        })
    }

    /// As [`mix`](Self::mix), where `operation` minds the role of the operation itself.
    pub(crate) fn mix_roles<const D: usize>(
        &self,
        mut sum: Option<Tensor<B, D>>,
        edge: usize,
        mode: ForwardMode,
        mut operation: impl FnMut(usize, Role) -> Option<Tensor<B, D>>,
    ) -> Option<Tensor<B, D>> {
        for (op, &active) in self.active[edge].iter().enumerate() {
            if let Some(role) = mode.role(active)
                && let Some(output) = operation(op, role)
            {
                sum = Some(self.add(sum, edge, op, output));
            }
        }
        sum
    }

    /// `sum + weight * output`.
    fn add<const D: usize>(
        &self,
        sum: Option<Tensor<B, D>>,
        edge: usize,
        op: usize,
        output: Tensor<B, D>,
    ) -> Tensor<B, D> {
        let term = match &self.weights {
            Some(weights) => {
                return kernels::add_weighted(sum, output, weights.clone(), [edge, op]);
            }
            None if self.active[edge][op] => output,
            // Dense execution gives the weights of what is off a gradient of zero.
            None => output * 0.0,
        };
        match sum {
            Some(sum) => kernels::add_term(sum, term),
            None => term,
        }
    }
}
