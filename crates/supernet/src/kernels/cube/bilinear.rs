//! Bilinear resampling and its gradient, with one unit for each entry of what they write.

use cubecl::prelude::*;

use super::geometry::entry;

/// One axis of an image and of what it becomes: output `o` lies at
/// `max(o * step + ahead - behind, 0) / unit` among the inputs.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Places {
    inputs: usize,
    outputs: usize,
    step: usize,
    ahead: usize,
    behind: usize,
    unit: usize,
}

/// The place of an output, in parts of which `places.unit` make one input.
#[cube]
fn place(places: &Places, output: usize) -> usize {
    let ahead = output * places.step + places.ahead;
    let mut place = 0usize;
    if ahead > places.behind {
        place = ahead - places.behind;
    }
    place
}

/// How far behind its first input an output lies, between 0 and 1.
#[cube]
fn past_first(places: &Places, place: usize) -> f32 {
    f32::cast_from(place % places.unit) / f32::cast_from(places.unit)
}

/// The second input of an output: the first again where that is the last there is.
#[cube]
fn second(places: &Places, first: usize) -> usize {
    let mut second = first;
    if first + 1 < places.inputs {
        second = first + 1;
    }
    second
}

#[cube]
fn blend(first: f32, second: f32, share: f32) -> f32 {
    first * (1.0f32 - share) + second * share
}

/// `planes` planes of outputs.
#[cube(launch_unchecked)]
pub(super) fn forward_kernel<F: Float>(
    x: &Array<F>,
    y: &mut Array<F>,
    planes: usize,
    rows: &Places,
    columns: &Places,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes * rows.outputs * columns.outputs {
        let out = entry(position, rows.outputs, columns.outputs);
        let row = place(rows, out.row);
        let column = place(columns, out.column);
        let top = row / rows.unit;
        let left = column / columns.unit;
        let right = second(columns, left);
        let upper = (out.plane * rows.inputs + top) * columns.inputs;
        let lower = (out.plane * rows.inputs + second(rows, top)) * columns.inputs;
        let share = past_first(columns, column);
        let above = blend(
            f32::cast_from(x[upper + left]),
            f32::cast_from(x[upper + right]),
            share,
        );
        let below = blend(
            f32::cast_from(x[lower + left]),
            f32::cast_from(x[lower + right]),
            share,
        );
        y[position] = F::cast_from(blend(above, below, past_first(rows, row)));
    }
}

/// The first output that reads `input`: outputs lie in order, and those that read it less than one
/// input from it.
#[cube]
fn first_reader(places: &Places, input: usize) -> usize {
    let mut reader = 0usize;
    if input > 0 {
        let bound = (input - 1) * places.unit + places.behind;
        if bound >= places.ahead {
            reader = (bound - places.ahead) / places.step + 1;
        }
    }
    reader
}

/// Whether `output` is one that reads `input`, given that the first one does not come later.
#[cube]
fn reads(places: &Places, output: usize, input: usize) -> bool {
    output < places.outputs && place(places, output) < (input + 1) * places.unit
}

/// The share of `input` in `output`.
#[cube]
fn share(places: &Places, output: usize, input: usize) -> f32 {
    let place = place(places, output);
    let first = place / places.unit;
    let past = past_first(places, place);
    let mut share = 0.0f32;
    if first == input {
        share += 1.0f32 - past;
    }
    if second(places, first) == input {
        share += past;
    }
    share
}

/// `dx`, from the outputs that read each input, `planes` planes of them.
#[cube(launch_unchecked)]
pub(super) fn gradient_kernel<F: Float>(
    dy: &Array<F>,
    dx: &mut Array<F>,
    planes: usize,
    rows: &Places,
    columns: &Places,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes * rows.inputs * columns.inputs {
        let input = entry(position, rows.inputs, columns.inputs);
        let left = first_reader(columns, input.column);
        let mut total = 0.0f32;
        let mut row = first_reader(rows, input.row);
        while reads(rows, row, input.row) {
            let line = (input.plane * rows.outputs + row) * columns.outputs;
            let mut along = 0.0f32;
            let mut column = left;
            while reads(columns, column, input.column) {
                let upstream = f32::cast_from(dy[line + column]);
                along += share(columns, column, input.column) * upstream;
                column += 1;
            }
            total += share(rows, row, input.row) * along;
            row += 1;
        }
        dx[position] = F::cast_from(total);
    }
}
