use super::{Source, for_rows, given_score, into_lanes, races, rates, with_lanes};
use crate::{NoiseKey, Spec};

/// The route `[rows, ops]`: one plus the first draw that picked the operation, or 0.
pub(crate) fn forward(logits: &[f32], ops: usize, source: Source, spec: Spec) -> Vec<f32> {
    let mut route = vec![0.0; logits.len()];
    let row_logits = |row: usize| &logits[row * ops..(row + 1) * ops];
    match source {
        Source::Key(key) => with_lanes!(ops, L => {
            let scratch = || (vec![0.0; ops], vec![0.0; ops.next_multiple_of(4 * L)]);
            for_rows(&mut route, ops, spec.draws, scratch, |(plain, lanes), row, route| {
                rates(row_logits(row), spec.activation, plain);
                into_lanes::<L>(plain, lanes);
                pick::<L>(key, row, spec.draws, lanes, route);
            });
        }),
        Source::Given(noise) => {
            let scratch = || vec![0.0; ops];
            for_rows(&mut route, ops, spec.draws, scratch, |plain, row, route| {
                rates(row_logits(row), spec.activation, plain);
                for draw in 0..spec.draws {
                    let noise = &noise[(row * spec.draws + draw) * ops..][..ops];
                    let mut best = (f32::NEG_INFINITY, 0);
                    for (op, (&rate, &noise)) in plain.iter().zip(noise).enumerate() {
                        let score = given_score(rate, noise);
                        if score > best.0 {
                            best = (score, op);
                        }
                    }
                    mark(route, best.1, draw);
                }
            });
        }
    }
    route
}

/// Routes of one row of seeded noise, rates in lane order.
#[inline(always)]
fn pick<const L: usize>(key: NoiseKey, row: usize, draws: usize, lanes: &[f32], route: &mut [f32]) {
    let words = key.words();
    for draw in 0..draws {
        // The best of every position in a piece; within a position the first piece wins ties.
        let mut best = [[0.0f32; L]; 4];
        let mut at = [[0u32; L]; 4];
        races::<L>(key, words, row, draw, lanes, |first_op, races| {
            for word in 0..4 {
                for lane in 0..L {
                    let better = races[word][lane] > best[word][lane];
                    best[word][lane] = if better {
                        races[word][lane]
                    } else {
                        best[word][lane]
                    };
                    at[word][lane] = if better {
                        first_op as u32
                    } else {
                        at[word][lane]
                    };
                }
            }
        });
        let mut winner = (0.0, 0);
        for lane in 0..L {
            for word in 0..4 {
                let op = at[word][lane] as usize + 4 * lane + word;
                let race = best[word][lane];
                if race > winner.0 || (race == winner.0 && op < winner.1) {
                    winner = (race, op);
                }
            }
        }
        mark(route, winner.1, draw);
    }
}

fn mark(route: &mut [f32], op: usize, draw: usize) {
    if route[op] == 0.0 {
        route[op] = (draw + 1) as f32;
    }
}
