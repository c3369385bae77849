use cubecl::prelude::*;

use super::{
    arithmetic::{LOWEST, Problem, RowScale, exp, races, score},
    plan::Plan,
    team::{Best, Board, Place, best, board, place, row_scale, sum},
};
use crate::{Gradient, Mode, Normalization, normalization::SUM_EPSILON};

/// Codes, weights and routes of all rows, `[rows, ops]` each, in one launch.
///
/// Every unit reads and writes only the entries of its own blocks in the outputs, so the route can
/// be built up in place. `noise` and `weights` have one element where the plan does not use them.
#[cube(launch_unchecked)]
pub(crate) fn forward_kernel(
    logits: &Array<f32>,
    noise: &Array<f32>,
    code: &mut Array<f32>,
    weights: &mut Array<f32>,
    route: &mut Array<f32>,
    problem: &Problem,
    #[comptime] plan: Plan,
) {
    let mut board = board(plan);
    let place = place(problem, plan);
    let scale = row_scale(logits, problem, &place, &mut board, plan);
    match comptime!(plan.mode) {
        Mode::Hard => {
            pick(
                logits, noise, route, problem, &place, &scale, &mut board, plan,
            );
            write(code, weights, route, problem, &place, &mut board, plan);
        }
        Mode::Relaxed => {
            relax(
                logits, noise, code, route, problem, &place, &scale, &mut board, plan,
            );
        }
    }
}

/// Finds the winner of every draw.
#[cube]
fn pick(
    logits: &Array<f32>,
    noise: &Array<f32>,
    route: &mut Array<f32>,
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    board: &mut Board,
    #[comptime] plan: Plan,
) {
    let team = comptime!(plan.team);
    let start = place.row * problem.ops;
    let mut block = place.lane;
    while block < place.blocks {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                route[(start + op) as usize] = 0.0f32;
            }
        }
        block += team;
    }
    for draw in 0..problem.draws {
        let winner = winner(logits, noise, problem, place, scale, board, draw, plan);
        let owner = (winner.op / 4) % team;
        if owner == place.lane && place.blocks > 0 {
            let position = (start + winner.op) as usize;
            if comptime!(plan.gradient == Gradient::TiedDraws) {
                route[position] += 1.0f32;
            } else if route[position] == 0.0f32 {
                route[position] = f32::cast_from(draw + 1);
            }
        }
    }
}

/// The operation with the highest race of a draw.
#[cube]
pub(crate) fn winner(
    logits: &Array<f32>,
    noise: &Array<f32>,
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    board: &mut Board,
    draw: u32,
    #[comptime] plan: Plan,
) -> Best {
    let team = comptime!(plan.team);
    let mut own = f32::new(LOWEST);
    let mut own_op = 0u32;
    let mut block = place.lane;
    while block < place.blocks {
        let races = races(logits, noise, problem, scale, place.row, draw, block, plan);
        #[unroll]
        for lane in 0..4u32 {
            if races[lane as usize] > own {
                own = races[lane as usize];
                own_op = block * 4 + lane;
            }
        }
        block += team;
    }
    best(board, own, own_op, plan)
}

/// Makes code and weights from the route.
#[cube]
fn write(
    code: &mut Array<f32>,
    weights: &mut Array<f32>,
    route: &Array<f32>,
    problem: &Problem,
    place: &Place,
    board: &mut Board,
    #[comptime] plan: Plan,
) {
    let team = comptime!(plan.team);
    let start = place.row * problem.ops;
    let mut own = 0.0f32;
    let mut block = place.lane;
    while block < place.blocks {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                let mut on = 0.0f32;
                if route[(start + op) as usize] > 0.0f32 {
                    on = 1.0f32;
                }
                code[(start + op) as usize] = on;
                own += on;
            }
        }
        block += team;
    }
    if comptime!(plan.normalization == Normalization::Sum) {
        let size = sum(board, own, plan) + SUM_EPSILON;
        let mut block = place.lane;
        while block < place.blocks {
            #[unroll]
            for lane in 0..4u32 {
                let op = block * 4 + lane;
                if op < problem.ops {
                    weights[(start + op) as usize] = code[(start + op) as usize] / size;
                }
            }
            block += team;
        }
    }
}

/// The largest relaxed draw of every operation.
#[cube]
fn relax(
    logits: &Array<f32>,
    noise: &Array<f32>,
    code: &mut Array<f32>,
    route: &mut Array<f32>,
    problem: &Problem,
    place: &Place,
    scale: &RowScale,
    board: &mut Board,
    #[comptime] plan: Plan,
) {
    let team = comptime!(plan.team);
    let start = place.row * problem.ops;
    for draw in 0..problem.draws {
        let winner = winner(logits, noise, problem, place, scale, board, draw, plan);
        let highest = score(winner.value, plan);
        let mut own = 0.0f32;
        let mut block = place.lane;
        while block < place.blocks {
            let races = races(logits, noise, problem, scale, place.row, draw, block, plan);
            #[unroll]
            for lane in 0..4u32 {
                if block * 4 + lane < problem.ops {
                    let distance = score(races[lane as usize], plan) - highest;
                    own += exp(distance / problem.temperature);
                }
            }
            block += team;
        }
        let total = sum(board, own, plan);
        let mut block = place.lane;
        while block < place.blocks {
            let races = races(logits, noise, problem, scale, place.row, draw, block, plan);
            #[unroll]
            for lane in 0..4u32 {
                let op = block * 4 + lane;
                if op < problem.ops {
                    let distance = score(races[lane as usize], plan) - highest;
                    let y = exp(distance / problem.temperature) / total;
                    let position = (start + op) as usize;
                    if draw == 0 {
                        code[position] = y;
                        route[position] = 1.0f32;
                    } else if y > code[position] {
                        code[position] = y;
                        route[position] = f32::cast_from(draw + 1);
                    }
                }
            }
            block += team;
        }
    }
}
