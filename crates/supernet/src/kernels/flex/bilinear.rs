//! Bilinear resampling: every row is resampled once, and outputs are sums of two such rows.

use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::memory::{dims, fill, items_per_task, tensor, values};
use crate::kernels::{
    Corners,
    bilinear::{Blend, Scale},
};

/// What rows and columns are made of.
struct Blends {
    rows: Vec<Blend>,
    columns: Vec<Blend>,
    input: [usize; 2],
}

impl Blends {
    fn new(input: [usize; 2], output: [usize; 2], corners: Corners) -> Self {
        let [rows, columns] = Scale::of_image(input, output, corners).map(|scale| scale.blends());
        Self {
            rows,
            columns,
            input,
        }
    }

    fn output(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    /// Values of a resampled row for each row of the image.
    fn lines(&self) -> usize {
        self.input[0] * self.columns.len()
    }
}

pub(super) fn forward(x: FlexTensor, size: [usize; 2], corners: Corners) -> FlexTensor {
    let x = x.to_contiguous();
    let [.., height, width] = dims(&x);
    let blends = Blends::new([height, width], size, corners);
    planes(&x, &blends, size, |source, out| {
        Arch::new().dispatch(Forward {
            blends: &blends,
            source,
            out,
        });
    })
}

pub(super) fn backward(dy: FlexTensor, input: [usize; 2], corners: Corners) -> FlexTensor {
    let dy = dy.to_contiguous();
    let [.., out_h, out_w] = dims(&dy);
    let blends = Blends::new(input, [out_h, out_w], corners);
    planes(&dy, &blends, input, |dy, dx| {
        Arch::new().dispatch(Backward {
            blends: &blends,
            dy,
            dx,
        });
    })
}

/// A tensor with planes of `[height, width]`. A task is given the source from its first plane on, and
/// its own planes, which hold zeros.
fn planes(
    source: &FlexTensor,
    blends: &Blends,
    [height, width]: [usize; 2],
    task: impl Fn(&[f32], &mut [f32]) + Sync,
) -> FlexTensor {
    let [batch, channels, source_h, source_w] = dims(source);
    let (source_plane, plane) = (source_h * source_w, height * width);
    let count = batch * channels;
    let outputs: usize = blends.output().iter().product();
    let items = items_per_task(count, 2 * (outputs + blends.lines()));
    let (len, size) = (count * plane, items * plane);
    let [out] = fill([len], [size], count.div_ceil(items), |index, [out]| {
        task(&values(source)[index * items * source_plane..], out);
    });
    tensor(out, [batch, channels, height, width])
}

struct Forward<'a> {
    blends: &'a Blends,
    source: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Blends {
            rows,
            columns,
            input: [height, width],
        } = self.blends;
        let out_w = columns.len();
        let mut lines = vec![0.0; self.blends.lines()];
        let sources = self.source.chunks_exact(height * width);
        let outs = self.out.chunks_exact_mut(rows.len() * out_w);
        for (source, out) in sources.zip(outs) {
            let stretched = lines.chunks_exact_mut(out_w);
            for (line, row) in stretched.zip(source.chunks_exact(*width)) {
                for (value, blend) in line.iter_mut().zip(columns) {
                    let [first, second] = blend.inputs;
                    *value = row[first] * blend.shares[0] + row[second] * blend.shares[1];
                }
            }
            for (out, blend) in out.chunks_exact_mut(out_w).zip(rows) {
                let [first, second] = blend.inputs.map(|row| &lines[row * out_w..][..out_w]);
                for (out, (first, second)) in out.iter_mut().zip(first.iter().zip(second)) {
                    *out = first * blend.shares[0] + second * blend.shares[1];
                }
            }
        }
    }
}

/// The same sums the other way round, so `dx` must hold zeros.
struct Backward<'a> {
    blends: &'a Blends,
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Blends {
            rows,
            columns,
            input: [height, width],
        } = self.blends;
        let out_w = columns.len();
        let mut lines = vec![0.0; self.blends.lines()];
        let sources = self.dy.chunks_exact(rows.len() * out_w);
        for (dy, dx) in sources.zip(self.dx.chunks_exact_mut(height * width)) {
            lines.fill(0.0);
            for (dy, blend) in dy.chunks_exact(out_w).zip(rows) {
                for (row, share) in blend.inputs.into_iter().zip(blend.shares) {
                    for (line, dy) in lines[row * out_w..][..out_w].iter_mut().zip(dy) {
                        *line += share * dy;
                    }
                }
            }
            let stretched = lines.chunks_exact(out_w);
            for (line, dx) in stretched.zip(dx.chunks_exact_mut(*width)) {
                for (value, blend) in line.iter().zip(columns) {
                    for (column, share) in blend.inputs.into_iter().zip(blend.shares) {
                        dx[column] += share * value;
                    }
                }
            }
        }
    }
}
