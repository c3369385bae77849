//! Products of matrices, which may lie in memory by rows or by columns.
//!
//! Each value is a sum over blocks of inputs in their order, one multiply-add after the other within a block:
//! it does not depend on the number of threads, nor on how many lanes vectors have.

use burn::tensor::TensorMetadata;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::lanes::{store, vectors};
use super::memory::{fill, for_each_with, is_small, items_per_task, tensor, values};
use super::rows::copy_row;
use super::stock::Kept;

/// Inputs whose products are added up at once: so many rows of a panel stay in the first cache.
const BLOCK: usize = 256;
/// Rows and columns of the output that a task computes. Every task packs its own columns of the right matrix.
const TASK_ROWS: usize = 384;
const TASK_COLUMNS: usize = 96;

/// Rows from which on it pays to copy the right matrix to panels first.
const PACKED_ROWS: usize = 8;

/// `left * right + bias` for `[rows, inputs]`, `[inputs, columns]` and `[columns]`.
pub(super) fn product(left: FlexTensor, right: FlexTensor, bias: Option<FlexTensor>) -> FlexTensor {
    let [rows, inputs] = left.shape().dims();
    let [_, columns] = right.shape().dims();
    let (left, right) = (in_order(left), in_order(right));
    let bias = bias.map(|bias| bias.to_contiguous());
    let product = Product {
        left: Matrix::new(&left),
        right: Matrix::new(&right),
        bias: bias.as_ref().map(values),
        inputs,
    };
    let [task_rows, task_columns] = if is_small(rows * inputs * columns) {
        [rows, columns]
    } else {
        [TASK_ROWS, TASK_COLUMNS]
    };
    let mut out = vec![0.0; rows * columns];
    let mut tasks = Vec::new();
    for (row, out) in out.chunks_mut(task_rows * columns).enumerate() {
        let first = tasks.len();
        tasks.extend((0..columns).step_by(task_columns).map(|column| Task {
            at: [row * task_rows, column],
            out: Vec::with_capacity(task_rows),
        }));
        for out in out.chunks_mut(columns) {
            for (task, out) in tasks[first..].iter_mut().zip(out.chunks_mut(task_columns)) {
                task.out.push(out);
            }
        }
    }
    for_each_with(
        tasks,
        || Kept::with_room(0),
        |panels, task| {
            Arch::new().dispatch(Run {
                product: &product,
                panels,
                task,
            });
        },
    );
    tensor(out, [rows, columns])
}

/// The rows added up in their order.
pub(super) fn sum_rows(x: FlexTensor) -> FlexTensor {
    let x = x.to_contiguous();
    let [rows, columns] = x.shape().dims();
    let size = columns.div_ceil(columns.div_ceil(items_per_task(columns, rows)));
    let tasks = columns.div_ceil(size);
    let [sums] = fill([columns], [size], tasks, |task, [sums]| {
        for row in values(&x).chunks_exact(columns) {
            for (sum, value) in sums.iter_mut().zip(&row[task * size..]) {
                *sum += value;
            }
        }
    });
    tensor(sums, [columns])
}

/// The same matrix, with one of its axes contiguous.
fn in_order(matrix: FlexTensor) -> FlexTensor {
    match *matrix.layout().strides() {
        [pitch, 1] | [1, pitch] if pitch > 0 => matrix,
        _ => matrix.to_contiguous(),
    }
}

/// How a matrix lies in memory.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// Values of a row are next to each other.
    Rows,
    /// Those of a column are.
    Columns,
}

#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    order: Order,
    /// From a row, or a column, to the next.
    pitch: usize,
}

impl<'a> Matrix<'a> {
    fn new(matrix: &'a FlexTensor) -> Self {
        let layout = matrix.layout();
        let (order, pitch) = match *layout.strides() {
            [pitch, 1] => (Order::Rows, pitch),
            [_, pitch] => (Order::Columns, pitch),
            _ => (Order::Rows, 1),
        };
        Self {
            values: &values(matrix)[layout.start_offset()..],
            order,
            pitch: pitch.unsigned_abs(),
        }
    }
}

struct Product<'a> {
    left: Matrix<'a>,
    right: Matrix<'a>,
    bias: Option<&'a [f32]>,
    inputs: usize,
}

/// Part of the output from a row and a column on, row by row.
struct Task<'a> {
    at: [usize; 2],
    out: Vec<&'a mut [f32]>,
}

struct Run<'a> {
    product: &'a Product<'a>,
    panels: &'a mut Vec<f32>,
    task: Task<'a>,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as keep the multipliers busy. Of rows that are far from each other in memory fewer are
        // read at once, or their addresses take more time than the products.
        match self.product.left.order {
            Order::Rows => self.compute::<S, 4, 3>(simd),
            Order::Columns => self.compute::<S, 6, 2>(simd),
        }
    }
}

impl Run<'_> {
    /// Computes the task in blocks of `R` rows and `V` vectors.
    #[inline(always)]
    fn compute<S: Simd, const R: usize, const V: usize>(self, simd: S) {
        let Self {
            product,
            panels,
            mut task,
        } = self;
        let width = V * S::F32_LANES;
        let [top, left] = task.at;
        let columns = task.out.first().map_or(0, |row| row.len());
        if let Some(bias) = product.bias {
            for out in &mut task.out {
                out.copy_from_slice(&bias[left..][..columns]);
            }
        }
        let direct = if task.out.len() < PACKED_ROWS && product.right.order == Order::Rows {
            columns - columns % (4 * S::F32_LANES)
        } else {
            0
        };
        for input in (0..product.inputs).step_by(BLOCK) {
            let inputs = BLOCK.min(product.inputs - input);
            for column in (0..direct).step_by(4 * S::F32_LANES) {
                let Matrix { values, pitch, .. } = product.right;
                for (row, out) in task.out.chunks_mut(1).enumerate() {
                    let block = Block {
                        left: product.left,
                        at: [top + row, input],
                        inputs,
                        columns: [column, 4 * S::F32_LANES],
                    };
                    let right = &values[input * pitch + left + column..];
                    let right = (0..inputs).map(|index| &right[index * pitch..]);
                    block.add_vectors::<S, 1, 4>(simd, right, out);
                }
            }
            let packed = columns - direct;
            panels.resize(inputs * packed.next_multiple_of(width), 0.0);
            product.pack(
                simd,
                [input, left + direct],
                [inputs, packed],
                width,
                panels,
            );
            let panels = panels.chunks_exact(inputs * width);
            for (panel, column) in panels.zip((direct..columns).step_by(width)) {
                let used = width.min(columns - column);
                let mut row = 0;
                while row < task.out.len() {
                    let block = Block {
                        left: product.left,
                        at: [top + row, input],
                        inputs,
                        columns: [column, used],
                    };
                    let out = &mut task.out[row..];
                    let panel = panel.chunks_exact(width);
                    row += match out.len() {
                        rows if rows >= R => block.add::<S, R, V>(simd, panel, out),
                        2.. => block.add::<S, 2, V>(simd, panel, out),
                        _ => block.add::<S, 1, V>(simd, panel, out),
                    };
                }
            }
        }
    }
}

impl Product<'_> {
    /// Copies inputs and columns of the right matrix, so many of each, to panels of `width` columns.
    #[inline(always)]
    fn pack<S: Simd>(
        &self,
        simd: S,
        [input, column]: [usize; 2],
        [inputs, columns]: [usize; 2],
        width: usize,
        panels: &mut [f32],
    ) {
        let Matrix {
            values,
            order,
            pitch,
        } = self.right;
        match order {
            Order::Rows => {
                for index in 0..inputs {
                    let row = &values[(input + index) * pitch + column..][..columns];
                    let panels = panels.chunks_exact_mut(inputs * width);
                    for (row, panel) in row.chunks(width).zip(panels) {
                        copy_row(simd, &mut panel[index * width..][..row.len()], row);
                    }
                }
            }
            Order::Columns => {
                for index in 0..columns {
                    let column = &values[(column + index) * pitch + input..][..inputs];
                    let panel = &mut panels[index / width * width * inputs..];
                    let places = panel.iter_mut().skip(index % width).step_by(width);
                    for (place, value) in places.zip(column) {
                        *place = *value;
                    }
                }
            }
        }
    }
}

/// Rows of the left matrix from a row and an input on, `inputs` of them. The columns of the right one begin in the
/// task at the first of two numbers and are as many as the second.
struct Block<'a> {
    left: Matrix<'a>,
    at: [usize; 2],
    inputs: usize,
    columns: [usize; 2],
}

impl Block<'_> {
    /// Adds the products of `R` rows with all columns, at most `V` vectors of them; returns `R`.
    #[inline(always)]
    fn add<'a, S: Simd, const R: usize, const V: usize>(
        self,
        simd: S,
        right: impl Iterator<Item = &'a [f32]>,
        out: &mut [&mut [f32]],
    ) -> usize {
        match self.columns[1].div_ceil(S::F32_LANES) {
            1 => self.add_vectors::<S, R, 1>(simd, right, out),
            2 => self.add_vectors::<S, R, 2>(simd, right, out),
            _ => self.add_vectors::<S, R, V>(simd, right, out),
        }
        R
    }

    /// Of `right`, the rows of the right matrix, the first `V` vectors are read.
    #[inline(always)]
    fn add_vectors<'a, S: Simd, const R: usize, const V: usize>(
        self,
        simd: S,
        right: impl Iterator<Item = &'a [f32]>,
        out: &mut [&mut [f32]],
    ) {
        let Matrix {
            values,
            order,
            pitch,
        } = self.left;
        let [row, input] = self.at;
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        match order {
            Order::Rows => {
                let mut rows: [&[f32]; R] = [&[]; R];
                for (index, values_of) in rows.iter_mut().enumerate() {
                    *values_of = &values[(row + index) * pitch + input..][..self.inputs];
                }
                for (index, right) in right.enumerate() {
                    let vectors = vectors::<S, V>(right);
                    for (sums, row) in sums.iter_mut().zip(rows) {
                        let factor = simd.splat_f32s(row[index]);
                        for (sum, vector) in sums.iter_mut().zip(vectors) {
                            *sum = simd.mul_add_e_f32s(*vector, factor, *sum);
                        }
                    }
                }
            }
            Order::Columns => {
                for (index, right) in right.enumerate() {
                    let vectors = vectors::<S, V>(right);
                    let factors = &values[(input + index) * pitch + row..][..R];
                    for (sums, factor) in sums.iter_mut().zip(factors) {
                        let factor = simd.splat_f32s(*factor);
                        for (sum, vector) in sums.iter_mut().zip(vectors) {
                            *sum = simd.mul_add_e_f32s(*vector, factor, *sum);
                        }
                    }
                }
            }
        }
        let [column, used] = self.columns;
        for (out, sums) in out.iter_mut().zip(sums) {
            let out = out[column..][..used].chunks_mut(S::F32_LANES);
            for (out, sum) in out.zip(sums) {
                if out.len() == S::F32_LANES {
                    let before = vectors::<S, 1>(out)[0];
                    store::<S>(out, 0, simd.add_f32s(before, sum));
                } else {
                    let before = simd.partial_load_f32s(out);
                    simd.partial_store_f32s(out, simd.add_f32s(before, sum));
                }
            }
        }
    }
}
