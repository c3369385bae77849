//! Log-likelihoods: logits are read once, and their gradient is written over them.

use burn::tensor::TensorMetadata;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    functions::exp,
    memory::{fill, items_per_task, rewrite, tensor, values},
};

/// Arithmetic per value, in multiply-adds: an exponential is a dozen.
const WORK: usize = 16;

/// Values that are worked on at once.
const LANES: usize = 32;

/// Values that are added up in 32 bits.
const BLOCK: usize = 16 * LANES;

/// Log-likelihoods, and the logarithms of the sums of exponentials.
pub(super) fn forward(logits: FlexTensor, chosen: FlexTensor) -> (FlexTensor, FlexTensor) {
    let logits = logits.to_contiguous();
    let [rows, classes] = logits.shape().dims();
    let chosen = indices(chosen);
    let items = items_per_task(rows, WORK * classes);
    let tasks = rows.div_ceil(items);
    let [likelihoods, sums] = fill([rows; 2], [items; 2], tasks, |task, [likelihoods, sums]| {
        let first = task * items;
        Arch::new().dispatch(Measure {
            logits: &values(&logits)[first * classes..],
            chosen: &chosen[first..],
            classes,
            likelihoods,
            sums,
        });
    });
    (tensor(likelihoods, [rows]), tensor(sums, [rows]))
}

/// The gradient of the logits.
pub(super) fn backward(
    logits: FlexTensor,
    chosen: FlexTensor,
    sums: FlexTensor,
    dy: FlexTensor,
) -> FlexTensor {
    let (sums, dy) = (sums.to_contiguous(), dy.to_contiguous());
    let [rows, classes] = logits.shape().dims();
    let chosen = indices(chosen);
    let items = items_per_task(rows, WORK * classes);
    rewrite(logits, items * classes, |task, logits| {
        let first = task * items;
        Arch::new().dispatch(Differentiate {
            logits,
            chosen: &chosen[first..],
            sums: &values(&sums)[first..],
            dy: &values(&dy)[first..],
            classes,
        });
    })
}

fn indices(tensor: FlexTensor) -> Vec<usize> {
    // A negative one lies outside every row, as one that is too large does.
    let index = |index: i64| usize::try_from(index).unwrap_or(usize::MAX);
    tensor.into_data().iter::<i64>().map(index).collect()
}

/// Measures as many rows as there are `likelihoods`.
struct Measure<'a> {
    logits: &'a [f32],
    chosen: &'a [usize],
    classes: usize,
    likelihoods: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Measure<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let rows = self.logits.chunks_exact(self.classes).zip(self.chosen);
        let outputs = self.likelihoods.iter_mut().zip(self.sums);
        for ((likelihood, sum), (row, &chosen)) in outputs.zip(rows) {
            let largest = largest(row);
            let logarithm = exponentials(row, largest).ln() as f32;
            *likelihood = row[chosen] - largest - logarithm;
            *sum = largest + logarithm;
        }
    }
}

/// The largest value, where what is no number does not count.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, f32::max)
}

/// The sum of `exp(value - largest)`.
#[inline(always)]
fn exponentials(row: &[f32], largest: f32) -> f64 {
    let mut total = 0.0;
    for block in row.chunks(BLOCK) {
        let mut lanes = [0.0; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += exp(*value - largest);
            }
        }
        total += lanes.iter().copied().map(f64::from).sum::<f64>();
        total += rest
            .iter()
            .map(|value| f64::from(exp(*value - largest)))
            .sum::<f64>();
    }
    total
}

/// Replaces rows of logits by their gradient.
struct Differentiate<'a> {
    logits: &'a mut [f32],
    chosen: &'a [usize],
    sums: &'a [f32],
    dy: &'a [f32],
    classes: usize,
}

impl WithSimd for Differentiate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let rows = self.logits.chunks_exact_mut(self.classes).zip(self.chosen);
        for ((row, &chosen), (sum, dy)) in rows.zip(self.sums.iter().zip(self.dy)) {
            for value in row.iter_mut() {
                *value = -dy * exp(*value - sum);
            }
            row[chosen] += dy;
        }
    }
}
