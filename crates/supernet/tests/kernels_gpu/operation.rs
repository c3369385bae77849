//! The operations under test, ours and Burn's, and how they are run.

use burn::tensor::{
    Slice, Tensor, TensorData,
    activation::relu,
    backend::{AutodiffBackend, Backend},
    module::{conv2d, max_pool2d},
    ops::ConvOptions,
    s,
};
use supernet::kernels::{
    Corners, InputActivation, KernelBackend, PoolWindow, WindowOptions, add_scaled, add_term,
    add_weighted, avg_pool, batch_norm, concat_channels, conv_block, dense_conv2d,
    depthwise_conv2d, every_second, max_pool, plane_means, pointwise_conv2d, rectify,
    relu_depthwise_conv2d, scale_channels, upsample_bilinear,
};

use crate::kernels_common::{Tracked, grid};

pub const EPS: f64 = 1e-3;

#[derive(Clone, Copy, Debug)]
pub enum Operation {
    Depthwise(WindowOptions),
    ReluDepthwise(WindowOptions),
    Dense(WindowOptions),
    Pointwise,
    /// ReLU, depthwise and pointwise convolution and normalisation.
    Block(WindowOptions),
    BatchNorm,
    PlaneMeans,
    AvgPool(PoolWindow),
    MaxPool(PoolWindow),
    Bilinear([usize; 2], Corners),
    Rectify,
    AddTerm,
    /// With a factor for each image.
    AddScaled,
    AddWeighted,
    ScaleChannels,
    Concat,
    EverySecond(usize),
}

impl Operation {
    pub fn kernel<B: KernelBackend>(self, inputs: &[Tensor<B, 4>]) -> Tensor<B, 4> {
        let x = inputs[0].clone();
        let weight = || inputs[1].clone();
        match self {
            Self::Depthwise(options) => depthwise_conv2d(x, weight(), options),
            Self::ReluDepthwise(options) => relu_depthwise_conv2d(x, weight(), options),
            Self::Dense(options) => dense_conv2d(x, weight(), options),
            Self::Pointwise => pointwise_conv2d(x, weight()),
            Self::Block(options) => {
                let (filters, pointwise) = (Some((weight(), options)), inputs[2].clone());
                conv_block(x, None, InputActivation::Relu, filters, pointwise, EPS).output
            }
            Self::PlaneMeans => {
                let [batch, channels, ..] = x.dims();
                plane_means(x).reshape([batch, channels, 1, 1])
            }
            Self::BatchNorm => batch_norm(x, EPS).output,
            Self::AvgPool(window) => avg_pool(x, window),
            Self::MaxPool(window) => max_pool(x, window),
            Self::Bilinear(size, corners) => upsample_bilinear(x, size, corners),
            Self::Rectify => rectify(x),
            Self::AddTerm => add_term(x, weight()),
            Self::AddScaled => {
                let scale: Tensor<B, 1> = weight().flatten(0, 3);
                let factors = factors(x.dims()[0]);
                let affine = Some([scale.clone(), scale]);
                add_scaled(Some(x.clone()), x, affine, Some(&factors))
            }
            Self::AddWeighted => {
                let sum = Some(x.clone().detach());
                add_weighted(sum, x, weight().reshape([1, 2]), [0, 1])
            }
            Self::ScaleChannels => {
                let scale: Tensor<B, 1> = weight().flatten(0, 3);
                scale_channels(x, scale.clone(), scale)
            }
            Self::Concat => concat_channels(vec![x, weight()]),
            Self::EverySecond(shift) => every_second(x, shift),
        }
    }

    /// Burn's own, or the kernel on Flex where Burn has none; the test of that has loops to compare with.
    pub fn expected(self, inputs: &[Tensor<Tracked, 4>]) -> Tensor<Tracked, 4> {
        let x = inputs[0].clone();
        let depthwise = |x: Tensor<Tracked, 4>, window: WindowOptions| {
            let groups = x.dims()[1];
            let options = ConvOptions::new(window.stride, window.padding, window.dilation, groups);
            conv2d(x, inputs[1].clone(), None, options)
        };
        match self {
            Self::Depthwise(options) => depthwise(x, options),
            Self::ReluDepthwise(options) => depthwise(relu(x), options),
            Self::Dense(window) => {
                let options = ConvOptions::new(window.stride, window.padding, window.dilation, 1);
                conv2d(x, inputs[1].clone(), None, options)
            }
            Self::Pointwise => pointwise(x, inputs[1].clone()),
            Self::Block(options) => {
                normalised(pointwise(depthwise(relu(x), options), inputs[2].clone()))
            }
            Self::BatchNorm => normalised(x),
            Self::PlaneMeans => x.mean_dim(3).mean_dim(2),
            Self::AvgPool(_) | Self::Bilinear(..) => self.kernel(inputs),
            Self::MaxPool(window) => {
                let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
                let padding = [window.dilation * (window.kernel / 2); 2];
                max_pool2d(x, kernel, stride, padding, [window.dilation; 2], false)
            }
            Self::Rectify => relu(x),
            Self::AddTerm => x + inputs[1].clone(),
            Self::AddScaled => {
                let factors = factors(x.dims()[0]);
                let factors = tensor::<Tracked>(
                    factors.clone(),
                    [factors.len(), 1, 1, 1],
                    &Default::default(),
                );
                let scale = inputs[1].clone();
                x.clone() + (x * scale.clone() + scale) * factors
            }
            Self::AddWeighted => {
                let weight = inputs[1].clone().slice(s![.., .., .., 1..]);
                x.clone().detach() + x * weight
            }
            Self::ScaleChannels => x * inputs[1].clone() + inputs[1].clone(),
            Self::Concat => Tensor::cat(inputs.to_vec(), 1),
            Self::EverySecond(shift) => {
                let [_, _, height, width] = x.dims();
                let padded = x.pad([(0, height % 2), (0, width % 2)], 0.0);
                let every = Slice::new(shift as isize, None, 2);
                padded.slice([Slice::full(), Slice::full(), every, every])
            }
        }
    }
}

fn pointwise(x: Tensor<Tracked, 4>, weight: Tensor<Tracked, 4>) -> Tensor<Tracked, 4> {
    let options = ConvOptions::new([1; 2], [0; 2], [1; 2], 1);
    conv2d(x, weight, None, options)
}

fn normalised(x: Tensor<Tracked, 4>) -> Tensor<Tracked, 4> {
    let mean = x.clone().mean_dim(3).mean_dim(2).mean_dim(0);
    let centred = x - mean;
    let squares = centred.clone() * centred.clone();
    let variance = squares.mean_dim(3).mean_dim(2).mean_dim(0);
    centred / (variance + EPS).sqrt()
}

/// One for each image, the first of them 0.
fn factors(batch: usize) -> Vec<f32> {
    (0..batch).map(|image| image as f32 * 0.75).collect()
}

/// How the leaves reach the operation and its output the loss.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    Rows,
    /// The input is a part of a permuted leaf, and the gradient of the output arrives permuted.
    Views,
}

impl Layout {
    fn before<B: Backend>(self, inputs: Vec<Tensor<B, 4>>) -> Vec<Tensor<B, 4>> {
        match self {
            Self::Rows => inputs,
            Self::Views => inputs
                .into_iter()
                .enumerate()
                .map(|(index, input)| {
                    let input = input.permute([3, 1, 2, 0]);
                    let [batch, channels, height, width] = input.dims();
                    match index {
                        0 => input.slice([1..batch, 0..channels, 1..height, 0..width - 1]),
                        _ => input,
                    }
                })
                .collect(),
        }
    }

    fn after<B: Backend>(self, output: Tensor<B, 4>) -> Tensor<B, 4> {
        match self {
            Self::Rows => output,
            Self::Views => output.permute([2, 0, 3, 1]),
        }
    }
}

pub type Inputs = Vec<(Vec<f32>, [usize; 4])>;

pub fn tensor<B: Backend>(values: Vec<f32>, shape: [usize; 4], device: &B::Device) -> Tensor<B, 4> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

pub fn values<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().to_vec().unwrap()
}

/// The output and the gradients of all inputs under a fixed, uneven `dy`.
pub fn run<B: AutodiffBackend>(
    device: &B::Device,
    inputs: &Inputs,
    layout: Layout,
    function: impl Fn(&[Tensor<B, 4>]) -> Tensor<B, 4>,
) -> Vec<Vec<f32>> {
    let leaves: Vec<Tensor<B, 4>> = inputs
        .iter()
        .map(|(values, shape)| tensor(values.clone(), *shape, device).require_grad())
        .collect();
    let output = layout.after(function(&layout.before(leaves.clone())));
    let shape = output.dims();
    let dy = tensor(grid(shape, 77), shape, device);
    let gradients = (output.clone() * dy).sum().backward();
    let gradients = leaves
        .iter()
        .map(|leaf| values(leaf.grad(&gradients).expect("every input is tracked")));
    core::iter::once(values(output.inner()))
        .chain(gradients.collect::<Vec<_>>())
        .collect()
}
