//! Reductions over the units that share a row.
//!
//! Every unit of the cube takes part in each call, also those without a row, because all of them
//! meet at the same barriers.

use cubecl::prelude::*;

use super::{
    arithmetic::{LOWEST, Problem, RowScale, confine, unscaled},
    plan::Plan,
};
use crate::{Activation, activation::RELU_EPSILON};

/// The row that this unit works on, and its place in the team.
#[derive(CubeType, Clone, Copy)]
pub(crate) struct Place {
    /// Row of the problem; meaningless in a unit without one.
    pub(crate) row: u32,
    /// Position in the team, also the first block of operations of this unit.
    pub(crate) lane: u32,
    /// Blocks of operations in the row, 0 in a unit without a row.
    pub(crate) blocks: u32,
}

#[cube]
pub(crate) fn place(problem: &Problem, #[comptime] plan: Plan) -> Place {
    let rows_per_cube = comptime!(plan.rows_per_cube());
    let team = comptime!(plan.team);
    let row = CUBE_POS as u32 * rows_per_cube + UNIT_POS / team;
    let mut blocks = 0u32;
    if row < problem.rows {
        blocks = problem.ops.div_ceil(4);
    }
    Place {
        row,
        lane: UNIT_POS % team,
        blocks,
    }
}

/// Shared memory of a team, one slot per unit.
#[derive(CubeType, Clone, Copy)]
pub(crate) struct Board {
    values: SharedMemory<f32>,
    indices: SharedMemory<u32>,
}

#[cube]
pub(crate) fn board(#[comptime] plan: Plan) -> Board {
    Board {
        values: SharedMemory::<f32>::new(comptime!(plan.team as usize)),
        indices: SharedMemory::<u32>::new(comptime!(plan.team as usize)),
    }
}

/// Sum over the team, in an order that does not depend on timing.
#[cube]
pub(crate) fn sum(board: &mut Board, value: f32, #[comptime] plan: Plan) -> f32 {
    let mut result = value;
    if comptime!(plan.team > 1) {
        let position = UNIT_POS as usize;
        let lane = UNIT_POS % plan.team;
        sync_cube();
        board.values[position] = value;
        sync_cube();
        let mut stride = comptime!(plan.team / 2).runtime();
        while stride > 0 {
            if lane < stride {
                let other = board.values[position + stride as usize];
                board.values[position] += other;
            }
            sync_cube();
            stride /= 2;
        }
        result = board.values[position - lane as usize];
    }
    result
}

/// A value and the operation it belongs to.
#[derive(CubeType, Clone, Copy)]
pub(crate) struct Best {
    pub(crate) value: f32,
    pub(crate) op: u32,
}

/// The largest value over the team; of equal ones the first operation.
#[cube]
pub(crate) fn best(board: &mut Board, value: f32, op: u32, #[comptime] plan: Plan) -> Best {
    let mut result = Best { value, op };
    if comptime!(plan.team > 1) {
        let position = UNIT_POS as usize;
        let lane = UNIT_POS % plan.team;
        sync_cube();
        board.values[position] = value;
        board.indices[position] = op;
        sync_cube();
        let mut stride = comptime!(plan.team / 2).runtime();
        while stride > 0 {
            if lane < stride {
                let other = board.values[position + stride as usize];
                let other_op = board.indices[position + stride as usize];
                let own = board.values[position];
                let own_op = board.indices[position];
                if other > own || (other == own && other_op < own_op) {
                    board.values[position] = other;
                    board.indices[position] = other_op;
                }
            }
            sync_cube();
            stride /= 2;
        }
        result.value = board.values[position - lane as usize];
        result.op = board.indices[position - lane as usize];
    }
    result
}

/// What the probabilities of the row are made with.
#[cube]
pub(crate) fn row_scale(
    logits: &Array<f32>,
    problem: &Problem,
    place: &Place,
    board: &mut Board,
    #[comptime] plan: Plan,
) -> RowScale {
    let team = comptime!(plan.team);
    let start = place.row * problem.ops;
    let mut highest = 0.0f32;
    if comptime!(plan.activation == Activation::Softmax) {
        let mut own = f32::new(LOWEST);
        let mut block = place.lane;
        while block < place.blocks {
            #[unroll]
            for lane in 0..4u32 {
                let op = block * 4 + lane;
                if op < problem.ops {
                    own = max(own, confine(logits[(start + op) as usize]));
                }
            }
            block += team;
        }
        highest = best(board, own, 0u32, plan).value;
    }
    let mut own = 0.0f32;
    let mut block = place.lane;
    while block < place.blocks {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                own += unscaled(logits[(start + op) as usize], highest, plan.activation);
            }
        }
        block += team;
    }
    let mut total = sum(board, own, plan);
    if comptime!(plan.activation == Activation::Relu) {
        total += RELU_EPSILON;
    }
    RowScale { highest, total }
}
