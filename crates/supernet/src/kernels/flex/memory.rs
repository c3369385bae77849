//! Tensors as slices, and the split of work over threads.

use burn::tensor::{DType, TensorData, TensorMetadata};
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Multiply-adds below which a task costs more to hand over than to run.
const TASK_WORK: usize = 1 << 17;

/// Whether all tensors hold `f32`, the type the loops are written for.
pub(super) fn all_f32(tensors: &[&FlexTensor]) -> bool {
    tensors.iter().all(|tensor| tensor.dtype() == DType::F32)
}

/// The values in row order; `tensor` must come from `to_contiguous`.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.storage()
}

/// A tensor of `values` in row order.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The four sizes of a tensor `[batch, channels, height, width]`.
pub(super) fn dims(tensor: &FlexTensor) -> [usize; 4] {
    tensor.shape().dims()
}

/// How many of `items` make one task when each costs `work` multiply-adds. A function of the
/// sizes alone, so that sums over tasks do not depend on the number of threads.
pub(super) fn items_per_task(items: usize, work: usize) -> usize {
    TASK_WORK.div_ceil(work.max(1)).clamp(1, items.max(1))
}

/// Consecutive parts of `values`, `size` long; `count` empty parts of an output nobody asked for.
pub(super) fn parts(values: &mut [f32], size: usize, count: usize) -> Vec<&mut [f32]> {
    if values.is_empty() {
        (0..count).map(|_| Default::default()).collect()
    } else {
        values.chunks_mut(size).collect()
    }
}

/// Runs `task` on every item, on several threads if there are several.
pub(super) fn for_each<T: Send>(mut items: Vec<T>, task: impl Fn(T) + Sync + Send) {
    match items.len() {
        0 => {}
        1 => items.drain(..).for_each(task),
        _ => items.into_par_iter().for_each(task),
    }
}

/// Rewrites the values of a contiguous tensor in parts of `size` values, `task` being given the
/// number of its part. Works in place unless the values are shared.
pub(super) fn rewrite(
    mut tensor: FlexTensor,
    size: usize,
    task: impl Fn(usize, &mut [f32]) + Sync + Send,
) -> FlexTensor {
    if let Some(values) = tensor.try_storage_mut::<f32>() {
        let tasks = values.chunks_mut(size.max(1)).enumerate().collect();
        for_each(tasks, |(index, part)| task(index, part));
        return tensor;
    }
    let source = values(&tensor);
    let mut copy = vec![0.0; source.len()];
    let tasks = copy
        .chunks_mut(size.max(1))
        .zip(source.chunks(size.max(1)))
        .enumerate()
        .collect();
    for_each(
        tasks,
        |(index, (part, source)): (usize, (&mut [f32], &[f32]))| {
            part.copy_from_slice(source);
            task(index, part);
        },
    );
    self::tensor(copy, dims(&tensor))
}
