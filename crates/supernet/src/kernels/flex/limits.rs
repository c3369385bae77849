//! What the machine can do at the most, measured.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::kernels::profile::Limits;

/// Sums at once, so many that none waits for the one before it.
const SUMS: usize = 10;
const ROUNDS: usize = 20_000_000;
/// Values that a thread reads, more than caches hold.
const VALUES: usize = 1 << 25;
/// Measurements, of which the fastest counts: others have to do on the machine too.
const REPEATS: usize = 3;

pub(in crate::kernels) fn limits() -> Limits {
    let threads = rayon::current_num_threads();
    let fastest = |seconds: &dyn Fn() -> f64| {
        let all = (0..REPEATS).map(|_| seconds());
        all.fold(f64::INFINITY, f64::min)
    };
    let lanes = Arch::new().dispatch(Lanes);
    let multiplying = fastest(&|| timed(threads, |_| Arch::new().dispatch(MultiplyAdd)));
    let memory: Vec<Vec<f32>> = (0..threads)
        .into_par_iter()
        .map(|_| vec![1.0; VALUES])
        .collect();
    let reading = fastest(&|| timed(threads, |thread| Arch::new().dispatch(Sum(&memory[thread]))));
    Limits {
        flops: 2.0 * (SUMS * ROUNDS * lanes * threads) as f64 / multiplying,
        bytes: (size_of::<f32>() * VALUES * threads) as f64 / reading,
    }
}

/// Seconds until all threads have done the work.
fn timed(threads: usize, work: impl Fn(usize) -> f32 + Send + Sync) -> f64 {
    let begun = Instant::now();
    let values: Vec<f32> = (0..threads).into_par_iter().map(work).collect();
    let seconds = begun.elapsed().as_secs_f64();
    black_box(values);
    seconds
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> usize {
        S::F32_LANES
    }
}

struct MultiplyAdd;

impl WithSimd for MultiplyAdd {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (factor, term) = (
            simd.splat_f32s(black_box(0.5)),
            simd.splat_f32s(black_box(0.25)),
        );
        let mut sums = [simd.splat_f32s(1.0); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, term);
            }
        }
        sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum()
    }
}

struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (fours, _) = S::as_simd_f32s(self.0).0.as_chunks::<4>();
        let mut sums = [simd.splat_f32s(0.0); 4];
        for four in fours {
            for (sum, vector) in sums.iter_mut().zip(four) {
                *sum = simd.add_f32s(*sum, *vector);
            }
        }
        sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum()
    }
}
