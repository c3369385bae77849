//! Pools: the average is a depthwise convolution with ones and a division, the maximum
//! follows the same layout with padding that never wins.

use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    depthwise::{input_gradient, output_plane},
    extremes::{Maximum, Winner, Winners},
    geometry::Geometry,
    memory::{dims, fill_with, items_per_task, tensor, values},
    rows::Keep,
    stock::Kept,
    tiles::fill_rows,
};
use crate::kernels::PoolWindow;

fn geometry(input: [usize; 2], window: PoolWindow) -> Geometry {
    Geometry::new(input, [window.kernel; 2], window.options())
}

/// Which direction of which pool.
#[derive(Clone, Copy)]
enum Pass<'a> {
    Average { ones: &'a [f32], shares: &'a [f32] },
    AverageGradient { ones: &'a [f32], shares: &'a [f32] },
    Maximum,
    MaximumGradient { x: &'a [f32] },
}

pub(super) fn average(x: FlexTensor, window: PoolWindow) -> FlexTensor {
    let [.., height, width] = dims(&x);
    let geometry = geometry([height, width], window);
    let shares = window.shares(geometry.input());
    let ones = ones(window);
    let pass = Pass::Average {
        ones: &ones,
        shares: &shares,
    };
    run(&geometry, pass, x, geometry.output())
}

pub(super) fn average_backward(
    dy: FlexTensor,
    input: [usize; 2],
    window: PoolWindow,
) -> FlexTensor {
    let geometry = geometry(input, window);
    let shares = window.shares(geometry.input());
    let ones = ones(window);
    let pass = Pass::AverageGradient {
        ones: &ones,
        shares: &shares,
    };
    run(&geometry, pass, dy, input)
}

pub(super) fn maximum(x: FlexTensor, window: PoolWindow) -> FlexTensor {
    let [.., height, width] = dims(&x);
    let geometry = geometry([height, width], window);
    run(&geometry, Pass::Maximum, x, geometry.output())
}

pub(super) fn maximum_backward(x: FlexTensor, dy: FlexTensor, window: PoolWindow) -> FlexTensor {
    let x = x.to_contiguous();
    let [.., height, width] = dims(&x);
    let geometry = geometry([height, width], window);
    run(
        &geometry,
        Pass::MaximumGradient { x: values(&x) },
        dy,
        [height, width],
    )
}

/// The filter that adds up a window.
fn ones(window: PoolWindow) -> Vec<f32> {
    vec![1.0; window.kernel * window.kernel]
}

/// Runs `pass` from each plane of `source` to planes of `out_size`.
fn run(
    geometry: &Geometry,
    pass: Pass<'_>,
    source: FlexTensor,
    out_size: [usize; 2],
) -> FlexTensor {
    let source = source.to_contiguous();
    let [batch, channels, height, width] = dims(&source);
    let (plane, out_plane) = (height * width, out_size[0] * out_size[1]);
    let planes = batch * channels;
    let items = items_per_task(planes, geometry.taps.list.len() * plane.max(out_plane));
    let count = planes.div_ceil(items);
    let [out] = fill_with(
        [planes * out_plane],
        [items * out_plane],
        count,
        || Buffers::new(geometry, pass, plane),
        |buffers, task, [out]| {
            Arch::new().dispatch(Planes {
                geometry,
                pass,
                buffers,
                first: task * items,
                source: &values(&source)[task * items * plane..],
                plane,
                out,
                out_plane,
            });
        },
    );
    tensor(out, [batch, channels, out_size[0], out_size[1]])
}

/// What planes after each other share. What windows read between rows stays as it was made.
struct Buffers {
    inputs: Kept,
    gradients: Kept,
    winners: Kept,
    run: Kept,
    scaled: Kept,
}

impl Buffers {
    /// Those that the pass uses.
    fn new(geometry: &Geometry, pass: Pass<'_>, plane: usize) -> Self {
        let none = || Kept::filled(0.0, 0);
        let inputs = |filler| Kept::filled(filler, geometry.input_buffer_len());
        let gradients = |filler| Kept::filled(filler, geometry.gradient_buffer_len());
        let run = || Kept::filled(0.0, geometry.scratch_len());
        let mut buffers = Self {
            inputs: none(),
            gradients: none(),
            winners: none(),
            run: none(),
            scaled: none(),
        };
        match pass {
            Pass::Average { .. } => buffers.inputs = inputs(0.0),
            Pass::Maximum => buffers.inputs = inputs(f32::NEG_INFINITY),
            Pass::AverageGradient { .. } => {
                buffers.gradients = gradients(0.0);
                buffers.run = run();
                buffers.scaled = Kept::filled(0.0, plane);
            }
            Pass::MaximumGradient { .. } => {
                buffers.inputs = inputs(f32::NEG_INFINITY);
                buffers.gradients = gradients(0.0);
                buffers.winners = gradients(-1.0);
                buffers.run = run();
            }
        }
        buffers
    }
}

/// The planes of `out`, which holds zeros, from those of `source`; the first has number `first`.
struct Planes<'a> {
    geometry: &'a Geometry,
    pass: Pass<'a>,
    buffers: &'a mut Buffers,
    first: usize,
    source: &'a [f32],
    plane: usize,
    out: &'a mut [f32],
    out_plane: usize,
}

impl WithSimd for Planes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.geometry;
        let Buffers {
            inputs,
            gradients,
            winners,
            run,
            scaled,
        } = self.buffers;
        let planes = self.source.chunks_exact(self.plane);
        let outs = self.out.chunks_exact_mut(self.out_plane);
        for (index, (source, out)) in planes.zip(outs).enumerate() {
            match self.pass {
                Pass::Average { ones, shares } => {
                    geometry.spread_input(simd, source, inputs, Keep);
                    output_plane(simd, geometry, inputs, ones, out);
                    for (out, share) in out.iter_mut().zip(shares) {
                        *out *= share;
                    }
                }
                Pass::AverageGradient { ones, shares } => {
                    for ((scaled, dy), share) in scaled.iter_mut().zip(source).zip(shares) {
                        *scaled = dy * share;
                    }
                    geometry.spread_gradient(simd, scaled, gradients);
                    input_gradient(simd, geometry, gradients, ones, run, out);
                }
                Pass::Maximum => {
                    geometry.spread_input(simd, source, inputs, Keep);
                    let tile = Maximum {
                        source: inputs,
                        taps: &geometry.taps,
                    };
                    fill_rows(simd, &tile, geometry.outputs(out));
                }
                Pass::MaximumGradient { x } => {
                    let x = &x[(self.first + index) * self.out_plane..][..self.out_plane];
                    geometry.spread_input(simd, x, inputs, Keep);
                    let tile = Winner {
                        source: inputs,
                        taps: &geometry.taps,
                    };
                    fill_rows(simd, &tile, geometry.gradients(winners));
                    geometry.spread_gradient(simd, source, gradients);
                    let collect = Winners { gradients, winners };
                    geometry.fill_inputs(simd, &collect, run, out);
                }
            }
        }
    }
}
