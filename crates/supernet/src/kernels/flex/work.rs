//! What operations do at the least, for [`profile`](crate::kernels::profile).

use burn::tensor::TensorMetadata;
use burn_flex::FlexTensor;

use super::memory::dims;
use crate::kernels::{BlockNeeds, BlockParts, WindowOptions, profile::Work};

/// Of tensors that are read and written alone, so many times each.
pub(super) fn traffic(tensors: &[(&FlexTensor, usize)]) -> Work {
    let values = tensors
        .iter()
        .map(|(tensor, times)| tensor.shape().num_elements() * times);
    Work {
        flops: 0.0,
        bytes: (values.sum::<usize>() * size_of::<f32>()) as f64,
    }
}

/// Of a convolution with a weight `[channels_out, channels_in of a group, kernel_h, kernel_w]`.
pub(super) fn forward(x: &FlexTensor, weight: &FlexTensor, options: WindowOptions) -> Work {
    let [batch, _, height, width] = dims(x);
    let [outputs, _, kernel_h, kernel_w] = dims(weight);
    let size: usize = options
        .output_size([height, width], [kernel_h, kernel_w])
        .iter()
        .product();
    let output = batch * outputs * size;
    Work {
        flops: multiply_adds(output, weight),
        bytes: traffic(&[(x, 1)]).bytes + (output * size_of::<f32>()) as f64,
    }
}

/// Of a product of matrices.
pub(super) fn product(left: &FlexTensor, right: &FlexTensor) -> Work {
    let ([rows, inputs], [_, columns]) = (left.shape().dims(), right.shape().dims());
    let output = rows * columns;
    Work {
        flops: 2.0 * (output * inputs) as f64,
        bytes: traffic(&[(left, 1), (right, 1)]).bytes + (output * size_of::<f32>()) as f64,
    }
}

/// Of its gradients.
pub(super) fn backward(
    x: &FlexTensor,
    weight: &FlexTensor,
    dy: &FlexTensor,
    needed: [bool; 2],
) -> Work {
    let [dx, dw] = needed.map(usize::from);
    let output = dy.shape().num_elements();
    Work {
        flops: (dx + dw) as f64 * multiply_adds(output, weight),
        bytes: traffic(&[(x, dx + dw), (dy, 1)]).bytes,
    }
}

/// Of a block's forward pass.
pub(super) fn block_forward(parts: &BlockParts<FlexTensor>) -> Work {
    let (filtering, mixing, output) = block_parts(parts);
    Work {
        flops: filtering + mixing,
        bytes: traffic(&[(&parts.x, 1)]).bytes + (output * size_of::<f32>()) as f64,
    }
}

/// Of its backward pass, where what lies between is computed again.
pub(super) fn block_backward(
    parts: &BlockParts<FlexTensor>,
    dy: &FlexTensor,
    needs: BlockNeeds,
) -> Work {
    let (filtering, mixing, _) = block_parts(parts);
    let times = |needed: &[bool]| needed.iter().filter(|needed| **needed).count() as f64;
    let filterings = [needs.pointwise, needs.depthwise, needs.below_depthwise()];
    let mixings = [needs.pointwise, needs.below_pointwise()];
    let written = usize::from(needs.below_depthwise());
    Work {
        flops: filtering * times(&filterings) + mixing * times(&mixings),
        bytes: traffic(&[(&parts.x, 1 + written), (dy, 2)]).bytes,
    }
}

/// Additions and multiplications of the depthwise and of the pointwise convolution, and values of the output.
fn block_parts(parts: &BlockParts<FlexTensor>) -> (f64, f64, usize) {
    let [batch, inputs, height, width] = dims(&parts.x);
    let [outputs, ..] = dims(&parts.pointwise);
    let (filtering, plane) = match &parts.depthwise {
        Some((weight, options)) => {
            let [.., kernel_h, kernel_w] = dims(weight);
            let size = options.output_size([height, width], [kernel_h, kernel_w]);
            let plane: usize = size.iter().product();
            (multiply_adds(batch * inputs * plane, weight), plane)
        }
        None => (0.0, height * width),
    };
    let output = batch * outputs * plane;
    (filtering, multiply_adds(output, &parts.pointwise), output)
}

fn multiply_adds(output: usize, weight: &FlexTensor) -> f64 {
    let [_, inputs, kernel_h, kernel_w] = dims(weight);
    2.0 * (output * inputs * kernel_h * kernel_w) as f64
}
