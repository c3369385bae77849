//! Where the values of a plane lie while a window slides over it.
//!
//! A plane is copied once into a buffer in which every tap of the window reads at a constant
//! distance, so that the loops over outputs are plain vector loops without edges:
//!
//! - an axis of stride `s` is split into `s` *phases* (every `s`-th position), which turns the
//!   stride into 1;
//! - rows are `pitch` apart, with zeros between them that a window past the end of a row reads. All rows of a
//!   plane form one long run, too, for sums over it; what a run computes between rows is dropped;
//! - taps that only ever meet padding are left out.

use pulp::Simd;

use super::{
    axis::{Axis, Phase},
    rows::{
        Keep, RowMap, copy_every_second, copy_row, join_pairs, map_rows, rewrite_row, split_pairs,
    },
    tiles::Rows,
};
use crate::kernels::WindowOptions;

/// Room behind every buffer for the last vector of a run.
pub(super) const SLACK: usize = 16;

/// One tap of the window: where it reads relative to an output, and the index of its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub offset: usize,
    pub weight: usize,
}

/// Taps of a window.
#[derive(Debug)]
pub(super) struct Taps {
    pub list: Vec<Tap>,
    /// The largest offset.
    pub reach: usize,
    /// Whether they are as many rows as columns in their order, and how far both are apart.
    pub grid: Option<Grid>,
}

/// `side` rows and columns of taps, `dilation` rows and columns apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub side: usize,
    pub dilation: usize,
}

/// What is computed of what taps read. Not a closure, which would not be compiled for the vectors of `S` where
/// it is not inlined.
pub(super) trait ReadTaps {
    /// Fills `rows`.
    fn fill<S: Simd>(&self, simd: S, taps: &Taps, rows: Rows<'_>);
}

impl Taps {
    fn new(list: Vec<Tap>, pitch: usize) -> Self {
        let reach = list.iter().map(|tap| tap.offset).max().unwrap_or(0);
        let grid = [3, 5]
            .into_iter()
            .filter(|side| side * side == list.len())
            .map(|side| Grid {
                side,
                dilation: list[1].offset.saturating_sub(list[0].offset),
            })
            .find(|grid| {
                list.iter().enumerate().all(|(at, tap)| {
                    let (row, column) = (at / grid.side, at % grid.side);
                    tap.offset == list[0].offset + grid.dilation * (row * pitch + column)
                })
            });
        Self { list, reach, grid }
    }
}

/// The inputs of one pair of phases, as rows of a run in the gradient buffer.
#[derive(Debug)]
pub(super) struct PhasePlane {
    /// The taps that touch these inputs, reading the gradient buffer.
    pub taps: Taps,
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
    pub taps: Taps,
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
                let mut taps: Vec<Tap> = window(&rows, &columns)
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
                taps.sort_by_key(|tap| tap.offset);
                PhasePlane {
                    taps: Taps::new(taps, pitch),
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
            taps: Taps::new(taps, pitch),
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

    /// Length of the scratch space of [`fill_inputs`](Self::fill_inputs).
    pub fn scratch_len(&self) -> usize {
        self.run_buffer_len() * self.columns.stride.min(2)
    }

    /// Length of the longest run over outputs or inputs of a phase.
    fn run_buffer_len(&self) -> usize {
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
    pub fn spread_input<S: Simd>(
        &self,
        simd: S,
        plane: &[f32],
        buffer: &mut [f32],
        map: impl RowMap,
    ) {
        let stride = self.columns.stride;
        for (row_phase, rows) in self.rows.phases.iter().enumerate() {
            if !rows.read {
                continue;
            }
            let buffer = &mut buffer[row_phase * stride * self.phase_len..];
            if let Some(pair) = self.columns.pair() {
                self.spread_pair(simd, *rows, pair, plane, buffer, map);
                continue;
            }
            let buffers = buffer.chunks_mut(self.phase_len);
            for (columns, buffer) in self.columns.phases.iter().zip(buffers) {
                if columns.read && columns.count > 0 {
                    self.spread_phase(simd, [*rows, *columns], plane, buffer, map);
                }
            }
        }
    }

    /// [`spread_input`](Self::spread_input) of one phase of rows and columns.
    #[inline(always)]
    fn spread_phase<S: Simd>(
        &self,
        simd: S,
        [rows, columns]: [Phase; 2],
        plane: &[f32],
        buffer: &mut [f32],
        map: impl RowMap,
    ) {
        if self.columns.stride == 1 {
            let from = rows.input * self.columns.input + columns.input;
            let to = rows.position * self.pitch + columns.position;
            let pitches = [self.rows.stride * self.columns.input, self.pitch];
            if rows.count > 0 {
                map_rows(
                    simd,
                    [rows.count, columns.count],
                    &plane[from..],
                    &mut buffer[to..],
                    pitches,
                    map,
                );
            }
            return;
        }
        for row in 0..rows.count {
            let from = (rows.input + row * self.rows.stride) * self.columns.input + columns.input;
            let from = &plane[from..];
            let to = (rows.position + row) * self.pitch + columns.position;
            let to = &mut buffer[to..to + columns.count];
            match self.columns.stride {
                2 => {
                    copy_every_second(to, from);
                    rewrite_row(simd, to, map);
                }
                stride => {
                    for (to, value) in to.iter_mut().zip(from.iter().step_by(stride)) {
                        *to = *value;
                    }
                    rewrite_row(simd, to, map);
                }
            }
        }
    }

    /// [`spread_input`](Self::spread_input) of a phase of rows and both phases of the columns.
    #[inline(always)]
    fn spread_pair<S: Simd>(
        &self,
        simd: S,
        rows: Phase,
        pair: [usize; 2],
        plane: &[f32],
        buffer: &mut [f32],
        map: impl RowMap,
    ) {
        let [first, second] = pair.map(|phase| self.columns.phases[phase]);
        let (even, odd) = buffer.split_at_mut(self.phase_len);
        let (firsts, seconds) = match pair {
            [0, _] => (even, odd),
            _ => (odd, even),
        };
        for row in 0..rows.count {
            let from = (rows.input + row * self.rows.stride) * self.columns.input + first.input;
            let from = &plane[from..from + first.count + second.count];
            let to = (rows.position + row) * self.pitch;
            let firsts = &mut firsts[to + first.position..][..first.count];
            let seconds = &mut seconds[to + second.position..][..second.count];
            split_pairs(firsts, seconds, from);
            rewrite_row(simd, firsts, map);
            rewrite_row(simd, seconds, map);
        }
    }

    /// Copies a plane of outputs into `buffer`, whose other cells keep their values.
    #[inline(always)]
    pub fn spread_gradient<S: Simd>(&self, simd: S, plane: &[f32], buffer: &mut [f32]) {
        map_rows(
            simd,
            self.output(),
            plane,
            &mut buffer[self.gradient_start..],
            [self.columns.output, self.pitch],
            Keep,
        );
    }

    /// The rows of a plane of outputs.
    pub fn outputs<'a>(&self, plane: &'a mut [f32]) -> Rows<'a> {
        self.output_rows(plane, self.columns.output)
    }

    /// The rows of a plane of outputs in a buffer of gradients.
    pub fn gradients<'a>(&self, buffer: &'a mut [f32]) -> Rows<'a> {
        self.output_rows(&mut buffer[self.gradient_start..], self.pitch)
    }

    fn output_rows<'a>(&self, values: &'a mut [f32], pitch: usize) -> Rows<'a> {
        Rows {
            values,
            count: self.rows.output,
            width: self.columns.output,
            pitch,
            read_pitch: self.pitch,
        }
    }

    /// Writes a plane of inputs from a buffer of gradients; `run` is scratch space.
    #[inline(always)]
    pub fn fill_inputs<S: Simd>(
        &self,
        simd: S,
        read: &impl ReadTaps,
        run: &mut [f32],
        plane: &mut [f32],
    ) {
        let stride = self.columns.stride;
        for (row_phase, phases) in self.phases.chunks_exact(stride).enumerate() {
            let pair = self.columns.pair();
            for (column_phase, phase) in phases.iter().enumerate() {
                let (rows, columns) = (phase.rows, phase.columns);
                let start = rows.input * self.columns.input + columns.input;
                let (values, pitch) = if stride == 1 {
                    let values = plane.get_mut(start..).unwrap_or_default();
                    (values, self.rows.stride * self.columns.input)
                } else {
                    let start = pair.map_or(0, |_| column_phase * self.run_buffer_len());
                    (&mut run[start..], self.pitch)
                };
                let kept = Rows {
                    values,
                    count: rows.count,
                    width: columns.count,
                    pitch,
                    read_pitch: self.pitch,
                };
                read.fill(simd, &phase.taps, kept);
                if stride > 1 && pair.is_none() {
                    self.gather_phase(simd, phase, run, plane);
                }
            }
            if let Some(pair) = pair {
                self.join_phases(row_phase, pair, run, plane);
            }
        }
    }

    /// Copies the runs over the inputs of two phases of the columns into a plane of inputs.
    #[inline(always)]
    fn join_phases(&self, row_phase: usize, pair: [usize; 2], runs: &[f32], plane: &mut [f32]) {
        let rows = self.rows.phases[row_phase];
        let [first, second] = pair.map(|phase| self.columns.phases[phase]);
        let [firsts, seconds] = pair.map(|phase| &runs[phase * self.run_buffer_len()..]);
        for row in 0..rows.count {
            let to = (rows.input + row * self.rows.stride) * self.columns.input + first.input;
            let to = &mut plane[to..to + first.count + second.count];
            let from = row * self.pitch;
            join_pairs(
                &firsts[from..from + first.count],
                &seconds[from..from + second.count],
                to,
            );
        }
    }

    /// Copies the run over all outputs into a plane of outputs.
    #[inline(always)]
    pub fn gather_output<S: Simd>(&self, simd: S, run: &[f32], plane: &mut [f32]) {
        for (row, values) in plane.chunks_exact_mut(self.columns.output).enumerate() {
            copy_row(simd, values, &run[row * self.pitch..]);
        }
    }

    /// Copies the run over the inputs of `phase` into a plane of inputs.
    #[inline(always)]
    pub fn gather_phase<S: Simd>(
        &self,
        simd: S,
        phase: &PhasePlane,
        run: &[f32],
        plane: &mut [f32],
    ) {
        let width = self.columns.input;
        let (rows, columns) = (phase.rows, phase.columns);
        if columns.count == 0 {
            return;
        }
        for row in 0..rows.count {
            let values = &run[row * self.pitch..][..columns.count];
            let to = (rows.input + row * self.rows.stride) * width + columns.input;
            if self.columns.stride == 1 {
                copy_row(simd, &mut plane[to..to + columns.count], values);
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
