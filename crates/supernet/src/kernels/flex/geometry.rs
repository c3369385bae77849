//! Where the values of a plane lie while a window slides over it.
//!
//! A plane is copied once into a buffer in which every tap of the window reads at a constant
//! distance, so that the loops over outputs are plain vector loops without edges:
//!
//! - an axis of stride `s` is split into `s` *phases* (every `s`-th position), which turns the
//!   stride into 1;
//! - rows are `pitch` apart, with zeros between them, so all rows of a plane form one long run
//!   and small planes still fill whole vectors. What the run computes between rows is dropped;
//! - taps that only ever meet padding are left out.

use super::{
    axis::{Axis, Phase},
    rows::{map_every_second, map_row},
};
use crate::kernels::WindowOptions;

/// Room behind every buffer for the last vector of a run.
pub(super) const SLACK: usize = 16;

/// One tap of the window: where it reads relative to the run, and the index of its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub offset: usize,
    pub weight: usize,
}

/// The inputs of one pair of phases, as rows of a run in the gradient buffer.
#[derive(Debug)]
pub(super) struct PhasePlane {
    /// The taps that touch these inputs, reading the gradient buffer.
    pub taps: Vec<Tap>,
    rows: Phase,
    columns: Phase,
}

/// The layout for one plane size and window.
#[derive(Debug)]
pub(super) struct Geometry {
    rows: Axis,
    columns: Axis,
    pitch: usize,
    phase_len: usize,
    gradient_len: usize,
    gradient_start: usize,
    /// The taps reading the input buffer.
    pub taps: Vec<Tap>,
    /// Each pair of phases, for the gradient of the input.
    pub phases: Vec<PhasePlane>,
}

impl Geometry {
    /// The layout for planes of `input` `[height, width]` under a window of `kernel` taps.
    pub fn new(input: [usize; 2], kernel: [usize; 2], options: WindowOptions) -> Self {
        let output = options.output_size(input, kernel);
        let rows = Axis::new(input[0], output[0], kernel[0], 0, options);
        let columns = Axis::new(input[1], output[1], kernel[1], 1, options);
        let span = columns.span();
        // What a run reads past the end of a row must be the zeros that lead the next one.
        let pitch = span
            .end
            .max(columns.output + columns.last_offset() - span.start.min(columns.last_offset()))
            .max(columns.output + columns.lead());
        let run = rows.output * pitch;
        let last_offset = rows.last_offset() * pitch + columns.last_offset();
        let phase_len = (rows.span().end * pitch).max(run + last_offset) + SLACK;
        let gradient_rows = rows.output.max(rows.span().end) + rows.lead() + 1;
        let gradient_start = rows.lead() * pitch + columns.lead();
        let gradient_len = gradient_rows * pitch + columns.lead() + SLACK;
        let taps = window(&rows, &columns)
            .map(|(row, column)| {
                let phase = rows.phase(row) * columns.stride + columns.phase(column);
                Tap {
                    offset: phase * phase_len + rows.offset(row) * pitch + columns.offset(column),
                    weight: row * kernel[1] + column,
                }
            })
            .collect();
        let phases = (0..rows.stride * columns.stride)
            .map(|index| {
                let (row_phase, column_phase) = (index / columns.stride, index % columns.stride);
                let (kept_rows, kept_columns) =
                    (rows.phases[row_phase], columns.phases[column_phase]);
                let taps = window(&rows, &columns)
                    .filter(|_| kept_rows.count > 0 && kept_columns.count > 0)
                    .filter(|&(row, column)| {
                        rows.phase(row) == row_phase && columns.phase(column) == column_phase
                    })
                    .map(|(row, column)| Tap {
                        offset: (kept_rows.position + rows.lead() - rows.offset(row)) * pitch
                            + (kept_columns.position + columns.lead() - columns.offset(column)),
                        weight: row * kernel[1] + column,
                    })
                    .collect();
                PhasePlane {
                    taps,
                    rows: kept_rows,
                    columns: kept_columns,
                }
            })
            .collect();
        Self {
            rows,
            columns,
            pitch,
            phase_len,
            gradient_len,
            gradient_start,
            taps,
            phases,
        }
    }

    /// Number of input positions `[height, width]`.
    pub fn input(&self) -> [usize; 2] {
        [self.rows.input, self.columns.input]
    }

    /// Number of output positions `[height, width]`.
    pub fn output(&self) -> [usize; 2] {
        [self.rows.output, self.columns.output]
    }

    /// Length of the buffer [`spread_input`](Self::spread_input) fills.
    pub fn input_buffer_len(&self) -> usize {
        self.phase_len * self.rows.stride * self.columns.stride
    }

    /// Length of the buffer [`spread_gradient`](Self::spread_gradient) fills.
    pub fn gradient_buffer_len(&self) -> usize {
        self.gradient_len
    }

    /// Length of the longest run over outputs or inputs of a phase.
    pub fn run_buffer_len(&self) -> usize {
        self.rows.output.max(self.rows.span().end) * self.pitch + SLACK
    }

    /// Length of the run over all outputs.
    pub fn output_run(&self) -> usize {
        self.rows.output * self.pitch
    }

    /// Where the outputs begin in the gradient buffer.
    pub fn gradient_start(&self) -> usize {
        self.gradient_start
    }

    /// Length of the run over the inputs of a phase.
    pub fn phase_run(&self, phase: &PhasePlane) -> usize {
        if phase.columns.count == 0 {
            return 0;
        }
        phase.rows.count * self.pitch
    }

    /// Copies `map` of each input into `buffer`, whose other cells keep their values.
    #[inline(always)]
    pub fn spread_input(&self, plane: &[f32], buffer: &mut [f32], map: impl Fn(f32) -> f32) {
        let width = self.columns.input;
        for (row_phase, rows) in self.rows.phases.iter().enumerate() {
            for (column_phase, columns) in self.columns.phases.iter().enumerate() {
                if !(rows.read && columns.read) || columns.count == 0 {
                    continue;
                }
                let base = (row_phase * self.columns.stride + column_phase) * self.phase_len
                    + columns.position;
                for row in 0..rows.count {
                    let from = (rows.input + row * self.rows.stride) * width + columns.input;
                    let to = base + (rows.position + row) * self.pitch;
                    let kept = &mut buffer[to..to + columns.count];
                    match self.columns.stride {
                        1 => map_row(kept, &plane[from..], &map),
                        2 => map_every_second(kept, &plane[from..], &map),
                        stride => {
                            let values = plane[from..].iter().step_by(stride);
                            for (kept, value) in kept.iter_mut().zip(values) {
                                *kept = map(*value);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Copies a plane of outputs into `buffer`, whose other cells keep their values.
    #[inline(always)]
    pub fn spread_gradient(&self, plane: &[f32], buffer: &mut [f32]) {
        let start = self.gradient_start;
        for (row, values) in plane.chunks_exact(self.columns.output).enumerate() {
            let to = start + row * self.pitch;
            map_row(&mut buffer[to..to + values.len()], values, |value| value);
        }
    }

    /// Copies the run over all outputs into a plane of outputs.
    #[inline(always)]
    pub fn gather_output(&self, run: &[f32], plane: &mut [f32]) {
        for (row, values) in plane.chunks_exact_mut(self.columns.output).enumerate() {
            let from = row * self.pitch;
            map_row(values, &run[from..], |value| value);
        }
    }

    /// Copies the run over the inputs of `phase` into a plane of inputs.
    #[inline(always)]
    pub fn gather_phase(&self, phase: &PhasePlane, run: &[f32], plane: &mut [f32]) {
        let width = self.columns.input;
        let (rows, columns) = (phase.rows, phase.columns);
        if columns.count == 0 {
            return;
        }
        for row in 0..rows.count {
            let values = &run[row * self.pitch..][..columns.count];
            let to = (rows.input + row * self.rows.stride) * width + columns.input;
            if self.columns.stride == 1 {
                map_row(&mut plane[to..to + columns.count], values, |value| value);
            } else {
                let cells = plane[to..].iter_mut().step_by(self.columns.stride);
                for (cell, value) in cells.zip(values) {
                    *cell = *value;
                }
            }
        }
    }
}

fn window<'a>(rows: &'a Axis, columns: &'a Axis) -> impl Iterator<Item = (usize, usize)> + 'a {
    rows.taps
        .clone()
        .flat_map(|row| columns.taps.clone().map(move |column| (row, column)))
}
