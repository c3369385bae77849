//! Tensors as slices, and the split of work over threads.

use core::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, Shape, TensorData, TensorMetadata};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::unset::Unset;

/// Multiply-adds below which waking other threads takes longer than the whole operation.
const SEQUENTIAL_WORK: usize = 1 << 19;

/// Multiply-adds of one task, so few that the threads finish together.
const TASK_WORK: usize = 1 << 16;

/// What an item costs besides its arithmetic, in multiply-adds.
const ITEM_WORK: usize = 256;

/// Whether all tensors hold values, and of `f32`, the type the loops are written for.
pub(super) fn all_f32(tensors: &[&FlexTensor]) -> bool {
    tensors
        .iter()
        .all(|tensor| tensor.dtype() == DType::F32 && tensor.shape().num_elements() > 0)
}

/// The values in row order; `tensor` must come from `to_contiguous`.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.storage()
}

/// The tensor in row order. Takes it, so that who gets it holds its values alone if it did.
pub(super) fn in_order(tensor: FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// A tensor of `values` in row order.
pub(super) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// The four sizes of a tensor `[batch, channels, height, width]`.
pub(super) fn dims(tensor: &FlexTensor) -> [usize; 4] {
    tensor.shape().dims()
}

/// Whether so many multiply-adds are best done by one thread.
pub(super) fn is_small(work: usize) -> bool {
    work <= SEQUENTIAL_WORK
}

/// How many of `items` make one task when each costs `work` multiply-adds. A function of the
/// sizes alone, so that sums over tasks do not depend on the number of threads.
pub(super) fn items_per_task(items: usize, work: usize) -> usize {
    let work = work + ITEM_WORK;
    if is_small(items * work) {
        items.max(1)
    } else {
        TASK_WORK.div_ceil(work).min(items)
    }
}

/// The rows of `width` values added up, in their order.
pub(super) fn column_sums(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums
}

/// Runs `task` on every item, on several threads if there are several.
pub(super) fn for_each<T: Send>(items: Vec<T>, task: impl Fn(T) + Sync) {
    for_each_with(items, || (), |(), item| task(item));
}

/// [`for_each`] with scratch space that items after each other share: whatever one leaves there, the next
/// must not depend on.
pub(super) fn for_each_with<T: Send, S: Send>(
    items: Vec<T>,
    scratch: impl Fn() -> S + Sync + Send,
    task: impl Fn(&mut S, T) + Sync + Send,
) {
    match items.len() {
        0 => {}
        1 => {
            let mut scratch = scratch();
            items.into_iter().for_each(|item| task(&mut scratch, item));
        }
        _ => {
            // The pool cuts items into more pieces than it has threads; those after each other share.
            let idle = Mutex::new(Vec::new());
            let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
            let lend = || {
                let lent = idle().pop();
                lent.unwrap_or_else(&scratch)
            };
            let done = items.into_par_iter().fold(lend, |mut lent, item| {
                task(&mut lent, item);
                lent
            });
            done.for_each(|lent| idle().push(lent));
        }
    }
}

/// Fills `N` outputs, of `lens` values each, in `count` tasks. A task is given its number and, of
/// each output, the next `sizes` values, which hold zeros; an output of length 0 has empty parts.
///
/// Each task zeroes its own part: zeroing a whole output beforehand would be one more pass over
/// memory, and on one thread only.
///
/// # Panics
///
/// If `count` parts of `sizes` do not cover the outputs.
pub(super) fn fill<const N: usize>(
    lens: [usize; N],
    sizes: [usize; N],
    count: usize,
    task: impl Fn(usize, [&mut [f32]; N]) + Sync + Send,
) -> [Vec<f32>; N] {
    fill_with(
        lens,
        sizes,
        count,
        || (),
        |(), index, parts| task(index, parts),
    )
}

/// [`fill`] with scratch space as in [`for_each_with`].
pub(super) fn fill_with<const N: usize, S: Send>(
    lens: [usize; N],
    sizes: [usize; N],
    count: usize,
    scratch: impl Fn() -> S + Sync + Send,
    task: impl Fn(&mut S, usize, [&mut [f32]; N]) + Sync + Send,
) -> [Vec<f32>; N] {
    fill_beside(
        lens,
        sizes,
        vec![(); count],
        scratch,
        |scratch, index, (), parts| task(scratch, index, parts),
    )
}

/// [`fill_with`], a task for each item, which it is given too.
pub(super) fn fill_beside<const N: usize, T: Send, S: Send>(
    lens: [usize; N],
    sizes: [usize; N],
    items: Vec<T>,
    scratch: impl Fn() -> S + Sync + Send,
    task: impl Fn(&mut S, usize, T, [&mut [f32]; N]) + Sync + Send,
) -> [Vec<f32>; N] {
    // SAFETY: zeros are written to all parts.
    unsafe {
        fill_unset(
            lens,
            sizes,
            items,
            scratch,
            |scratch, index, item, parts| {
                task(scratch, index, item, parts.map(Unset::zeroed));
            },
        )
    }
}

/// [`fill_beside`] whose parts hold nothing yet. For values that are written in their order, for which zeros
/// are one more pass; tiles, which write here and there, are faster where zeros have fetched the memory.
///
/// # Panics
///
/// If a part for each item, of `sizes`, does not cover the outputs.
///
/// # Safety
///
/// Each task writes every value of its parts.
pub(super) unsafe fn fill_unset<const N: usize, T: Send, S: Send>(
    lens: [usize; N],
    sizes: [usize; N],
    items: Vec<T>,
    scratch: impl Fn() -> S + Sync + Send,
    task: impl Fn(&mut S, usize, T, [Unset<'_>; N]) + Sync + Send,
) -> [Vec<f32>; N] {
    let count = items.len();
    let mut outs: [Vec<f32>; N] = lens.map(Vec::with_capacity);
    let mut outs_and_lens = outs.iter_mut().zip(lens);
    let mut rests: [&mut [MaybeUninit<f32>]; N] = core::array::from_fn(|_| {
        outs_and_lens
            .next()
            .map(|(out, len)| &mut out.spare_capacity_mut()[..len])
            .unwrap_or_default()
    });
    let tasks: Vec<_> = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            let parts: [_; N] = core::array::from_fn(|out| {
                let rest = core::mem::take(&mut rests[out]);
                let (part, rest) = rest.split_at_mut(sizes[out].min(rest.len()));
                rests[out] = rest;
                Unset::from(part)
            });
            (index, item, parts)
        })
        .collect();
    assert!(
        rests.iter().all(|rest| rest.is_empty()),
        "{count} parts of {sizes:?} do not cover {lens:?} values"
    );
    for_each_with(tasks, scratch, |scratch, (index, item, parts)| {
        task(scratch, index, item, parts);
    });
    for (out, len) in outs.iter_mut().zip(lens) {
        // SAFETY: the capacity is at least `len`, and the parts, of which every task has written its own, as
        // the caller promises, cover the first `len` values.
        unsafe { out.set_len(len) };
    }
    outs
}

/// [`fill_unset`] of one output of `len` values in parts of `size`.
///
/// # Safety
///
/// Each task writes every value of its part.
pub(super) unsafe fn fill_one(
    len: usize,
    size: usize,
    task: impl Fn(usize, Unset<'_>) + Sync + Send,
) -> Vec<f32> {
    let tasks = vec![(); len.div_ceil(size.max(1))];
    let task = |(): &mut (), index: usize, (), [part]: [Unset<'_>; 1]| task(index, part);
    // SAFETY: as the caller promises.
    let [out] = unsafe { fill_unset([len], [size], tasks, || (), task) };
    out
}

/// Rewrites the values of a tensor, in row order, in parts of `size` values, `task` being given the
/// number of its part. Works in place unless the values are shared.
pub(super) fn rewrite(
    tensor: FlexTensor,
    size: usize,
    task: impl Fn(usize, &mut [f32]) + Sync,
) -> FlexTensor {
    let mut tensor = in_order(tensor);
    let size = size.max(1);
    if let Some(values) = tensor.try_storage_mut::<f32>() {
        let tasks = values.chunks_mut(size).enumerate().collect();
        for_each(tasks, |(index, part)| task(index, part));
        return tensor;
    }
    let source = values(&tensor);
    // SAFETY: all parts are copied to.
    let copy = unsafe {
        fill_one(source.len(), size, |index, part| {
            let source = &source[index * size..][..part.len()];
            task(index, part.copied(source));
        })
    };
    self::tensor(copy, tensor.shape())
}
