use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{Block, Buffers, Scratch, contiguous, filter_of};
use crate::kernels::flex::{
    batch_norm::{PlaneSums, backward_lines, plane_sums},
    depthwise::input_gradient,
    lanes::accumulate_taps,
    lines::Line,
    memory::{column_sums, dims, fill_beside, in_order, tensor, values},
    pointwise::{images as images_of, transposed},
    products::{PackedMatrix, Pitched, combine_planes, correlate_planes},
    rows::copy_row,
};
use crate::kernels::{BlockGradients, BlockNeeds, BlockParts, images_per_task};

/// The gradients that are needed; that of what is read is added to `onto`.
pub(in crate::kernels::flex) fn backward(
    parts: BlockParts<FlexTensor>,
    output: FlexTensor,
    variance: FlexTensor,
    dy: FlexTensor,
    eps: f64,
    needs: BlockNeeds,
    onto: Option<FlexTensor>,
) -> BlockGradients<FlexTensor> {
    let parts = contiguous(parts);
    let mut onto = onto.map(in_order);
    let is_held = onto.as_ref().is_some_and(FlexTensor::is_unique);
    let [output, variance, dy] = [output, variance, dy].map(in_order);
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
        len(needs.below_depthwise() && !is_held, inputs * plane),
        len(needs.depthwise, inputs * taps),
        len(needs.affine, inputs * 2),
    ];
    let onto_size = items * inputs * plane;
    let ontos: Vec<Onto<'_>> = match &mut onto {
        None => (0..tasks).map(|_| Onto::Nothing).collect(),
        Some(onto) if is_held => {
            let held = onto.storage_mut().chunks_mut(onto_size);
            held.map(Onto::Held).collect()
        }
        Some(onto) => values(onto).chunks(onto_size).map(Onto::Shared).collect(),
    };
    let lens = [
        batch * sizes[0],
        batch * sizes[1],
        batch * sizes[2],
        len(needs.pointwise, tasks * outputs * inputs),
    ];
    let [dx, ddepthwise, daffine] = sizes.map(|size| items * size);
    let sizes = [dx, ddepthwise, daffine, outputs * inputs];
    let scratch = || Scratch::new(&block);
    let [dx, ddepthwise, daffine, dpointwise] =
        fill_beside(lens, sizes, ontos, scratch, |scratch, task, onto, parts| {
            let [dx, ddepthwise, daffine, dpointwise] = parts;
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
                onto,
                dx,
                ddepthwise,
                daffine,
                dpointwise,
            };
            Arch::new().dispatch(Backward { scratch, images });
        });

    let affine = needs.affine.then(|| {
        let sums = column_sums(&daffine, inputs * 2);
        let column = |at: usize| sums.iter().skip(at).step_by(2).copied().collect();
        [tensor(column(0), [inputs]), tensor(column(1), [inputs])]
    });
    BlockGradients {
        x: needs
            .x
            .then(|| onto.filter(|_| is_held))
            .map(|onto| onto.unwrap_or_else(|| tensor(dx, dims(&parts.x)))),
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

/// Gradients that the values which a block reads have already.
enum Onto<'a> {
    Nothing,
    /// They are added to in their place.
    Held(&'a mut [f32]),
    /// Others hold them, too.
    Shared(&'a [f32]),
}

/// Gradients of `count` images from the image `first` on; the slices of gradients begin there, and those
/// that nobody needs are empty.
struct BackwardImages<'a> {
    block: &'a Block<'a>,
    /// The pointwise weights `[channels_in, channels_out]`.
    transposed: &'a PackedMatrix,
    /// Of the gradient of the normalisation.
    lines: &'a [Line],
    output: &'a [f32],
    dy: &'a [f32],
    first: usize,
    count: usize,
    needs: BlockNeeds,
    onto: Onto<'a>,
    /// Zeros; none where gradients are added to in their place.
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
        let (out_plane, pitch) = (block.planes[1], block.pitch);
        let [mixed_size, filtered_size] = [block.outputs, block.inputs].map(|n| n * pitch);
        dmixed.resize(count * mixed_size, 0.0);
        filtered.resize(if needs.pointwise { count } else { 0 } * filtered_size, 0.0);
        dfiltered.resize(block.inputs * out_plane, 0.0);
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
                let from = Pitched {
                    values: dmixed,
                    pitch,
                };
                combine_planes(simd, matrix, out_plane, &from, dfiltered, panel);
                images.below_pointwise(simd, index, image, dfiltered, buffers);
            }
        }
        if needs.pointwise {
            let counts = [block.outputs, block.inputs];
            let planes = images_of([out_plane, pitch], [dmixed, filtered], counts);
            correlate_planes(simd, &planes, block.inputs, images.dpointwise);
        }
    }
}

impl BackwardImages<'_> {
    /// The gradient of what is normalised of an image.
    #[inline(always)]
    fn normalisation(&self, index: usize, dmixed: &mut [f32]) {
        let out_plane = self.block.planes[1];
        let start = (self.first + index) * self.block.outputs * out_plane;
        let dy = self.dy[start..].chunks_exact(out_plane);
        let output = self.output[start..].chunks_exact(out_plane);
        let planes = dmixed.chunks_exact_mut(self.block.pitch);
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
        let Buffers {
            inputs,
            gradients,
            run,
            plane: scratch,
            ..
        } = buffers;
        for channel in 0..block.inputs {
            let at = index * block.inputs + channel;
            let x = &image[channel * plane..][..plane];
            let dfiltered = &dfiltered[channel * out_plane..][..out_plane];
            let reading = block.reading(channel);
            if let Some((geometry, _)) = &block.depthwise {
                geometry.spread_gradient(simd, dfiltered, gradients);
                if needs.depthwise {
                    geometry.spread_input(simd, x, inputs, reading);
                    let taps = self.ddepthwise.len() / (self.count * block.inputs);
                    accumulate_taps(
                        simd,
                        inputs,
                        &gradients[geometry.gradient_start()..],
                        geometry.output_run(),
                        &geometry.taps.list,
                        &mut self.ddepthwise[at * taps..][..taps],
                    );
                }
                if !needs.below_depthwise() {
                    continue;
                }
            }
            let range = at * plane..(at + 1) * plane;
            let dx = match self.onto {
                Onto::Nothing => &mut self.dx[range.clone()],
                Onto::Held(_) | Onto::Shared(_) => &mut scratch[..],
            };
            match &block.depthwise {
                Some((geometry, weight)) => {
                    let weights = filter_of(weight, block.inputs, channel);
                    input_gradient(simd, geometry, gradients, weights, run, dx);
                }
                None => copy_row(simd, dx, dfiltered),
            }
            let [sum, product] = reading.backward(simd, dx, x);
            match &mut self.onto {
                Onto::Nothing => {}
                Onto::Held(held) => {
                    for (held, dx) in held[range].iter_mut().zip(scratch.iter()) {
                        *held += *dx;
                    }
                }
                Onto::Shared(onto) => {
                    let sums = onto[range.clone()].iter().zip(scratch.iter());
                    for (sum, (onto, dx)) in self.dx[range].iter_mut().zip(sums) {
                        *sum = onto + dx;
                    }
                }
            }
            if needs.affine {
                self.daffine[2 * at] = product;
                self.daffine[2 * at + 1] = sum;
            }
        }
    }
}
