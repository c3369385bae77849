//! What tiles of the max pool compute.

use pulp::Simd;

use super::{
    geometry::{ReadTaps, Taps},
    lanes::{Source, select},
    tiles::{Rows, Tile, fill_rows},
};

/// `max over taps of source[tap.offset]`.
pub(super) struct Maximum<'a> {
    pub(super) source: &'a [f32],
    pub(super) taps: &'a Taps,
}

impl Tile for Maximum<'_> {
    const VECTORS: usize = 8;
    const WIDEST: usize = 4;

    #[inline(always)]
    fn compute<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        at: usize,
        pitch: usize,
    ) -> [[S::f32s; V]; R] {
        let source = Source::of_tile::<S, R, V>(self.source, at, self.taps.reach, pitch);
        let mut bests = [[simd.splat_f32s(f32::NEG_INFINITY); V]; R];
        for tap in &self.taps.list {
            for (row, bests) in bests.iter_mut().enumerate() {
                for (index, best) in bests.iter_mut().enumerate() {
                    let at = tap.offset + row * pitch + index * S::F32_LANES;
                    // SAFETY: no tap is offset by more than the last, nor row and vector by more than theirs.
                    let value = unsafe { source.vector::<S>(at) };
                    *best = simd.max_f32s(value, *best);
                }
            }
        }
        bests
    }
}

/// The `weight` of the first tap at which [`Maximum`] finds its maximum.
pub(super) struct Winner<'a> {
    pub(super) source: &'a [f32],
    pub(super) taps: &'a Taps,
}

impl Tile for Winner<'_> {
    const VECTORS: usize = 4;
    const WIDEST: usize = 4;

    #[inline(always)]
    fn compute<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        at: usize,
        pitch: usize,
    ) -> [[S::f32s; V]; R] {
        let source = Source::of_tile::<S, R, V>(self.source, at, self.taps.reach, pitch);
        let mut bests = [[simd.splat_f32s(f32::NEG_INFINITY); V]; R];
        let mut winners = [[simd.splat_f32s(-1.0); V]; R];
        for tap in &self.taps.list {
            let name = simd.splat_f32s(tap.weight as f32);
            for (row, (bests, winners)) in bests.iter_mut().zip(&mut winners).enumerate() {
                for (index, (best, winner)) in bests.iter_mut().zip(winners).enumerate() {
                    let at = tap.offset + row * pitch + index * S::F32_LANES;
                    // SAFETY: as above.
                    let value = unsafe { source.vector::<S>(at) };
                    let better = simd.greater_than_f32s(value, *best);
                    *best = simd.max_f32s(value, *best);
                    *winner = select(simd, better, name, *winner);
                }
            }
        }
        winners
    }
}

/// Gradients, and the tap that each belongs to.
pub(super) struct Winners<'a> {
    pub(super) gradients: &'a [f32],
    pub(super) winners: &'a [f32],
}

impl ReadTaps for Winners<'_> {
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, taps: &Taps, rows: Rows<'_>) {
        let tile = Collect {
            gradients: self.gradients,
            winners: self.winners,
            taps,
        };
        fill_rows(simd, &tile, rows);
    }
}

/// The sum of `gradients[tap.offset]` over the taps that won there.
struct Collect<'a> {
    gradients: &'a [f32],
    winners: &'a [f32],
    taps: &'a Taps,
}

impl Tile for Collect<'_> {
    const VECTORS: usize = 4;
    const WIDEST: usize = 4;

    #[inline(always)]
    fn compute<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        at: usize,
        pitch: usize,
    ) -> [[S::f32s; V]; R] {
        let reach = self.taps.reach;
        let gradients = Source::of_tile::<S, R, V>(self.gradients, at, reach, pitch);
        let winners = Source::of_tile::<S, R, V>(self.winners, at, reach, pitch);
        let zero = simd.splat_f32s(0.0);
        let mut sums = [[zero; V]; R];
        for tap in &self.taps.list {
            let name = simd.splat_f32s(tap.weight as f32);
            for (row, sums) in sums.iter_mut().enumerate() {
                for (index, sum) in sums.iter_mut().enumerate() {
                    let at = tap.offset + row * pitch + index * S::F32_LANES;
                    // SAFETY: no tap is offset by more than the last, nor row and vector by more than theirs.
                    let (gradient, winner) =
                        unsafe { (gradients.vector::<S>(at), winners.vector::<S>(at)) };
                    let won = simd.equal_f32s(winner, name);
                    *sum = simd.add_f32s(*sum, select(simd, won, gradient, zero));
                }
            }
        }
        sums
    }
}
