use super::{
    Source, confine, for_rows, given_score, into_lanes, lane_position, races, rates, with_lanes,
};
use crate::{
    Activation, NoiseKey, Normalization, Spec,
    activation::{LOG_EPSILON, LOGIT_LIMIT},
    noise::gumbel::ln,
    normalization::SUM_EPSILON,
};

/// The gradient of the logits, `[rows, ops]`.
///
/// A draw is generated again only when it is the first that picked some operation, and then that
/// operation is its winner.
pub(crate) fn backward(
    logits: &[f32],
    ops: usize,
    source: Source,
    route: &[f32],
    upstream: &[f32],
    spec: Spec,
) -> Vec<f32> {
    let mut gradient = vec![0.0; logits.len()];
    let scratch = || Scratch {
        rates: vec![0.0; ops],
        lanes: vec![0.0; ops.next_multiple_of(32)],
        relaxed: vec![0.0; ops],
        upstream: vec![0.0; ops],
    };
    for_rows(
        &mut gradient,
        ops,
        spec.draws,
        scratch,
        |scratch, row, gradient| {
            let here = row * ops..(row + 1) * ops;
            let (logits, route) = (&logits[here.clone()], &route[here.clone()]);
            let total = rates(logits, spec.activation, &mut scratch.rates);
            code_gradient(
                route,
                &upstream[here],
                spec.normalization,
                &mut scratch.upstream,
            );
            match source {
                Source::Key(key) => with_lanes!(ops, L => {
                    seeded::<L>(key, row, route, spec, scratch, gradient)
                }),
                Source::Given(noise) => {
                    let noise = &noise[row * spec.draws * ops..(row + 1) * spec.draws * ops];
                    given(noise, route, spec, scratch, gradient);
                }
            }
            to_logits(logits, &scratch.rates, total, spec.activation, gradient);
        },
    );
    gradient
}

/// Memory of one task, `[ops]` each.
struct Scratch {
    rates: Vec<f32>,
    /// Rates, then relaxations, in lane order.
    lanes: Vec<f32>,
    relaxed: Vec<f32>,
    upstream: Vec<f32>,
}

/// The draws whose relaxation takes a gradient, each with its winner.
fn takers(route: &[f32]) -> impl Iterator<Item = (usize, usize)> {
    route
        .iter()
        .enumerate()
        .filter(|(_, route)| **route > 0.0)
        .map(|(op, route)| (*route as usize - 1, op))
}

fn seeded<const L: usize>(
    key: NoiseKey,
    row: usize,
    route: &[f32],
    spec: Spec,
    scratch: &mut Scratch,
    gradient: &mut [f32],
) {
    let words = key.words();
    let padded = route.len().next_multiple_of(4 * L);
    into_lanes::<L>(&scratch.rates, &mut scratch.lanes[..padded]);
    let mut relaxed = vec![0.0f32; padded];
    for (draw, winner) in takers(route) {
        races::<L>(
            key,
            words,
            row,
            draw,
            &scratch.lanes[..padded],
            |first, races| {
                for (to, from) in relaxed[first..].chunks_exact_mut(L).zip(races) {
                    to.copy_from_slice(from);
                }
            },
        );
        let highest = relaxed[lane_position::<L>(winner)];
        for (op, to) in scratch.relaxed.iter_mut().enumerate() {
            let race = relaxed[lane_position::<L>(op)];
            // At temperature 1 the relaxation is the share in the races.
            *to = match spec.temperature == 1.0 {
                true => race / highest,
                false => (ln(race / highest) / spec.temperature).exp(),
            };
        }
        add(draw, winner, route, spec.temperature, scratch, gradient);
    }
}

fn given(noise: &[f32], route: &[f32], spec: Spec, scratch: &mut Scratch, gradient: &mut [f32]) {
    let ops = route.len();
    for (draw, winner) in takers(route) {
        let noise = &noise[draw * ops..(draw + 1) * ops];
        let highest = given_score(scratch.rates[winner], noise[winner]);
        let entries = scratch.rates.iter().zip(noise);
        for (to, (&rate, &noise)) in scratch.relaxed.iter_mut().zip(entries) {
            *to = ((given_score(rate, noise) - highest) / spec.temperature).exp();
        }
        add(draw, winner, route, spec.temperature, scratch, gradient);
    }
}

/// Adds `y_k (w_k - sum_j w_j y_j) / tau` of one draw; `w` is the upstream of the operation that
/// goes to the draw, for the first draw also that of all operations that no draw picked.
fn add(
    draw: usize,
    winner: usize,
    route: &[f32],
    temperature: f32,
    scratch: &mut Scratch,
    gradient: &mut [f32],
) {
    let (relaxed, upstream) = (&mut scratch.relaxed, &scratch.upstream);
    let total: f32 = relaxed.iter().sum();
    for y in relaxed.iter_mut() {
        *y /= total;
    }
    let mut mean = upstream[winner] * relaxed[winner];
    if draw == 0 {
        for op in (0..route.len()).filter(|&op| route[op] == 0.0) {
            mean += upstream[op] * relaxed[op];
            gradient[op] += relaxed[op] * upstream[op] / temperature;
        }
    }
    for (gradient, y) in gradient.iter_mut().zip(relaxed.iter()) {
        *gradient -= y * mean / temperature;
    }
    gradient[winner] += relaxed[winner] * upstream[winner] / temperature;
}

/// From the gradient of the weights to that of the code.
fn code_gradient(
    route: &[f32],
    upstream: &[f32],
    normalization: Normalization,
    result: &mut [f32],
) {
    result.copy_from_slice(upstream);
    if normalization == Normalization::Sum {
        let on = || {
            route
                .iter()
                .zip(upstream)
                .filter(|(route, _)| **route > 0.0)
        };
        let sum = on().count() as f32 + SUM_EPSILON;
        let mean = on().map(|(_, upstream)| upstream).sum::<f32>() / sum;
        for value in result {
            *value = (*value - mean) / sum;
        }
    }
}

/// From the gradient of the scores to that of the logits, in place.
fn to_logits(
    logits: &[f32],
    rates: &[f32],
    total: f32,
    activation: Activation,
    gradient: &mut [f32],
) {
    let mut mean = 0.0;
    for (gradient, rate) in gradient.iter_mut().zip(rates) {
        *gradient /= rate;
        mean += (rate - LOG_EPSILON).max(0.0) * *gradient;
    }
    for ((gradient, &rate), &x) in gradient.iter_mut().zip(rates).zip(logits) {
        let centred = *gradient - mean;
        *gradient = match activation {
            _ if x.is_nan() || x.abs() > LOGIT_LIMIT => 0.0,
            Activation::Softmax => (rate - LOG_EPSILON).max(0.0) * centred,
            Activation::Relu if confine(x) > 0.0 => centred / total,
            Activation::Relu => 0.0,
        };
    }
}
