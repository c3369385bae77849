//! The operations in the stream of a fusing backend: each is queued with its shapes known and runs
//! on the inner backend when the stream gets to it.

use core::{fmt, marker::PhantomData};

use burn::tensor::{Shape, TensorMetadata, ops::FloatTensor};
use burn_fusion::{
    Fusion, FusionBackend, FusionRuntime,
    stream::{Operation, OperationStreams},
};
use burn_ir::{CustomOpIr, HandleContainer, OperationIr, OperationOutput, TensorIr};

use crate::kernels::{
    Corners, GateTerm, InputActivation, KernelBackend, PoolWindow, WindowOptions,
};

impl<B: FusionBackend + KernelBackend> KernelBackend for Fusion<B> {
    fn device_memory(device: &Self::Device) -> Option<u64> {
        B::device_memory(device)
    }

    fn depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
    ) -> FloatTensor<Self> {
        let shape = output_shape(&x.shape(), &weight.shape(), options);
        let run =
            move |[x, weight]: [_; 2]| vec![B::depthwise_conv2d(x, weight, options, activation)];
        queue::<B, 2>("depthwise_conv2d", [x, weight], vec![shape], run).output()
    }

    fn depthwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        let shapes = gradient_shapes(&x, &weight, need_dx, need_dw);
        let run = move |[x, weight, dy]: [_; 3]| {
            let gradients =
                B::depthwise_conv2d_backward(x, weight, dy, options, activation, need_dx, need_dw);
            gradients.0.into_iter().chain(gradients.1).collect()
        };
        let inputs = [x, weight, dy];
        let gradients = queue::<B, 3>("depthwise_conv2d_backward", inputs, shapes, run);
        assign(gradients, need_dx, need_dw)
    }

    fn pointwise_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let [batch, _, height, width] = x.shape().dims::<4>();
        let [outputs, ..] = weight.shape().dims::<4>();
        let shape = Shape::new([batch, outputs, height, width]);
        let run = |[x, weight]: [_; 2]| vec![B::pointwise_conv2d(x, weight)];
        queue::<B, 2>("pointwise_conv2d", [x, weight], vec![shape], run).output()
    }

    fn pointwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        let shapes = gradient_shapes(&x, &weight, need_dx, need_dw);
        let run = move |[x, weight, dy]: [_; 3]| {
            let gradients = B::pointwise_conv2d_backward(x, weight, dy, need_dx, need_dw);
            gradients.0.into_iter().chain(gradients.1).collect()
        };
        let inputs = [x, weight, dy];
        let gradients = queue::<B, 3>("pointwise_conv2d_backward", inputs, shapes, run);
        assign(gradients, need_dx, need_dw)
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let shape = x.shape();
        let [_, channels, ..] = shape.dims::<4>();
        let statistics = Shape::new([channels]);
        let shapes = vec![shape, statistics.clone(), statistics];
        let run = move |[x]: [_; 1]| {
            let (y, mean, variance) = B::batch_norm(x, eps);
            vec![y, mean, variance]
        };
        queue::<B, 1>("batch_norm", [x], shapes, run)
            .outputs::<3>()
            .into()
    }

    fn batch_norm_backward(
        y: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let shape = y.shape();
        let run =
            move |[y, variance, dy]: [_; 3]| vec![B::batch_norm_backward(y, variance, dy, eps)];
        let inputs = [y, variance, dy];
        queue::<B, 3>("batch_norm_backward", inputs, vec![shape], run).output()
    }

    fn avg_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        let [_, _, height, width] = x.shape().dims::<4>();
        let shape = resized(&x.shape(), window.output_size([height, width]));
        let run = move |[x]: [_; 1]| vec![B::avg_pool(x, window)];
        queue::<B, 1>("avg_pool", [x], vec![shape], run).output()
    }

    fn avg_pool_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        let shape = resized(&dy.shape(), input);
        let run = move |[dy]: [_; 1]| vec![B::avg_pool_backward(dy, input, window)];
        queue::<B, 1>("avg_pool_backward", [dy], vec![shape], run).output()
    }

    fn max_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        let [_, _, height, width] = x.shape().dims::<4>();
        let shape = resized(&x.shape(), window.output_size([height, width]));
        let run = move |[x]: [_; 1]| vec![B::max_pool(x, window)];
        queue::<B, 1>("max_pool", [x], vec![shape], run).output()
    }

    fn max_pool_backward(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        let shape = x.shape();
        let run = move |[x, dy]: [_; 2]| vec![B::max_pool_backward(x, dy, window)];
        queue::<B, 2>("max_pool_backward", [x, dy], vec![shape], run).output()
    }

    fn upsample_bilinear(
        x: FloatTensor<Self>,
        size: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        let shape = resized(&x.shape(), size);
        let run = move |[x]: [_; 1]| vec![B::upsample_bilinear(x, size, corners)];
        queue::<B, 1>("upsample_bilinear", [x], vec![shape], run).output()
    }

    fn upsample_bilinear_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        let shape = resized(&dy.shape(), input);
        let run = move |[dy]: [_; 1]| vec![B::upsample_bilinear_backward(dy, input, corners)];
        queue::<B, 1>("upsample_bilinear_backward", [dy], vec![shape], run).output()
    }

    fn gated_mix(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
    ) -> FloatTensor<Self> {
        let [_, batch, hidden] = states.shape().dims::<3>();
        let shape = Shape::new([batch, hidden]);
        let terms = terms.to_vec();
        let run = move |[states, products, weights]: [_; 3]| {
            vec![B::gated_mix(states, products, weights, &terms)]
        };
        let inputs = [states, products, weights];
        queue::<B, 3>("gated_mix", inputs, vec![shape], run).output()
    }

    fn gated_mix_backward(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
        need_weights: bool,
    ) -> ([FloatTensor<Self>; 2], Option<FloatTensor<Self>>) {
        // Two operations, so that each has a fixed number of outputs.
        let dweights = need_weights.then(|| {
            let (states, products) = (states.clone(), products.clone());
            Self::gated_mix_weights(states, products, weights.clone(), terms, dy.clone())
        });
        let shapes = vec![states.shape(), products.shape()];
        let terms = terms.to_vec();
        let run = move |[states, products, weights, dy]: [_; 4]| {
            B::gated_mix_backward(states, products, weights, &terms, dy, false)
                .0
                .into()
        };
        let inputs = [states, products, weights, dy];
        let gradients = queue::<B, 4>("gated_mix_backward", inputs, shapes, run);
        (gradients.outputs::<2>(), dweights)
    }

    fn gated_mix_weights(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = weights.shape();
        let terms = terms.to_vec();
        let run = move |[states, products, weights, dy]: [_; 4]| {
            vec![B::gated_mix_weights(states, products, weights, &terms, dy)]
        };
        let inputs = [states, products, weights, dy];
        queue::<B, 4>("gated_mix_weights", inputs, vec![shape], run).output()
    }
}

fn output_shape(x: &Shape, weight: &Shape, options: WindowOptions) -> Shape {
    let [batch, channels, height, width] = x.dims::<4>();
    let [_, _, kernel_h, kernel_w] = weight.dims::<4>();
    let [out_h, out_w] = options.output_size([height, width], [kernel_h, kernel_w]);
    Shape::new([batch, channels, out_h, out_w])
}

/// As many images and channels of another size.
fn resized(shape: &Shape, [height, width]: [usize; 2]) -> Shape {
    let [batch, channels, ..] = shape.dims::<4>();
    Shape::new([batch, channels, height, width])
}

/// Shapes of those of `dx` and `dw` that are needed.
fn gradient_shapes<T: TensorMetadata>(
    x: &T,
    weight: &T,
    need_dx: bool,
    need_dw: bool,
) -> Vec<Shape> {
    let dx = need_dx.then(|| x.shape());
    dx.into_iter()
        .chain(need_dw.then(|| weight.shape()))
        .collect()
}

/// `(dx, dw)` from those that were needed.
fn assign<T>(gradients: Vec<T>, need_dx: bool, need_dw: bool) -> (Option<T>, Option<T>) {
    let mut gradients = gradients.into_iter();
    let dx = need_dx.then(|| gradients.next()).flatten();
    let dw = need_dw.then(|| gradients.next()).flatten();
    (dx, dw)
}

/// Queues `run`, whose outputs have the given shapes and the type of the first input.
fn queue<B: FusionBackend, const IN: usize>(
    name: &'static str,
    inputs: [FloatTensor<Fusion<B>>; IN],
    shapes: Vec<Shape>,
    run: impl Fn([FloatTensor<B>; IN]) -> Vec<FloatTensor<B>> + Send + Sync + 'static,
) -> Vec<FloatTensor<Fusion<B>>> {
    let client = inputs[0].client.clone();
    let dtype = inputs[0].dtype;
    let outputs: Vec<_> = shapes
        .into_iter()
        .map(|shape| TensorIr::uninit(client.create_empty_handle(), shape, dtype))
        .collect();
    let streams = OperationStreams::with_inputs(&inputs);
    let ir = CustomOpIr::new(name, &inputs.map(|input| input.into_ir()), &outputs);
    let operation = Queued::<_, B, IN> {
        ir: ir.clone(),
        run,
        backend: PhantomData,
    };
    client.register(streams, OperationIr::Custom(ir), operation)
}

/// An operation in the stream: `run` turns the inputs of `ir` into its outputs.
struct Queued<F, B, const IN: usize> {
    ir: CustomOpIr,
    run: F,
    backend: PhantomData<B>,
}

impl<F, B, const IN: usize> fmt::Debug for Queued<F, B, IN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ir.fmt(f)
    }
}

type Handles<B> =
    HandleContainer<<<B as FusionBackend>::FusionRuntime as FusionRuntime>::FusionHandle>;

impl<F, B, const IN: usize> Operation<B::FusionRuntime> for Queued<F, B, IN>
where
    F: Fn([FloatTensor<B>; IN]) -> Vec<FloatTensor<B>> + Send + Sync,
    B: FusionBackend,
{
    fn execute(&self, handles: &mut Handles<B>) {
        let inputs =
            core::array::from_fn(|index| handles.get_float_tensor::<B>(&self.ir.inputs[index]));
        for (ir, output) in self.ir.outputs.iter().zip((self.run)(inputs)) {
            handles.register_float_tensor::<B>(&ir.id, output);
        }
    }
}
