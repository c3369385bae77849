use burn::tensor::{Tensor, TensorMetadata};
use burn_cubecl::{BoolElement, CubeBackend, CubeRuntime, FloatElement, IntElement};

use super::bits::device_noise_bits;
use super::launch::{self, Source};
use crate::{
    EgsError, Noise, NoiseKey, Spec,
    backend::{EgsBackend, EgsForm, Forward, plain, primitive, tensor},
};

impl<R, F, I, BT> EgsBackend for CubeBackend<R, F, I, BT>
where
    R: CubeRuntime,
    F: FloatElement,
    I: IntElement,
    BT: BoolElement,
{
    fn egs_forward(logits: Tensor<Self, 2>, noise: Noise<Self>, spec: Spec) -> Forward<Self> {
        let (rows, source) = (primitive(logits.clone()), source(noise.clone()));
        if !launch::fits(&rows.shape(), &source, spec) {
            return plain::forward(logits, noise, spec);
        }
        let (code, weights, route) = launch::forward(rows, source, spec);
        let code = tensor(code);
        Forward {
            weights: weights.map(tensor).unwrap_or_else(|| code.clone()),
            code,
            route: tensor(route),
        }
    }

    fn egs_backward(
        logits: Tensor<Self, 2>,
        noise: Noise<Self>,
        route: Tensor<Self, 2>,
        upstream: Tensor<Self, 2>,
        spec: Spec,
    ) -> Tensor<Self, 2> {
        let (rows, source) = (primitive(logits.clone()), source(noise.clone()));
        if !launch::fits(&rows.shape(), &source, spec) {
            return plain::backward(logits, noise, route, upstream, spec);
        }
        let (route, upstream) = (primitive(route), primitive(upstream));
        tensor(launch::backward(rows, source, route, upstream, spec))
    }

    fn egs_noise_bits(
        device: &Self::Device,
        key: NoiseKey,
        shape: [u32; 3],
    ) -> Result<Vec<u32>, EgsError> {
        device_noise_bits::<R>(device, key, shape)
    }

    fn egs_form(_device: &Self::Device, _spec: Spec) -> EgsForm {
        EgsForm::Fused
    }
}

fn source<R, F, I, BT>(noise: Noise<CubeBackend<R, F, I, BT>>) -> Source<R>
where
    R: CubeRuntime,
    F: FloatElement,
    I: IntElement,
    BT: BoolElement,
{
    match noise {
        Noise::Philox(key) => Source::Key(key),
        Noise::Given(noise) => Source::Tensor(Box::new(primitive(noise))),
    }
}
