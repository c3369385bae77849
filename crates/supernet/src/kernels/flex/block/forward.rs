use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{Block, Scratch, contiguous};
use crate::kernels::BlockParts;
use crate::kernels::flex::{
    batch_norm::{by_channel, moments_to_statistics},
    lanes::moments,
    lines::map_runs,
    memory::{fill_with, items_per_task, tensor},
    products::{Packed, PackedMatrix, Pitched, combine_planes},
    rows::map_row,
};

/// The normalised output, the mean and the biased variance of each channel.
pub(in crate::kernels::flex) fn forward(
    parts: BlockParts<FlexTensor>,
    eps: f64,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let parts = contiguous(parts);
    let block = Block::new(&parts);
    let size = block.outputs * block.planes[1];
    let matrix = PackedMatrix::new(block.pointwise, block.inputs);
    let items = items_per_task(block.batch, block.work());
    let lens = [block.batch * size, block.batch * block.outputs * 2];
    let sizes = [items * size, items * block.outputs * 2];
    let tasks = block.batch.div_ceil(items);
    let scratch = || Scratch::new(&block);
    let [mixed, sums] = fill_with(lens, sizes, tasks, scratch, |scratch, task, parts| {
        let [mixed, sums] = parts;
        Arch::new().dispatch(Forward {
            block: &block,
            matrix: &matrix,
            scratch,
            first: task * items,
            mixed,
            sums,
        });
    });
    let (pairs, _) = sums.as_chunks::<2>();
    let pairs: Vec<[f64; 2]> = pairs.iter().map(|pair| pair.map(f64::from)).collect();
    let statistics = moments_to_statistics(&pairs, block.outputs, block.planes[1], eps);
    let mixed = tensor(mixed, block.output_shape());
    let line = by_channel(&statistics.lines);
    let output = map_runs(mixed, None, block.planes[1], line);
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
        filtered.resize(block.inputs * block.pitch, 0.0);
        let images = self.mixed.chunks_exact_mut(block.outputs * out_plane);
        let sums = self.sums.chunks_exact_mut(block.outputs * 2);
        for (index, (mixed, sums)) in images.zip(sums).enumerate() {
            let image = block.image(self.first + index);
            let matrix = self.matrix;
            if block.depthwise.is_some() {
                block.filter(simd, image, buffers, filtered);
                let from = Pitched {
                    values: filtered,
                    pitch: block.pitch,
                };
                combine_planes(simd, matrix, out_plane, &from, mixed, &mut buffers.panel);
            } else {
                let pack = |input: usize, start: usize, to: &mut [f32]| {
                    let reading = block.reading(input);
                    map_row(simd, to, &image[input * out_plane + start..], reading);
                };
                let from = Packed(pack);
                combine_planes(simd, matrix, out_plane, &from, mixed, &mut buffers.panel);
            }
            for (plane, pair) in mixed.chunks_exact(out_plane).zip(sums.chunks_exact_mut(2)) {
                pair.copy_from_slice(&moments(simd, plane));
            }
        }
    }
}
