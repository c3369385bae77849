//! Runs of values, each mapped by a line of its own: normalisation, sums and their factors in one pass.

use burn::tensor::TensorMetadata;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    memory::{fill_one, for_each, in_order, items_per_task, tensor, values},
    unset::Unset,
};

/// Loads, stores and arithmetic per value, in multiply-adds.
pub(super) const WORK: usize = 4;

/// `scale * value + slope * other + offset`
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) scale: f32,
    pub(super) slope: f32,
    pub(super) offset: f32,
}

/// Maps runs of `run` values, of which the last may be shorter, by the line of their number; without `other`
/// the slope is not used. In place where nobody else holds the values.
pub(super) fn map_runs(
    tensor: FlexTensor,
    other: Option<&FlexTensor>,
    run: usize,
    line: impl Fn(usize) -> Line + Sync + Send,
) -> FlexTensor {
    let (mut tensor, other) = (in_order(tensor), other.map(FlexTensor::to_contiguous));
    let others = other.as_ref().map(values);
    let count = values(&tensor).len().div_ceil(run);
    let items = items_per_task(count, WORK * run);
    let size = items * run;
    let others_of = |task: usize, len: usize| others.map(|others| &others[task * size..][..len]);
    if let Some(held) = tensor.try_storage_mut::<f32>() {
        for_each(
            held.chunks_mut(size).enumerate().collect(),
            |(task, part)| {
                Arch::new().dispatch(MapHeld {
                    others: others_of(task, part.len()),
                    part,
                    run,
                    line: |run| line(task * items + run),
                });
            },
        );
        return tensor;
    }
    let source = values(&tensor);
    // SAFETY: `MapRead` writes a value for each one that it reads, which are as many.
    let out = unsafe {
        fill_one(source.len(), size, |task, out| {
            Arch::new().dispatch(MapRead {
                part: &source[task * size..][..out.len()],
                others: others_of(task, out.len()),
                out,
                run,
                line: |run| line(task * items + run),
            });
        })
    };
    self::tensor(out, tensor.shape())
}

/// Maps the runs of `part` where they are.
struct MapHeld<'a, L> {
    part: &'a mut [f32],
    others: Option<&'a [f32]>,
    run: usize,
    line: L,
}

impl<L: Fn(usize) -> Line> WithSimd for MapHeld<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (index, part) in self.part.chunks_mut(self.run).enumerate() {
            let line = (self.line)(index);
            match self.others {
                None => {
                    for value in part {
                        *value = *value * line.scale + line.offset;
                    }
                }
                Some(others) => {
                    let others = &others[index * self.run..][..part.len()];
                    for (value, other) in part.iter_mut().zip(others) {
                        *value = *value * line.scale + (*other * line.slope + line.offset);
                    }
                }
            }
        }
    }
}

/// Maps the runs of `part` to those of `out`, which is as long.
struct MapRead<'a, L> {
    part: &'a [f32],
    others: Option<&'a [f32]>,
    out: Unset<'a>,
    run: usize,
    line: L,
}

impl<L: Fn(usize) -> Line> WithSimd for MapRead<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _simd: S) {
        for (index, part) in self.part.chunks(self.run).enumerate() {
            let line = (self.line)(index);
            let start = index * self.run;
            match self.others {
                None => {
                    let values = part.iter().map(|value| value * line.scale + line.offset);
                    self.out.write(start, values);
                }
                Some(others) => {
                    let others = &others[start..][..part.len()];
                    let values = part.iter().zip(others).map(|(value, other)| {
                        value * line.scale + (other * line.slope + line.offset)
                    });
                    self.out.write(start, values);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of `map_runs` with runs of 3, and whether they are where they were.
    fn mapped(tensor: FlexTensor, other: Option<&FlexTensor>) -> (Vec<f32>, bool) {
        let before = values(&tensor).as_ptr();
        let mapped = map_runs(tensor, other, 3, |run| Line {
            scale: 2.0,
            slope: 10.0,
            offset: run as f32,
        });
        (values(&mapped).to_vec(), values(&mapped).as_ptr() == before)
    }

    #[test]
    fn values_that_nobody_else_holds_are_mapped_in_their_place() {
        let x = || tensor(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
        let other = tensor(vec![1.0, 0.0, 0.5, 0.0], [2, 2]);
        let alone = vec![2.0, 4.0, 6.0, 9.0];
        let with_other = vec![12.0, 4.0, 11.0, 9.0];
        assert_eq!(mapped(x(), None), (alone.clone(), true));
        assert_eq!(mapped(x(), Some(&other)), (with_other.clone(), true));

        let held = x();
        assert_eq!(mapped(held.clone(), None), (alone, false));
        assert_eq!(mapped(held.clone(), Some(&other)), (with_other, false));
        assert_eq!(values(&held), [1.0, 2.0, 3.0, 4.0]);
    }
}
