use cubecl::prelude::*;

use super::{
    arithmetic::{
        LOWEST, Problem, RowScale, exp, exponentials, inside, ln, probability, races, score,
    },
    forward::winner,
    plan::Plan,
    team::{Best, Board, Place, best, board, place, row_scale, sum},
};
use crate::{
    Activation, Gradient, Mode, Normalization,
    activation::{LOG_EPSILON, RELU_EPSILON},
    normalization::SUM_EPSILON,
};

/// The gradient of the logits, `[rows, ops]`, in one launch.
///
/// The noise of the draws is generated again, and only for draws that some entry's gradient goes
/// to. Every unit reads and writes only its own entries of `gradient`, which first holds the
/// gradient of the scores.
#[cube(launch_unchecked)]
pub(crate) fn backward_kernel(
    logits: &Array<f32>,
    noise: &Array<f32>,
    route: &Array<f32>,
    upstream: &Array<f32>,
    gradient: &mut Array<f32>,
    problem: &Problem,
    #[comptime] plan: Plan,
) {
    let mut board = board(plan);
    let place = place(problem, plan);
    let scale = row_scale(logits, problem, &place, &mut board, plan);
    let code = code_gradient(route, upstream, problem, &place, &mut board, plan);
    let team = comptime!(plan.team);
    let start = place.row * problem.ops;

    let mut block = place.lane;
    while block < place.blocks {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                gradient[(start + op) as usize] = 0.0f32;
            }
        }
        block += team;
    }
    if comptime!(plan.gradient != Gradient::Marginal) {
        for draw in 0..problem.draws {
            add_draw(
                logits, noise, route, upstream, gradient, problem, &place, &scale, &code,
                &mut board, draw, plan,
            );
        }
    }

    // From the scores, or from the inclusion probabilities, to the probabilities.
    let mut own = 0.0f32;
    let mut block = place.lane;
    while block < place.blocks {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                let position = (start + op) as usize;
                let p = probability(logits[position], &scale, plan.activation);
                let mut slope = gradient[position] / (p + LOG_EPSILON);
                if comptime!(plan.gradient == Gradient::Marginal) {
                    let upstream = (upstream[position] - code.mean) / code.size;
                    slope = upstream * inclusion_slope(p, problem.draws);
                }
                gradient[position] = slope;
                own += p * slope;
            }
        }
        block += team;
    }
    let mean = sum(&mut board, own, plan);

    // From the probabilities to the logits.
    let mut block = place.lane;
    while block < place.blocks {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                let position = (start + op) as usize;
                let x = logits[position];
                let centred = gradient[position] - mean;
                let mut result = 0.0f32;
                if inside(x) {
                    if comptime!(plan.activation == Activation::Softmax) {
                        result = probability(x, &scale, plan.activation) * centred;
                    } else if x > 0.0f32 {
                        result = centred / scale.total;
                    }
                }
                gradient[position] = result;
            }
        }
        block += team;
    }
}

/// What turns the gradient `v` of the weights into that of the code, `(v - mean) / size`.
#[derive(CubeType, Clone, Copy)]
struct CodeGradient {
    mean: f32,
    size: f32,
}

#[cube]
fn code_gradient(
    route: &Array<f32>,
    upstream: &Array<f32>,
    problem: &Problem,
    place: &Place,
    board: &mut Board,
    #[comptime] plan: Plan,
) -> CodeGradient {
    let mut mean = 0.0f32;
    let mut size = 1.0f32;
    if comptime!(plan.normalization == Normalization::Sum) {
        let team = comptime!(plan.team);
        let start = place.row * problem.ops;
        let mut own_size = 0.0f32;
        let mut own = 0.0f32;
        let mut block = place.lane;
        while block < place.blocks {
            #[unroll]
            for lane in 0..4u32 {
                let op = block * 4 + lane;
                if op < problem.ops && route[(start + op) as usize] > 0.0f32 {
                    own_size += 1.0f32;
                    own += upstream[(start + op) as usize];
                }
            }
            block += team;
        }
        size = sum(board, own_size, plan) + SUM_EPSILON;
        mean = sum(board, own, plan) / size;
    }
    CodeGradient { mean, size }
}

/// Derivative of `1 - (1 - p)^M`.
#[cube]
fn inclusion_slope(p: f32, draws: u32) -> f32 {
    let mut slope = 1.0f32;
    if draws > 1 {
        let missed = 1.0f32 - p;
        slope = 0.0f32;
        if missed > 0.0f32 {
            slope = f32::cast_from(draws) * exp(f32::cast_from(draws - 1) * ln(missed));
        }
    }
    slope
}

/// Adds the part of one draw to the gradient of the scores.
#[cube]
fn add_draw(
    logits: &Array<f32>,
    noise: &Array<f32>,
    route: &Array<f32>,
    upstream: &Array<f32>,
    gradient: &mut Array<f32>,
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    code: &CodeGradient,
    board: &mut Board,
    draw: u32,
    #[comptime] plan: Plan,
) {
    // All units of a cube must meet at the same barriers, so a row that has nothing to do for this
    // draw goes through it with no blocks.
    let mut blocks = place.blocks;
    let mut top_value = 0.0f32;
    let mut top = 0u32;
    let routed = comptime!(plan.mode == Mode::Hard && plan.gradient != Gradient::TiedDraws);
    if comptime!(routed || plan.mode == Mode::Relaxed) {
        let taker = taker(route, problem, place, board, draw, plan);
        top = taker.op;
        if draw > 0 && taker.value < 0.0f32 {
            blocks = 0u32;
        }
    }
    let here = Place {
        row: place.row,
        lane: place.lane,
        blocks,
    };
    if comptime!(!routed) {
        let winner = winner(logits, noise, problem, &here, scale, board, draw, plan);
        top_value = winner.value;
        top = winner.op;
    }
    match comptime!(plan.gradient) {
        Gradient::GumbelRao { resamples } => {
            for round in 1..comptime!(resamples + 1) {
                let word = draw + problem.draws * round;
                let fastest = winner_time(problem, &here, scale, top, word, plan);
                add_relaxed(
                    logits,
                    noise,
                    route,
                    upstream,
                    gradient,
                    problem,
                    &here,
                    scale,
                    code,
                    board,
                    draw,
                    word,
                    top,
                    -ln(fastest),
                    fastest,
                    plan,
                );
            }
        }
        _ => {
            let mut highest = top_value;
            if comptime!(routed) {
                highest = race_of(logits, noise, problem, &here, scale, draw, top, plan);
            }
            add_relaxed(
                logits,
                noise,
                route,
                upstream,
                gradient,
                problem,
                &here,
                scale,
                code,
                board,
                draw,
                draw,
                top,
                score(highest, plan),
                0.0f32,
                plan,
            );
        }
    }
}

/// An operation whose gradient goes to a draw; in the hard mode, the winner of the draw. The value
/// is negative when there is none.
#[cube]
fn taker(
    route: &Array<f32>,
    problem: &Problem,
    place: &Place,
    board: &mut Board,
    draw: u32,
    #[comptime] plan: Plan,
) -> Best {
    let start = place.row * problem.ops;
    let mut own = f32::new(LOWEST);
    let mut own_op = 0u32;
    let mut block = place.lane;
    while block < place.blocks {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops && route[(start + op) as usize] == f32::cast_from(draw + 1) {
                own = 1.0f32;
                own_op = op;
            }
        }
        block += comptime!(plan.team);
    }
    best(board, own, own_op, plan)
}

/// The race of one operation.
#[cube]
fn race_of(
    logits: &Array<f32>,
    noise: &Array<f32>,
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    draw: u32,
    op: u32,
    #[comptime] plan: Plan,
) -> f32 {
    let mut race = 1.0f32;
    if place.blocks > 0 {
        let races = races(logits, noise, problem, scale, place.row, draw, op / 4, plan);
        #[unroll]
        for lane in 0..4u32 {
            if op % 4 == lane {
                race = races[lane as usize];
            }
        }
    }
    race
}

/// Resampled arrival time of the winner: exponential, with the sum of all rates `p + eps`.
#[cube]
fn winner_time(
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    op: u32,
    word: u32,
    #[comptime] plan: Plan,
) -> f32 {
    let mut rate = 1.0f32;
    if comptime!(plan.activation == Activation::Relu) {
        rate = (scale.total - RELU_EPSILON) / scale.total;
    }
    rate += f32::cast_from(problem.ops) * LOG_EPSILON;
    let fresh = exponentials(problem, place.row, word, op / 4);
    let mut time = 1.0f32;
    #[unroll]
    for lane in 0..4u32 {
        if op % 4 == lane {
            time = fresh[lane as usize] / rate;
        }
    }
    time
}

/// Scores of a block, as sampled or resampled given the winner `top`.
#[cube]
fn scores(
    logits: &Array<f32>,
    noise: &Array<f32>,
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    word: u32,
    block: u32,
    top: u32,
    fastest: f32,
    #[comptime] plan: Plan,
) -> Array<f32> {
    let mut scores = Array::<f32>::new(4usize);
    match comptime!(plan.gradient) {
        Gradient::GumbelRao { .. } => {
            let fresh = exponentials(problem, place.row, word, block);
            #[unroll]
            for lane in 0..4u32 {
                let op = block * 4 + lane;
                let mut time = fastest;
                if op < problem.ops && op != top {
                    let x = logits[(place.row * problem.ops + op) as usize];
                    let p = probability(x, scale, plan.activation);
                    time += fresh[lane as usize] / (p + LOG_EPSILON);
                }
                scores[lane as usize] = -ln(time);
            }
        }
        _ => {
            let races = races(logits, noise, problem, scale, place.row, word, block, plan);
            #[unroll]
            for lane in 0..4u32 {
                let mut value = 0.0f32;
                if block * 4 + lane < problem.ops {
                    value = score(races[lane as usize], plan);
                }
                scores[lane as usize] = value;
            }
        }
    }
    scores
}

/// The part of an entry's gradient that goes to a draw.
#[cube]
fn share(
    route: f32,
    upstream: f32,
    op: u32,
    top: u32,
    draw: u32,
    draws: u32,
    #[comptime] plan: Plan,
) -> f32 {
    let mut part = 0.0f32;
    if comptime!(plan.gradient == Gradient::TiedDraws) {
        if route == 0.0f32 {
            part = upstream / f32::cast_from(draws);
        } else if op == top {
            part = upstream / route;
        }
    } else if max(route, 1.0f32) == f32::cast_from(draw + 1) {
        part = upstream;
    }
    part
}

/// Adds `y_k (w_k - sum_j w_j y_j) / tau` for the relaxed draw `y`, divided by the number of
/// resamples.
#[cube]
fn add_relaxed(
    logits: &Array<f32>,
    noise: &Array<f32>,
    route: &Array<f32>,
    upstream: &Array<f32>,
    gradient: &mut Array<f32>,
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    code: &CodeGradient,
    board: &mut Board,
    draw: u32,
    word: u32,
    top: u32,
    highest: f32,
    fastest: f32,
    #[comptime] plan: Plan,
) {
    let team = comptime!(plan.team);
    let start = place.row * problem.ops;
    let mut own_total = 0.0f32;
    let mut own_mean = 0.0f32;
    let mut block = place.lane;
    while block < place.blocks {
        let scores = scores(
            logits, noise, problem, place, scale, word, block, top, fastest, plan,
        );
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                let position = (start + op) as usize;
                let e = exp((scores[lane as usize] - highest) / problem.temperature);
                let v = (upstream[position] - code.mean) / code.size;
                own_total += e;
                own_mean += e * share(route[position], v, op, top, draw, problem.draws, plan);
            }
        }
        block += team;
    }
    let total = sum(board, own_total, plan);
    let mean = sum(board, own_mean, plan) / total;
    let mut block = place.lane;
    while block < place.blocks {
        let scores = scores(
            logits, noise, problem, place, scale, word, block, top, fastest, plan,
        );
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                let position = (start + op) as usize;
                let y = exp((scores[lane as usize] - highest) / problem.temperature) / total;
                let v = (upstream[position] - code.mean) / code.size;
                let w = share(route[position], v, op, top, draw, problem.draws, plan);
                let rounds = comptime!(match plan.gradient {
                    Gradient::GumbelRao { resamples } => resamples as f32,
                    _ => 1.0,
                });
                gradient[position] += y * (w - mean) / problem.temperature / rounds;
            }
        }
        block += team;
    }
}
