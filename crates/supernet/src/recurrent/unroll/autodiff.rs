//! The `Autodiff` decorator: a cell through time is one node of the graph.

use burn::tensor::{
    Tensor, TensorPrimitive,
    backend::{AutodiffBackend, Backend},
    ops::FloatTensor,
};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::backward::{Needs, Trace, backward};
use super::forward::forward;
use super::{StateNorm, UnrollBackend, UnrollInputs, UnrollSettings, Unrolled};
use crate::kernels::KernelBackend;

fn tensor<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

fn primitive<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

#[derive(Debug)]
struct Unroll;

impl<B: KernelBackend> Backward<B, 5> for Unroll {
    type State = Trace<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 5>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let dhidden = tensor(grads.consume::<B>(&ops.node));
        let [inputs, hidden, first, steps, weights] = ops.parents;
        let needs = Needs {
            first: first.is_some(),
            steps: steps.is_some(),
            weights: weights.is_some(),
        };
        let gradients = backward(ops.state, dhidden, needs);
        for (node, gradient) in [
            (inputs, Some(primitive(gradients.inputs))),
            (hidden, Some(primitive(gradients.hidden))),
            (first, gradients.first.map(primitive)),
            (steps, gradients.steps.map(primitive)),
            (weights, gradients.weights.map(primitive)),
        ] {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: UnrollBackend, C: CheckpointStrategy> UnrollBackend for Autodiff<B, C> {
    fn unroll(inputs: UnrollInputs<Self>, settings: UnrollSettings<Self>) -> Unrolled<Self> {
        let settings = constants(settings);
        // Handles of the parents live until the node is registered, or the graph may forget them.
        let products = primitive(inputs.inputs);
        let hidden = primitive(inputs.hidden);
        let first = primitive(inputs.first);
        let steps = primitive(inputs.steps);
        let weights = primitive(inputs.weights);
        let nodes = [
            products.node.clone(),
            hidden.node.clone(),
            first.node.clone(),
            steps.node.clone(),
            weights.node.clone(),
        ];
        let inputs = UnrollInputs {
            inputs: tensor(products.primitive),
            hidden: tensor(hidden.primitive),
            first: tensor(first.primitive),
            steps: tensor(steps.primitive),
            weights: tensor(weights.primitive),
        };
        let prep = Unroll.prepare::<C>(nodes).compute_bound().stateful();
        let mut moments = Vec::new();
        let (output, states, statistics) = match prep {
            OpsKind::Tracked(prep) => {
                let out = forward(&inputs, &settings, |moment| moments.push(moment));
                let trace = Trace {
                    inputs,
                    settings,
                    moments,
                };
                let output = prep.finish(trace, primitive(out.hidden));
                (output, out.states, out.statistics)
            }
            OpsKind::UnTracked(prep) => {
                let out = forward(&inputs, &settings, |_| {});
                let output = prep.finish(primitive(out.hidden));
                (output, out.states, out.statistics)
            }
        };
        Unrolled {
            hidden: tensor(output),
            states: states.into_iter().map(Tensor::from_inner).collect(),
            statistics: statistics
                .into_iter()
                .map(|pair| pair.map(Tensor::from_inner))
                .collect(),
        }
    }
}

/// The same settings on the inner backend: nothing in them has a gradient.
fn constants<B: AutodiffBackend>(settings: UnrollSettings<B>) -> UnrollSettings<B::InnerBackend> {
    UnrollSettings {
        plan: settings.plan,
        mask: settings.mask.map(Tensor::inner),
        norm: match settings.norm {
            StateNorm::None => StateNorm::None,
            StateNorm::Batch { eps } => StateNorm::Batch { eps },
            StateNorm::Fixed { scale, shift } => StateNorm::Fixed {
                scale: scale.inner(),
                shift: shift.inner(),
            },
        },
    }
}
