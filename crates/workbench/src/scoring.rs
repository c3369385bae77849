//! Scores, added up in f64 on the host: an f32 on the device no longer counts beyond 2^24.

use burn::tensor::{Tensor, backend::Backend};

use crate::WorkbenchError;
use crate::problem::{Confusion, Phase, Problem, Score, Split};

/// Sums over batches, `[sums]`, from tensors on a device.
///
/// A read makes the device wait for the host, so that tensors are kept and read together.
#[derive(Debug)]
pub struct Totals<B: Backend> {
    unread: Vec<Tensor<B, 1>>,
    totals: Vec<f64>,
}

/// Tensors that are read together.
const READ_TOGETHER: usize = 32;

impl<B: Backend> Default for Totals<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backend> Totals<B> {
    /// No sums yet.
    pub fn new() -> Self {
        Self {
            unread: Vec::new(),
            totals: Vec::new(),
        }
    }

    /// Adds the sums of a batch, `[sums]`: always as many.
    pub fn push(&mut self, sums: Tensor<B, 1>) {
        self.unread.push(sums);
        if self.unread.len() == READ_TOGETHER {
            self.read();
        }
    }

    /// The sums so far, `[sums]`; empty where none were added.
    pub fn read_so_far(&mut self) -> &[f64] {
        self.read();
        &self.totals
    }

    /// All sums, `[sums]`; empty where none were added.
    pub fn finish(mut self) -> Vec<f64> {
        self.read();
        self.totals
    }

    fn read(&mut self) {
        let Some(first) = self.unread.first() else {
            return;
        };
        let count = first.dims()[0];
        self.totals.resize(count, 0.0);
        let together = Tensor::cat(std::mem::take(&mut self.unread), 0).into_data();
        for (at, value) in together.iter::<f64>().enumerate() {
            self.totals[at % count] += value;
        }
    }
}

/// Scores what `answer` says of all examples of a split; it is given each batch and its number.
///
/// # Errors
///
/// Those of `answer`; when the problem lacks the split or its examples cannot be read.
pub fn score<B: Backend, P: Problem, E: From<WorkbenchError>>(
    problem: &P,
    split: Split,
    batch_size: usize,
    seed: u64,
    device: &B::Device,
    mut answer: impl FnMut(&P::Batch<B>, u64) -> Result<P::Answer<B>, E>,
) -> Result<Score, E> {
    let mut totals = Totals::new();
    let batches = problem.evaluation::<B>(split, batch_size, seed, device)?;
    for (number, batch) in batches.enumerate() {
        let batch = batch?;
        let answer = answer(&batch, number as u64)?;
        let loss = problem.loss(&answer, &batch, Phase::Evaluation);
        totals.push(problem.sums(&answer, &batch, loss));
    }
    Ok(problem.score(&totals.finish()))
}

/// Adds to a confusion what the classes of a batch are taken for, where an answer is a class.
pub fn count_classes<B: Backend, P: Problem>(
    problem: &P,
    answer: &P::Answer<B>,
    batch: &P::Batch<B>,
    confusion: &mut Confusion,
) {
    let Some(classified) = problem.classified(answer, batch) else {
        return;
    };
    let [truth, answered] = [classified.truth, classified.answered].map(Tensor::into_data);
    let mut pairs = truth.iter::<i64>().zip(answered.iter::<i64>()).peekable();
    while let Some(pair) = pairs.next() {
        // Neighbouring pixels are mostly alike.
        let mut times = 1;
        while pairs.next_if_eq(&pair).is_some() {
            times += 1;
        }
        if let (Ok(truth), Ok(answered)) = (pair.0.try_into(), pair.1.try_into()) {
            confusion.count_many(truth, answered, times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    fn sums(values: &[f32]) -> Tensor<Flex, 1> {
        Tensor::from_floats(values, &Default::default())
    }

    #[test]
    fn counts_beyond_what_an_f32_can_count_are_exact() {
        // 2^24 + 1 is no f32, nor is any odd number above it.
        let mut totals = Totals::new();
        for _ in 0..3 {
            totals.push(sums(&[16_777_216.0, 1.0]));
            totals.push(sums(&[1.0, 0.5]));
        }
        assert_eq!(totals.read_so_far(), [50_331_651.0, 4.5]);
        totals.push(sums(&[2.0, 0.25]));
        assert_eq!(totals.finish(), [50_331_653.0, 4.75]);
    }

    #[test]
    fn as_many_as_are_read_together_and_one_more_are_all_there() {
        for count in [0, 1, READ_TOGETHER, READ_TOGETHER + 1] {
            let mut totals = Totals::new();
            for number in 0..count {
                totals.push(sums(&[number as f32, 1.0, -2.0]));
            }
            let count = count as f64;
            let expected = [count * (count - 1.0) / 2.0, count, -2.0 * count];
            let found = totals.finish();
            assert!(found == expected || (count == 0.0 && found.is_empty()));
        }
    }
}
