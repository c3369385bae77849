use burn::tensor::{Tensor, TensorData, backend::Backend};
use workbench::problem::{Direction, Metric, Phase, Problem, Score, Split, Visit};
use workbench::{Result, WorkbenchError};

use super::Data;

/// A number of each stream, and the sum of all of the stream so far.
#[derive(Debug, Clone)]
pub struct Numbers<B: Backend> {
    /// `[streams, 1]`
    pub next: Tensor<B, 2>,
    /// `[streams, 1]`
    pub sum: Tensor<B, 2>,
}

/// Streams of numbers; an epoch goes along them for 4, 5 or 6 steps in turn.
#[derive(Debug, Clone)]
pub struct Streams(pub Data);

/// The number of a stream at a step: between -1 and 1, never twice the same way.
fn number(stream: usize, step: usize, seed: u64) -> f32 {
    let mixed = (stream * 37 + step * 53 + seed as usize * 71 + stream * step * 11) % 101;
    mixed as f32 / 50.0 - 1.0
}

impl Streams {
    /// The streams `range` at a step.
    fn at<B: Backend>(
        &self,
        range: std::ops::Range<usize>,
        step: usize,
        seed: u64,
        device: &B::Device,
    ) -> Numbers<B> {
        let tensor = |value: &dyn Fn(usize) -> f32| {
            let values: Vec<f32> = range.clone().map(value).collect();
            let shape = [values.len(), 1];
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        Numbers {
            next: tensor(&|stream| number(stream, step, seed)),
            sum: tensor(&|stream| (0..=step).map(|step| number(stream, step, seed)).sum()),
        }
    }
}

impl Problem for Streams {
    type Batch<B: Backend> = Numbers<B>;
    type Answer<B: Backend> = Tensor<B, 2>;

    const EXAMPLES: &'static str = "streams";

    fn name(&self) -> String {
        "streams".into()
    }

    fn metric(&self) -> Metric {
        Metric {
            name: "distance".into(),
            unit: "".into(),
            direction: Direction::Lower,
        }
    }

    fn steps(&self, visit: &Visit) -> usize {
        4 + (visit.key.epoch % 3) as usize
    }

    fn batches<B: Backend>(
        &self,
        visit: &Visit,
        device: &B::Device,
    ) -> impl Iterator<Item = Result<Numbers<B>>> {
        let (passes, streams, key) = (visit.passes, self.0.streams, visit.key);
        let unreadable = self.0.unreadable_epoch == Some(key.epoch);
        let device = device.clone();
        (0..self.steps(visit) * passes).map(move |number| {
            let (step, pass) = (number / passes, number % passes);
            if unreadable && step == 2 && pass + 1 == passes {
                return Err(WorkbenchError::field("numbers", "unreadable", "numbers"));
            }
            let edge = |pass| pass * streams / passes;
            Ok(self.at(edge(pass)..edge(pass + 1), step, key.epoch, &device))
        })
    }

    fn evaluation<B: Backend>(
        &self,
        split: Split,
        _batch_size: usize,
        _seed: u64,
        device: &B::Device,
    ) -> Result<impl Iterator<Item = Result<Numbers<B>>>> {
        let seed = match split {
            Split::Validation => 1_001,
            _ => 1_002,
        };
        let device = device.clone();
        Ok((0..5).map(move |step| Ok(self.at(0..self.0.streams, step, seed, &device))))
    }

    fn size(&self, split: Split) -> usize {
        match split {
            Split::Validation if !self.0.held_out => 0,
            Split::Logits => 0,
            _ => self.0.streams,
        }
    }

    fn examples<B: Backend>(&self, batch: &Numbers<B>) -> usize {
        batch.next.dims()[0]
    }

    fn loss<B: Backend>(
        &self,
        answer: &Tensor<B, 2>,
        batch: &Numbers<B>,
        _phase: Phase,
    ) -> Tensor<B, 1> {
        (answer.clone() - batch.sum.clone()).powi_scalar(2).mean()
    }

    fn sums<B: Backend>(
        &self,
        _answer: &Tensor<B, 2>,
        batch: &Numbers<B>,
        loss: Tensor<B, 1>,
    ) -> Tensor<B, 1> {
        let count = self.examples(batch) as f32;
        let device = loss.device();
        Tensor::cat(vec![loss * count, Tensor::from_floats([count], &device)], 0)
    }

    fn score(&self, sums: &[f64]) -> Score {
        let loss = sums[0] / sums[1];
        Score { loss, value: loss }
    }
}
