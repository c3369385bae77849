//! Batch normalisation of `[rows, columns]`: sums run down the rows, vectors along them.

use burn::tensor::TensorMetadata;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::memory::{fill, tensor, values};

pub(super) fn forward(x: FlexTensor, eps: f64) -> (FlexTensor, FlexTensor, FlexTensor) {
    let x = x.to_contiguous();
    let [rows, columns] = x.shape().dims();
    let lens = [rows * columns, columns, columns];
    let [out, mean, variance] = fill(lens, lens, 1, |_, [out, mean, variance]| {
        Arch::new().dispatch(Normalise {
            x: values(&x),
            eps: eps as f32,
            out,
            mean,
            variance,
        });
    });
    (
        tensor(out, [rows, columns]),
        tensor(mean, [columns]),
        tensor(variance, [columns]),
    )
}

struct Normalise<'a> {
    x: &'a [f32],
    eps: f32,
    out: &'a mut [f32],
    mean: &'a mut [f32],
    variance: &'a mut [f32],
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let columns = self.mean.len();
        let share = columns as f32 / self.x.len() as f32;
        for row in self.x.chunks_exact(columns) {
            for (mean, x) in self.mean.iter_mut().zip(row) {
                *mean += x;
            }
        }
        for mean in self.mean.iter_mut() {
            *mean *= share;
        }
        let rows = self.x.chunks_exact(columns);
        for (out, row) in self.out.chunks_exact_mut(columns).zip(rows) {
            let inputs = row.iter().zip(self.mean.iter());
            let outputs = out.iter_mut().zip(self.variance.iter_mut());
            for ((out, variance), (x, mean)) in outputs.zip(inputs) {
                *out = x - mean;
                *variance += *out * *out;
            }
        }
        let mut scale = vec![0.0; columns];
        for (scale, variance) in scale.iter_mut().zip(self.variance.iter_mut()) {
            *variance *= share;
            *scale = 1.0 / (*variance + self.eps).sqrt();
        }
        for out in self.out.chunks_exact_mut(columns) {
            for (out, scale) in out.iter_mut().zip(&scale) {
                *out *= scale;
            }
        }
    }
}

/// `dx = (dy - mean(dy) - y * mean(dy * y)) / sqrt(variance + eps)`.
pub(super) fn backward(
    y: FlexTensor,
    variance: FlexTensor,
    dy: FlexTensor,
    eps: f64,
) -> FlexTensor {
    let (y, dy) = (y.to_contiguous(), dy.to_contiguous());
    let variance = variance.to_contiguous();
    let [rows, columns] = y.shape().dims();
    let lens = [rows * columns];
    let [dx] = fill(lens, lens, 1, |_, [dx]| {
        Arch::new().dispatch(Differentiate {
            y: values(&y),
            variance: values(&variance),
            dy: values(&dy),
            eps: eps as f32,
            dx,
        });
    });
    tensor(dx, [rows, columns])
}

struct Differentiate<'a> {
    y: &'a [f32],
    variance: &'a [f32],
    dy: &'a [f32],
    eps: f32,
    dx: &'a mut [f32],
}

impl WithSimd for Differentiate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let columns = self.variance.len();
        let share = columns as f32 / self.y.len() as f32;
        let (mut mean, mut product) = (vec![0.0; columns], vec![0.0; columns]);
        let pairs = || {
            self.y
                .chunks_exact(columns)
                .zip(self.dy.chunks_exact(columns))
        };
        for (y, dy) in pairs() {
            let sums = mean.iter_mut().zip(&mut product);
            for ((mean, product), (y, dy)) in sums.zip(y.iter().zip(dy)) {
                *mean += dy;
                *product += dy * y;
            }
        }
        let scale: Vec<f32> = self
            .variance
            .iter()
            .map(|variance| 1.0 / (variance + self.eps).sqrt())
            .collect();
        for (dx, (y, dy)) in self.dx.chunks_exact_mut(columns).zip(pairs()) {
            let sums = mean.iter().zip(&product).zip(&scale);
            let inputs = y.iter().zip(dy).zip(sums);
            for (dx, ((y, dy), ((mean, product), scale))) in dx.iter_mut().zip(inputs) {
                *dx = (dy - share * mean - y * share * product) * scale;
            }
        }
    }
}
