use burn::tensor::{Tensor, backend::Backend, ops::FloatTensor};
use burn_autodiff::{
    Autodiff, NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};

use super::{EgsBackend, EgsForm, Forward, Spec, primitive, tensor};
use crate::{EgsError, Noise, NoiseKey, Normalization};

/// The straight-through backward of one output of the operation.
#[derive(Debug)]
struct StraightThrough;

/// What a backward pass re-derives the draws from. `logits` names the checkpointed input, so it is
/// not stored a second time.
#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    logits: NodeId,
    noise: Noise<B>,
    route: FloatTensor<B>,
    spec: Spec,
}

impl<B: EgsBackend> Backward<B, 1> for StraightThrough {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let saved = ops.state;
        let logits = checkpointer.retrieve_node_output::<FloatTensor<B>>(saved.logits);
        unary::<B, _>(ops.parents, ops.node, grads, |upstream| {
            primitive(B::egs_backward(
                tensor(logits),
                saved.noise,
                tensor(saved.route),
                tensor(upstream),
                saved.spec,
            ))
        });
    }
}

/// The forward pass runs once, on the inner backend. Code and weights become two nodes of the
/// graph, because a node has one output; the backward pass of one that is not used never runs.
///
/// `egs_backward` keeps its default body: made of differentiable operations, it is what a second
/// derivative goes through.
impl<B: EgsBackend, C: CheckpointStrategy> EgsBackend for Autodiff<B, C> {
    fn egs_forward(logits: Tensor<Self, 2>, noise: Noise<Self>, spec: Spec) -> Forward<Self> {
        let logits = primitive(logits);
        let noise = match noise {
            Noise::Philox(key) => Noise::Philox(key),
            Noise::Given(noise) => Noise::Given(tensor(primitive(noise).primitive)),
        };
        let inner = B::egs_forward(tensor(logits.primitive.clone()), noise.clone(), spec);
        let route = primitive(inner.route);

        let track = |output: Tensor<B, 2>, normalization: Normalization| {
            let prepared = StraightThrough
                .prepare::<C>([logits.node.clone()])
                .compute_bound()
                .stateful();
            tensor::<Self, 2>(match prepared {
                OpsKind::Tracked(mut prepared) => {
                    let saved = Saved {
                        logits: prepared.checkpoint(&logits),
                        noise: noise.clone(),
                        route: route.clone(),
                        spec: Spec {
                            normalization,
                            ..spec
                        },
                    };
                    prepared.finish(saved, primitive(output))
                }
                OpsKind::UnTracked(prepared) => prepared.finish(primitive(output)),
            })
        };

        let code = track(inner.code, Normalization::None);
        let weights = match spec.normalization {
            Normalization::None => code.clone(),
            Normalization::Sum => track(inner.weights, Normalization::Sum),
        };
        Forward {
            code,
            weights,
            route: Tensor::from_inner(tensor(route)),
        }
    }

    fn egs_noise_bits(
        device: &Self::Device,
        key: NoiseKey,
        shape: [u32; 3],
    ) -> Result<Vec<u32>, EgsError> {
        B::egs_noise_bits(device, key, shape)
    }

    fn egs_form(device: &Self::Device, spec: Spec) -> EgsForm {
        B::egs_form(device, spec)
    }
}
