use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{Block, Buffers, Scratch, contiguous, filter_of};
use crate::kernels::flex::{
    batch_norm::{PlaneSums, Scaling, backward_lines, plane_sums},
    depthwise::input_gradient,
    lanes::accumulate_taps,
    memory::{column_sums, dims, fill_beside, owned, tensor, values},
    pointwise::{images as images_of, transposed},
    products::{PackedMatrix, combine_planes, correlate_planes},
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
    let mut onto = onto.map(owned);
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
        len(needs.below_depthwise() && onto.is_none(), inputs * plane),
        len(needs.depthwise, inputs * taps),
        len(needs.affine, inputs * 2),
    ];
    let ontos: Vec<Option<&mut [f32]>> = match onto.as_mut().and_then(FlexTensor::try_storage_mut) {
        Some(values) => values
            .chunks_mut(items * inputs * plane)
            .map(Some)
            .collect(),
        None => (0..tasks).map(|_| None).collect(),
    };
    let [dx, ddepthwise, daffine, dpointwise] = fill_beside(
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
        ontos,
        || Scratch::new(&block),
        |scratch, task, onto, [dx, ddepthwise, daffine, dpointwise]| {
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
                adds: onto.is_some(),
                dx: onto.unwrap_or(dx),
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
        x: needs
            .x
            .then(|| onto.unwrap_or_else(|| tensor(dx, dims(&parts.x)))),
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
    /// Whether gradients are added to what `dx` holds, which are zeros else.
    adds: bool,
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
                    copy_row(simd, to, &dmixed[input * out_plane + start..]);
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
            let kept = &mut self.dx[at * plane..][..plane];
            let dx = match self.adds {
                true => &mut scratch[..],
                false => &mut *kept,
            };
            match &block.depthwise {
                Some((geometry, weight)) => {
                    let weights = filter_of(weight, block.inputs, channel);
                    input_gradient(simd, geometry, gradients, weights, run, dx);
                }
                None => copy_row(simd, dx, dfiltered),
            }
            let [sum, product] = reading.backward(simd, dx, x);
            if self.adds {
                for (kept, dx) in kept.iter_mut().zip(scratch.iter()) {
                    *kept += *dx;
                }
            }
            if needs.affine {
                self.daffine[2 * at] = product;
                self.daffine[2 * at + 1] = sum;
            }
        }
    }
}
