//! The operation in the stream of a fusing backend: it is queued with its shapes known and runs on
//! the inner backend when the stream gets to it.

use core::marker::PhantomData;

use burn::tensor::{Tensor, TensorPrimitive};
use burn_fusion::{
    Fusion, FusionBackend, FusionRuntime,
    stream::{Operation, OperationStreams},
};
use burn_ir::{CustomOpIr, HandleContainer, OperationIr, OperationOutput, TensorIr};

use crate::{
    EgsError, Noise, NoiseKey, Normalization, Spec,
    backend::{EgsBackend, EgsForm, Forward, primitive, tensor},
};

type Handles<B> =
    HandleContainer<<<B as FusionBackend>::FusionRuntime as FusionRuntime>::FusionHandle>;

impl<B: FusionBackend + EgsBackend> EgsBackend for Fusion<B> {
    fn egs_forward(logits: Tensor<Self, 2>, noise: Noise<Self>, spec: Spec) -> Forward<Self> {
        let logits = primitive(logits);
        let client = logits.client.clone();
        let (shape, dtype) = (logits.shape.clone(), logits.dtype);
        let count = match spec.normalization {
            Normalization::None => 2,
            Normalization::Sum => 3,
        };
        let outputs: Vec<_> = (0..count)
            .map(|_| TensorIr::uninit(client.create_empty_handle(), shape.clone(), dtype))
            .collect();

        let (key, given) = split(noise);
        let (streams, inputs) = match given {
            None => (
                OperationStreams::with_inputs([&logits]),
                vec![logits.into_ir()],
            ),
            Some(noise) => (
                OperationStreams::with_inputs([&logits, &noise]),
                vec![logits.into_ir(), noise.into_ir()],
            ),
        };
        let ir = CustomOpIr::new("egs_forward", &inputs, &outputs);
        let operation = ForwardOperation::<B> {
            ir: ir.clone(),
            key,
            spec,
            backend: PhantomData,
        };
        let mut outputs = client
            .register(streams, OperationIr::Custom(ir), operation)
            .into_iter()
            .map(tensor::<Self, 2>);
        let mut next = || outputs.next().expect("one tensor for every output");
        let (code, route) = (next(), next());
        Forward {
            weights: match spec.normalization {
                Normalization::None => code.clone(),
                Normalization::Sum => next(),
            },
            code,
            route,
        }
    }

    fn egs_backward(
        logits: Tensor<Self, 2>,
        noise: Noise<Self>,
        route: Tensor<Self, 2>,
        upstream: Tensor<Self, 2>,
        spec: Spec,
    ) -> Tensor<Self, 2> {
        let (logits, route, upstream) = (primitive(logits), primitive(route), primitive(upstream));
        let client = logits.client.clone();
        let output = TensorIr::uninit(
            client.create_empty_handle(),
            logits.shape.clone(),
            logits.dtype,
        );
        let (key, given) = split(noise);
        let (streams, inputs) = match given {
            None => (
                OperationStreams::with_inputs([&logits, &route, &upstream]),
                vec![logits.into_ir(), route.into_ir(), upstream.into_ir()],
            ),
            Some(noise) => (
                OperationStreams::with_inputs([&logits, &route, &upstream, &noise]),
                vec![
                    logits.into_ir(),
                    route.into_ir(),
                    upstream.into_ir(),
                    noise.into_ir(),
                ],
            ),
        };
        let ir = CustomOpIr::new("egs_backward", &inputs, &[output]);
        let operation = BackwardOperation::<B> {
            ir: ir.clone(),
            key,
            spec,
            backend: PhantomData,
        };
        tensor(
            client
                .register(streams, OperationIr::Custom(ir), operation)
                .output(),
        )
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

/// The key, or the tensor of given noise.
fn split<B: FusionBackend>(
    noise: Noise<Fusion<B>>,
) -> (
    Option<NoiseKey>,
    Option<burn::tensor::ops::FloatTensor<Fusion<B>>>,
) {
    match noise {
        Noise::Philox(key) => (Some(key), None),
        Noise::Given(noise) => (None, Some(primitive(noise))),
    }
}

/// The noise of a queued operation: its key, or its last input.
fn noise<B: FusionBackend>(
    key: Option<NoiseKey>,
    ir: &CustomOpIr,
    handles: &mut Handles<B>,
) -> Noise<B> {
    match key {
        Some(key) => Noise::Philox(key),
        None => Noise::Given(read(&ir.inputs[ir.inputs.len() - 1], handles)),
    }
}

fn read<B: FusionBackend, const D: usize>(ir: &TensorIr, handles: &mut Handles<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(handles.get_float_tensor::<B>(ir)))
}

fn write<B: FusionBackend>(ir: &TensorIr, value: Tensor<B, 2>, handles: &mut Handles<B>) {
    handles.register_float_tensor::<B>(&ir.id, primitive(value));
}

#[derive(Clone, Debug)]
struct ForwardOperation<B> {
    ir: CustomOpIr,
    key: Option<NoiseKey>,
    spec: Spec,
    backend: PhantomData<B>,
}

impl<B: FusionBackend + EgsBackend> Operation<B::FusionRuntime> for ForwardOperation<B> {
    fn execute(&self, handles: &mut Handles<B>) {
        let noise = noise::<B>(self.key, &self.ir, handles);
        let logits = read::<B, 2>(&self.ir.inputs[0], handles);
        let result = B::egs_forward(logits, noise, self.spec);
        write::<B>(&self.ir.outputs[0], result.code, handles);
        write::<B>(&self.ir.outputs[1], result.route, handles);
        if let Some(weights) = self.ir.outputs.get(2) {
            write::<B>(weights, result.weights, handles);
        }
    }
}

#[derive(Clone, Debug)]
struct BackwardOperation<B> {
    ir: CustomOpIr,
    key: Option<NoiseKey>,
    spec: Spec,
    backend: PhantomData<B>,
}

impl<B: FusionBackend + EgsBackend> Operation<B::FusionRuntime> for BackwardOperation<B> {
    fn execute(&self, handles: &mut Handles<B>) {
        let noise = noise::<B>(self.key, &self.ir, handles);
        let logits = read::<B, 2>(&self.ir.inputs[0], handles);
        let route = read::<B, 2>(&self.ir.inputs[1], handles);
        let upstream = read::<B, 2>(&self.ir.inputs[2], handles);
        let gradient = B::egs_backward(logits, noise, route, upstream, self.spec);
        write::<B>(&self.ir.outputs[0], gradient, handles);
    }
}
