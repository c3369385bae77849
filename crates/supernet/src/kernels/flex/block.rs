//! A convolution block, image by image: what the depthwise convolution makes of an image stays in the cache
//! and is combined at once, and the sums of the statistics are taken while the result is there. The
//! backward pass computes it again.

use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    batch_norm::{PlaneSums, Scaling, apply, backward_lines, moments_to_statistics, plane_sums},
    depthwise::{input_gradient, output_plane},
    elementwise::kept_where,
    geometry::Geometry,
    lanes::{accumulate_taps, moments, sums_with_product},
    memory::{column_sums, dims, fill_with, items_per_task, tensor, values},
    pointwise::{images as images_of, transposed},
    products::{PackedMatrix, combine_planes, correlate_planes},
    rows::{copy_row, map_row},
};
use crate::kernels::{BlockGradients, BlockNeeds, BlockParts, InputActivation, images_per_task};

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
            planes: [height * width, output_size.iter().product()],
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
        let (scale, shift) = match self.affine {
            Some([scale, shift]) => (scale[channel], shift[channel]),
            None => (1.0, 0.0),
        };
        let floor = match self.activation {
            InputActivation::Relu => 0.0,
            InputActivation::Identity => f32::NEG_INFINITY,
        };
        Reading {
            scale,
            shift,
            floor,
        }
    }

    /// Multiply-adds of the forward pass for an image.
    fn work(&self) -> usize {
        let taps = self
            .depthwise
            .as_ref()
            .map_or(0, |(geometry, _)| geometry.taps.len());
        self.inputs * self.planes[1] * (taps + self.outputs)
    }

    /// Writes what the pointwise convolution reads of an image to `filtered`.
    #[inline(always)]
    fn filter<S: Simd>(&self, simd: S, image: &[f32], buffers: &mut Buffers, filtered: &mut [f32]) {
        let [plane, out_plane] = self.planes;
        let images = image.chunks_exact(plane);
        let outs = filtered.chunks_exact_mut(out_plane);
        for (channel, (x, out)) in images.zip(outs).enumerate() {
            let reading = self.reading(channel);
            match &self.depthwise {
                Some((geometry, weight)) => {
                    geometry.spread_input(x, &mut buffers.inputs, |value| reading.of(value));
                    let weights = filter_of(weight, self.inputs, channel);
                    output_plane(
                        simd,
                        geometry,
                        &buffers.inputs,
                        weights,
                        &mut buffers.run,
                        out,
                    );
                }
                None => map_row(out, x, |value| reading.of(value)),
            }
        }
    }
}

fn filter_of(weight: &[f32], channels: usize, channel: usize) -> &[f32] {
    let taps = weight.len() / channels;
    &weight[channel * taps..][..taps]
}

/// A scale and a shift, then a floor that lets NaN through.
#[derive(Clone, Copy)]
struct Reading {
    scale: f32,
    shift: f32,
    floor: f32,
}

impl Reading {
    #[inline(always)]
    fn before_floor(self, value: f32) -> f32 {
        value * self.scale + self.shift
    }

    #[inline(always)]
    fn of(self, value: f32) -> f32 {
        let value = self.before_floor(value);
        if value < self.floor {
            self.floor
        } else {
            value
        }
    }
}

/// What images after each other share.
struct Scratch {
    buffers: Buffers,
    /// What pointwise convolutions read of the images of a task.
    filtered: Vec<f32>,
    /// The gradient of what one reads of an image.
    dfiltered: Vec<f32>,
    /// The gradients of what they write of the images of a task.
    dmixed: Vec<f32>,
}

/// Of a plane. What windows read between the rows of `inputs` and `gradients` stays zero.
struct Buffers {
    inputs: Vec<f32>,
    gradients: Vec<f32>,
    run: Vec<f32>,
    panel: Vec<f32>,
}

impl Scratch {
    fn new(block: &Block<'_>) -> Self {
        let [inputs, gradients, run] = match &block.depthwise {
            Some((geometry, _)) => [
                geometry.input_buffer_len(),
                geometry.gradient_buffer_len(),
                geometry.run_buffer_len(),
            ],
            None => [0; 3],
        };
        let buffers = Buffers {
            inputs: vec![0.0; inputs],
            gradients: vec![0.0; gradients],
            run: vec![0.0; run],
            panel: Vec::new(),
        };
        Self {
            buffers,
            filtered: Vec::new(),
            dfiltered: Vec::new(),
            dmixed: Vec::new(),
        }
    }
}

/// The normalised output, the mean and the biased variance of each channel.
pub(super) fn forward(
    parts: BlockParts<FlexTensor>,
    eps: f64,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let parts = contiguous(parts);
    let block = Block::new(&parts);
    let size = block.outputs * block.planes[1];
    let matrix = PackedMatrix::new(block.pointwise, block.inputs);
    let items = items_per_task(block.batch, block.work());
    let [mixed, sums] = fill_with(
        [block.batch * size, block.batch * block.outputs * 2],
        [items * size, items * block.outputs * 2],
        block.batch.div_ceil(items),
        || Scratch::new(&block),
        |scratch, task, [mixed, sums]| {
            Arch::new().dispatch(Forward {
                block: &block,
                matrix: &matrix,
                scratch,
                first: task * items,
                mixed,
                sums,
            });
        },
    );
    let (pairs, _) = sums.as_chunks::<2>();
    let pairs: Vec<[f64; 2]> = pairs.iter().map(|pair| pair.map(f64::from)).collect();
    let statistics = moments_to_statistics(&pairs, block.outputs, block.planes[1], eps);
    let mixed = tensor(mixed, block.output_shape());
    let output = apply(&statistics.lines, mixed, None, block.planes[1]);
    (output, statistics.mean, statistics.variance)
}

/// The images of `mixed` from the image `first` on, and mean and spread of each of their planes.
struct Forward<'a> {
    block: &'a Block<'a>,
    matrix: &'a PackedMatrix,
    scratch: &'a mut Scratch,
    first: usize,
    mixed: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let block = self.block;
        let out_plane = block.planes[1];
        let Scratch {
            buffers, filtered, ..
        } = self.scratch;
        filtered.resize(block.inputs * out_plane, 0.0);
        let images = self.mixed.chunks_exact_mut(block.outputs * out_plane);
        let sums = self.sums.chunks_exact_mut(block.outputs * 2);
        for (index, (mixed, sums)) in images.zip(sums).enumerate() {
            let image = block.image(self.first + index);
            let matrix = self.matrix;
            if block.depthwise.is_some() {
                block.filter(simd, image, buffers, filtered);
                let pack = |input: usize, start: usize, to: &mut [f32]| {
                    copy_row(to, &filtered[input * out_plane + start..]);
                };
                combine_planes(simd, matrix, out_plane, pack, mixed, &mut buffers.panel);
            } else if block.affine.is_none() && block.activation == InputActivation::Relu {
                let pack = |input: usize, start: usize, to: &mut [f32]| {
                    map_row(to, &image[input * out_plane + start..], |value| {
                        if value < 0.0 { 0.0 } else { value }
                    });
                };
                combine_planes(simd, matrix, out_plane, pack, mixed, &mut buffers.panel);
            } else {
                let pack = |input: usize, start: usize, to: &mut [f32]| {
                    let reading = block.reading(input);
                    map_row(to, &image[input * out_plane + start..], |value| {
                        reading.of(value)
                    });
                };
                combine_planes(simd, matrix, out_plane, pack, mixed, &mut buffers.panel);
            }
            for (plane, pair) in mixed.chunks_exact(out_plane).zip(sums.chunks_exact_mut(2)) {
                pair.copy_from_slice(&moments(simd, plane));
            }
        }
    }
}

pub(super) fn backward(
    parts: BlockParts<FlexTensor>,
    output: FlexTensor,
    variance: FlexTensor,
    dy: FlexTensor,
    eps: f64,
    needs: BlockNeeds,
) -> BlockGradients<FlexTensor> {
    let parts = contiguous(parts);
    let [output, variance, dy] = [output, variance, dy].map(|tensor| tensor.to_contiguous());
    let block = Block::new(&parts);
    let [plane, out_plane] = block.planes;
    let (batch, inputs, outputs) = (block.batch, block.inputs, block.outputs);
    let products = PlaneSums::Products(values(&dy), values(&output));
    let sums = plane_sums(products, batch * outputs, out_plane);
    let lines = backward_lines(&sums, values(&variance), eps, batch * out_plane);

    let items = images_per_task(batch, out_plane);
    let tasks = batch.div_ceil(items);
    let transposed = transposed(block.pointwise, [outputs, inputs]);
    let transposed = PackedMatrix::new(&transposed, outputs);
    let taps = parts.depthwise.as_ref().map_or(0, |(weight, _)| {
        let [.., kernel_h, kernel_w] = dims(weight);
        kernel_h * kernel_w
    });
    let len = |needed: bool, len: usize| if needed { len } else { 0 };
    // Each task, or each image, has sums of its own, which are added up in their order at the end.
    let sizes = [
        len(needs.below_depthwise(), inputs * plane),
        len(needs.depthwise, inputs * taps),
        len(needs.affine, inputs * 2),
    ];
    let [dx, ddepthwise, daffine, dpointwise] = fill_with(
        [
            batch * sizes[0],
            batch * sizes[1],
            batch * sizes[2],
            len(needs.pointwise, tasks * outputs * inputs),
        ],
        [
            items * sizes[0],
            items * sizes[1],
            items * sizes[2],
            outputs * inputs,
        ],
        tasks,
        || Scratch::new(&block),
        |scratch, task, [dx, ddepthwise, daffine, dpointwise]| {
            let first = task * items;
            let images = BackwardImages {
                block: &block,
                transposed: &transposed,
                lines: &lines,
                output: values(&output),
                dy: values(&dy),
                first,
                count: items.min(batch - first),
                needs,
                dx,
                ddepthwise,
                daffine,
                dpointwise,
            };
            Arch::new().dispatch(Backward { scratch, images });
        },
    );

    let affine = needs.affine.then(|| {
        let sums = column_sums(&daffine, inputs * 2);
        let column = |at: usize| sums.iter().skip(at).step_by(2).copied().collect();
        [tensor(column(0), [inputs]), tensor(column(1), [inputs])]
    });
    BlockGradients {
        x: needs.x.then(|| tensor(dx, dims(&parts.x))),
        affine,
        depthwise: parts
            .depthwise
            .as_ref()
            .filter(|_| needs.depthwise)
            .map(|(weight, _)| tensor(column_sums(&ddepthwise, inputs * taps), dims(weight))),
        pointwise: needs.pointwise.then(|| {
            tensor(
                column_sums(&dpointwise, outputs * inputs),
                [outputs, inputs, 1, 1],
            )
        }),
    }
}

/// Gradients of `count` images from the image `first` on; the slices of gradients begin there, and those
/// that nobody needs are empty.
struct BackwardImages<'a> {
    block: &'a Block<'a>,
    /// The pointwise weights `[channels_in, channels_out]`.
    transposed: &'a PackedMatrix,
    /// Of the gradient of the normalisation.
    lines: &'a [Scaling],
    output: &'a [f32],
    dy: &'a [f32],
    first: usize,
    count: usize,
    needs: BlockNeeds,
    dx: &'a mut [f32],
    ddepthwise: &'a mut [f32],
    daffine: &'a mut [f32],
    dpointwise: &'a mut [f32],
}

struct Backward<'a> {
    scratch: &'a mut Scratch,
    images: BackwardImages<'a>,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Scratch {
            buffers,
            filtered,
            dfiltered,
            dmixed,
        } = self.scratch;
        let mut images = self.images;
        let (block, needs, count) = (images.block, images.needs, images.count);
        let out_plane = block.planes[1];
        let [mixed_size, filtered_size] = [block.outputs, block.inputs].map(|n| n * out_plane);
        dmixed.resize(count * mixed_size, 0.0);
        filtered.resize(if needs.pointwise { count } else { 0 } * filtered_size, 0.0);
        dfiltered.resize(filtered_size, 0.0);
        for index in 0..count {
            let dmixed = &mut dmixed[index * mixed_size..][..mixed_size];
            images.normalisation(index, dmixed);
            let image = block.image(images.first + index);
            if needs.pointwise {
                let filtered = &mut filtered[index * filtered_size..][..filtered_size];
                block.filter(simd, image, buffers, filtered);
            }
            if needs.below_pointwise() {
                let (matrix, panel) = (images.transposed, &mut buffers.panel);
                let pack = |input: usize, start: usize, to: &mut [f32]| {
                    copy_row(to, &dmixed[input * out_plane + start..]);
                };
                combine_planes(simd, matrix, out_plane, pack, dfiltered, panel);
                images.below_pointwise(simd, index, image, dfiltered, buffers);
            }
        }
        if needs.pointwise {
            let counts = [block.outputs, block.inputs];
            let planes = images_of(out_plane, [dmixed, filtered], counts);
            correlate_planes(simd, &planes, block.inputs, images.dpointwise);
        }
    }
}

impl BackwardImages<'_> {
    /// The gradient of what is normalised of an image.
    #[inline(always)]
    fn normalisation(&self, index: usize, dmixed: &mut [f32]) {
        let start = (self.first + index) * dmixed.len();
        let out_plane = self.block.planes[1];
        let dy = self.dy[start..].chunks_exact(out_plane);
        let output = self.output[start..].chunks_exact(out_plane);
        let planes = dmixed.chunks_exact_mut(out_plane);
        for (((dmixed, dy), output), line) in planes.zip(dy).zip(output).zip(self.lines) {
            for ((dmixed, dy), output) in dmixed.iter_mut().zip(dy).zip(output) {
                *dmixed = *dy * line.scale + (*output * line.slope + line.offset);
            }
        }
    }

    /// What the gradient of an image's filtered planes leaves to filters, affine map and input.
    #[inline(always)]
    fn below_pointwise<S: Simd>(
        &mut self,
        simd: S,
        index: usize,
        image: &[f32],
        dfiltered: &[f32],
        buffers: &mut Buffers,
    ) {
        let (block, needs) = (self.block, self.needs);
        let [plane, out_plane] = block.planes;
        for channel in 0..block.inputs {
            let at = index * block.inputs + channel;
            let x = &image[channel * plane..][..plane];
            let dfiltered = &dfiltered[channel * out_plane..][..out_plane];
            let reading = block.reading(channel);
            if let Some((geometry, weight)) = &block.depthwise {
                geometry.spread_gradient(dfiltered, &mut buffers.gradients);
                if needs.depthwise {
                    geometry.spread_input(x, &mut buffers.inputs, |value| reading.of(value));
                    let taps = self.ddepthwise.len() / (self.count * block.inputs);
                    accumulate_taps(
                        simd,
                        &buffers.inputs,
                        &buffers.gradients[geometry.gradient_start()..],
                        geometry.output_run(),
                        &geometry.taps,
                        &mut self.ddepthwise[at * taps..][..taps],
                    );
                }
                if !needs.below_depthwise() {
                    continue;
                }
                let weights = filter_of(weight, block.inputs, channel);
                let dx = &mut self.dx[at * plane..][..plane];
                let (gradients, run) = (&buffers.gradients, &mut buffers.run);
                input_gradient(simd, geometry, gradients, weights, run, dx);
            } else {
                self.dx[at * plane..][..plane].copy_from_slice(dfiltered);
            }
            let dx = &mut self.dx[at * plane..][..plane];
            if block.activation == InputActivation::Relu {
                for (dx, x) in dx.iter_mut().zip(x) {
                    *dx = kept_where(reading.before_floor(*x) > 0.0, *dx);
                }
            }
            if needs.affine {
                let [sum, product] = sums_with_product(simd, dx, x);
                self.daffine[2 * at] = product;
                self.daffine[2 * at + 1] = sum;
            }
            if block.affine.is_some() {
                for dx in dx.iter_mut() {
                    *dx *= reading.scale;
                }
            }
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
