//! A convolution block, image by image: what the depthwise convolution makes of an image stays in the cache
//! and is combined at once, and the sums of the statistics are taken while the result is there. The
//! backward pass computes it again.

mod backward;
mod forward;

use burn_flex::FlexTensor;
use pulp::Simd;

use super::{
    depthwise::output_plane,
    geometry::Geometry,
    memory::{dims, values},
    products::pitch_of,
    rows::{Reading, map_row},
    stock::Kept,
};
use crate::kernels::{BlockParts, InputActivation};

pub(super) use self::{backward::backward, forward::forward};

/// A block whose tensors are contiguous.
struct Block<'a> {
    x: &'a [f32],
    affine: Option<[&'a [f32]; 2]>,
    activation: InputActivation,
    depthwise: Option<(Geometry, &'a [f32])>,
    pointwise: &'a [f32],
    batch: usize,
    inputs: usize,
    outputs: usize,
    /// Values of an input plane, and of one that the pointwise convolution reads.
    planes: [usize; 2],
    /// How far the latter are apart in scratch space.
    pitch: usize,
    output_size: [usize; 2],
}

impl<'a> Block<'a> {
    fn new(parts: &'a BlockParts<FlexTensor>) -> Self {
        let [batch, inputs, height, width] = dims(&parts.x);
        let [outputs, ..] = dims(&parts.pointwise);
        let depthwise = parts.depthwise.as_ref().map(|(weight, options)| {
            let [.., kernel_h, kernel_w] = dims(weight);
            let geometry = Geometry::new([height, width], [kernel_h, kernel_w], *options);
            (geometry, values(weight))
        });
        let output_size = match &depthwise {
            Some((geometry, _)) => geometry.output(),
            None => [height, width],
        };
        let out_plane = output_size.iter().product();
        Self {
            x: values(&parts.x),
            affine: parts
                .affine
                .as_ref()
                .map(|pair| pair.each_ref().map(values)),
            activation: parts.activation,
            depthwise,
            pointwise: values(&parts.pointwise),
            batch,
            inputs,
            outputs,
            planes: [height * width, out_plane],
            pitch: pitch_of(out_plane),
            output_size,
        }
    }

    fn image(&self, index: usize) -> &'a [f32] {
        let size = self.inputs * self.planes[0];
        &self.x[index * size..][..size]
    }

    fn output_shape(&self) -> [usize; 4] {
        let [height, width] = self.output_size;
        [self.batch, self.outputs, height, width]
    }

    /// What becomes of a value of an input channel before it is convolved.
    fn reading(&self, channel: usize) -> Reading {
        let affine = self.affine.map(|pair| pair.map(|part| part[channel]));
        Reading::new(affine, self.activation)
    }

    /// Multiply-adds of the forward pass for an image.
    fn work(&self) -> usize {
        let taps = self
            .depthwise
            .as_ref()
            .map_or(0, |(geometry, _)| geometry.taps.list.len());
        self.inputs * self.planes[1] * (taps + self.outputs)
    }

    /// Writes what the pointwise convolution reads of an image to `filtered`, planes `pitch` apart.
    #[inline(always)]
    fn filter<S: Simd>(&self, simd: S, image: &[f32], buffers: &mut Buffers, filtered: &mut [f32]) {
        let [plane, out_plane] = self.planes;
        let images = image.chunks_exact(plane);
        let outs = filtered.chunks_exact_mut(self.pitch);
        for (channel, (x, out)) in images.zip(outs).enumerate() {
            let out = &mut out[..out_plane];
            let reading = self.reading(channel);
            match &self.depthwise {
                Some((geometry, weight)) => {
                    geometry.spread_input(simd, x, &mut buffers.inputs, reading);
                    let weights = filter_of(weight, self.inputs, channel);
                    output_plane(simd, geometry, &buffers.inputs, weights, out);
                }
                None => map_row(simd, out, x, reading),
            }
        }
    }
}

fn filter_of(weight: &[f32], channels: usize, channel: usize) -> &[f32] {
    let taps = weight.len() / channels;
    &weight[channel * taps..][..taps]
}

/// What images after each other share.
struct Scratch {
    buffers: Buffers,
    /// What pointwise convolutions read of the images of a task.
    filtered: Kept,
    /// The gradient of what one reads of an image.
    dfiltered: Kept,
    /// The gradients of what they write of the images of a task.
    dmixed: Kept,
}

/// Of a plane. What windows read between the rows of `inputs` and `gradients` stays zero.
struct Buffers {
    inputs: Kept,
    gradients: Kept,
    run: Kept,
    /// The gradient of an input plane. Cells that no window reads stay zero.
    plane: Kept,
    panel: Kept,
}

impl Scratch {
    fn new(block: &Block<'_>) -> Self {
        let [inputs, gradients, run] = match &block.depthwise {
            Some((geometry, _)) => [
                geometry.input_buffer_len(),
                geometry.gradient_buffer_len(),
                geometry.scratch_len(),
            ],
            None => [0; 3],
        };
        let buffers = Buffers {
            inputs: Kept::filled(0.0, inputs),
            gradients: Kept::filled(0.0, gradients),
            run: Kept::filled(0.0, run),
            plane: Kept::filled(0.0, block.planes[0]),
            panel: Kept::with_room(0),
        };
        Self {
            buffers,
            filtered: Kept::with_room(block.inputs * block.pitch),
            dfiltered: Kept::with_room(block.inputs * block.planes[1]),
            dmixed: Kept::with_room(block.outputs * block.pitch),
        }
    }
}

fn contiguous(parts: BlockParts<FlexTensor>) -> BlockParts<FlexTensor> {
    BlockParts {
        x: parts.x.to_contiguous(),
        affine: parts
            .affine
            .map(|pair| pair.map(|part| part.to_contiguous())),
        activation: parts.activation,
        depthwise: parts
            .depthwise
            .map(|(weight, options)| (weight.to_contiguous(), options)),
        pointwise: parts.pointwise.to_contiguous(),
    }
}
