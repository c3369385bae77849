//! Bilinear resampling against loops over slices.

use crate::kernels_common::{Tracked, assert_close, assert_same, grid, run, tensor, values};
use burn::tensor::{DType, Tensor};
use supernet::kernels::{Corners, upsample_bilinear};

/// The inputs around an output and their shares, by the formula.
fn around(output: usize, inputs: usize, outputs: usize, corners: Corners) -> [(usize, f32); 2] {
    let place = match corners {
        Corners::HalfPixel => (output as f64 + 0.5) * inputs as f64 / outputs as f64 - 0.5,
        Corners::Aligned if outputs == 1 => 0.0,
        Corners::Aligned => (output * (inputs - 1)) as f64 / (outputs - 1) as f64,
    };
    let place = place.max(0.0);
    let first = (place + 1e-9).floor();
    let share = (place - first) as f32;
    let first = first as usize;
    [(first, 1.0 - share), ((first + 1).min(inputs - 1), share)]
}

fn check(x: [usize; 4], size: [usize; 2], corners: Corners) {
    let [batch, channels, height, width] = x;
    let inputs = [(grid(x, 3), x)];
    let (y, shape, [dx]) = run(&inputs, |[x]| upsample_bilinear(x, size, corners));
    assert_eq!(shape, [batch, channels, size[0], size[1]]);
    let dy = grid(shape, 77);
    let (mut output, mut gradient) = (vec![0.0; y.len()], vec![0.0; dx.len()]);
    for at in 0..y.len() {
        let (plane, row, column) = (
            at / (size[0] * size[1]),
            at / size[1] % size[0],
            at % size[1],
        );
        for (row, above) in around(row, height, size[0], corners) {
            for (column, left) in around(column, width, size[1], corners) {
                let from = (plane * height + row) * width + column;
                output[at] += above * left * inputs[0].0[from];
                gradient[from] += above * left * dy[at];
            }
        }
    }
    let what = format!("{x:?} to {size:?}, {corners:?}");
    assert_close(&y, &output, 1e-5, &what);
    assert_close(&dx, &gradient, 1e-5, &format!("gradient, {what}"));
}

#[test]
fn values_and_gradients_equal_loops() {
    for corners in [Corners::HalfPixel, Corners::Aligned] {
        for x in [[1, 1, 1, 1], [2, 3, 3, 4], [1, 2, 7, 2], [2, 2, 5, 13]] {
            for size in [[1, 1], [2, 3], [3, 4], [7, 9], [5, 26], [33, 17]] {
                check(x, size, corners);
            }
        }
    }
}

#[test]
fn values_and_gradients_equal_loops_over_several_tasks() {
    for corners in [Corners::HalfPixel, Corners::Aligned] {
        check([5, 11, 8, 8], [128, 128], corners);
        check([9, 21, 64, 48], [13, 31], corners);
    }
}

#[test]
fn an_image_of_the_same_size_is_itself() {
    let size = [2, 3, 5, 7];
    for corners in [Corners::HalfPixel, Corners::Aligned] {
        let inputs = [(grid(size, 5), size)];
        let (y, shape, [dx]) = run(&inputs, |[x]| upsample_bilinear(x, [5, 7], corners));
        assert_eq!((y, dx), (inputs[0].0.clone(), grid(shape, 77)));
    }
}

#[test]
fn views_are_read_in_their_logical_order() {
    let size = [6, 2, 5, 4];
    let view = |x: Tensor<Tracked, 4>| x.permute([1, 3, 0, 2]).slice([0..2, 1..4, 0..5, 1..5]);
    let rows = |x: Tensor<Tracked, 4>| {
        let copy = view(x);
        let shape = copy.dims();
        copy.reshape([shape.iter().product::<usize>()])
            .reshape(shape)
    };
    assert_same(
        &[(grid(size, 8), size)],
        |[x]| upsample_bilinear(view(x), [9, 3], Corners::HalfPixel),
        |[x]| upsample_bilinear(rows(x), [9, 3], Corners::HalfPixel),
        "views",
    );
}

#[test]
fn other_types_take_the_default_body() {
    let size = [2, 3, 5, 6];
    let x = tensor(grid(size, 1), size).inner();
    let double = upsample_bilinear(x.clone().cast(DType::F64), [9, 11], Corners::HalfPixel);
    assert_eq!(double.dtype(), DType::F64);
    let single = upsample_bilinear(x, [9, 11], Corners::HalfPixel);
    let double = values(double.cast(DType::F32));
    assert_close(&values(single), &double, 1e-6, "f64");
}

#[test]
#[should_panic(expected = "an image of [3, 3] cannot be resampled to [0, 4]")]
fn an_empty_size_is_refused() {
    let x = tensor(vec![0.0; 9], [1, 1, 3, 3]);
    upsample_bilinear(x, [0, 4], Corners::Aligned);
}
