//! Pools against loops over slices and, where it has them, against Burn's.

use crate::kernels_common::{Tracked, assert_close, assert_same, grid, run, tensor};
use burn::tensor::{
    Tensor,
    module::{avg_pool2d, max_pool2d},
};
use supernet::kernels::{PoolWindow, avg_pool, max_pool};

const SIZES: [[usize; 4]; 9] = [
    [2, 1, 1, 1],
    [2, 3, 1, 2],
    [3, 2, 2, 2],
    [2, 3, 4, 4],
    [2, 16, 5, 9],
    [3, 65, 7, 3],
    [2, 5, 8, 8],
    [2, 3, 6, 33],
    [17, 16, 32, 32],
];

/// Every kernel, stride and dilation that networks use.
pub fn windows() -> Vec<PoolWindow> {
    let mut windows = Vec::new();
    for kernel in [3, 5, 7] {
        for stride in [1, 2] {
            for dilation in [1, 2, 4, 8] {
                windows.push(PoolWindow {
                    kernel,
                    stride,
                    dilation,
                });
            }
        }
    }
    windows
}

fn window3x3(stride: usize) -> PoolWindow {
    PoolWindow {
        kernel: 3,
        stride,
        dilation: 1,
    }
}

fn burn_avg_pool(x: Tensor<Tracked, 4>, window: PoolWindow) -> Tensor<Tracked, 4> {
    let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
    avg_pool2d(x, kernel, stride, [window.kernel / 2; 2], false, false)
}

fn burn_max_pool(x: Tensor<Tracked, 4>, window: PoolWindow) -> Tensor<Tracked, 4> {
    let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
    let padding = [window.dilation * (window.kernel / 2); 2];
    max_pool2d(x, kernel, stride, padding, [window.dilation; 2], false)
}

#[test]
fn pools_equal_burn() {
    for size in SIZES {
        for window in windows() {
            let inputs = [(grid(size, 7), size)];
            let what = format!("{size:?} {window:?}");
            if window.dilation == 1 {
                assert_same(
                    &inputs,
                    |[x]| avg_pool(x, window),
                    |[x]| burn_avg_pool(x, window),
                    &format!("average, {what}"),
                );
            }
            if window.kernel == 3 || size[0] < 17 {
                assert_same(
                    &inputs,
                    |[x]| max_pool(x, window),
                    |[x]| burn_max_pool(x, window),
                    &format!("maximum, {what}"),
                );
            }
        }
    }
}

/// The inputs under each window in row order, as positions in memory.
fn covered([batch, channels, height, width]: [usize; 4], window: PoolWindow) -> Vec<Vec<usize>> {
    let along = |output: usize, size: usize| {
        let first =
            (output * window.stride) as isize - (window.kernel / 2 * window.dilation) as isize;
        (0..window.kernel)
            .map(move |tap| first + (tap * window.dilation) as isize)
            .filter(move |place| (0..size as isize).contains(place))
            .map(|place| place as usize)
            .collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for plane in 0..batch * channels {
        for row in 0..height.div_ceil(window.stride) {
            for column in 0..width.div_ceil(window.stride) {
                let rows = along(row, height);
                let columns = along(column, width);
                let places = rows.iter().flat_map(|row| {
                    let line = (plane * height + row) * width;
                    columns.iter().map(move |column| line + column)
                });
                all.push(places.collect());
            }
        }
    }
    all
}

#[test]
fn pools_equal_loops_for_every_kernel_stride_and_dilation() {
    for size in [
        [2, 3, 1, 1],
        [2, 2, 1, 5],
        [1, 3, 4, 3],
        [2, 3, 13, 9],
        [1, 2, 17, 34],
    ] {
        for window in windows() {
            let x = grid(size, 7);
            let inputs = [(x.clone(), size)];
            let covered = covered(size, window);
            let average = run(&inputs, |[x]| avg_pool(x, window));
            let maximum = run(&inputs, |[x]| max_pool(x, window));
            let dy = grid(average.1, 77);
            assert_eq!(dy.len(), covered.len());
            let (mut means, mut shares) = (Vec::new(), vec![0.0; x.len()]);
            let (mut largest, mut chosen) = (Vec::new(), vec![0.0; x.len()]);
            for (places, dy) in covered.iter().zip(&dy) {
                let count = places.len() as f32;
                means.push(places.iter().map(|place| x[*place]).sum::<f32>() / count);
                places.iter().for_each(|place| shares[*place] += dy / count);
                let first = places
                    .iter()
                    .copied()
                    .reduce(|best, place| if x[place] > x[best] { place } else { best });
                let first = first.expect("the middle of a window is an input");
                largest.push(x[first]);
                chosen[first] += dy;
            }
            let what = format!("{size:?} {window:?}");
            for (actual, expected, part) in [
                (&average.0, &means, "average"),
                (&average.2[0], &shares, "gradient of the average"),
                (&maximum.0, &largest, "maximum"),
                (&maximum.2[0], &chosen, "gradient of the maximum"),
            ] {
                assert_close(actual, expected, 1e-5, &format!("{part}, {what}"));
            }
        }
    }
}

#[test]
fn pools_read_views_in_their_logical_order() {
    let size = [6, 2, 5, 4];
    let inputs = [(grid(size, 8), size)];
    let view = |x: Tensor<Tracked, 4>| x.permute([1, 3, 0, 2]).slice([0..2, 1..4, 0..5, 1..5]);
    assert_same(
        &inputs,
        |[x]| avg_pool(view(x), window3x3(2)),
        |[x]| burn_avg_pool(view(x), window3x3(2)),
        "average",
    );
    assert_same(
        &inputs,
        |[x]| max_pool(view(x), window3x3(1)),
        |[x]| burn_max_pool(view(x), window3x3(1)),
        "maximum",
    );
}

#[test]
fn the_first_of_equal_inputs_receives_the_gradient() {
    let size = [1, 1, 3, 3];
    let (y, _, [dx]) = run(&[(vec![-2.0; 9], size)], |[x]| max_pool(x, window3x3(1)));
    assert_eq!(y, [-2.0; 9]);
    let dy = grid(size, 77);
    let first = dy[0] + dy[1] + dy[3] + dy[4];
    let expected = [
        first,
        dy[2] + dy[5],
        0.0,
        dy[6] + dy[7],
        dy[8],
        0.0,
        0.0,
        0.0,
        0.0,
    ];
    assert_close(&dx, &expected, 1e-6, "ties");
}

#[test]
#[should_panic(expected = "a 3x3 pool has stride 1 or 2, got 3")]
fn other_strides_are_refused() {
    avg_pool(tensor(vec![0.0; 9], [1, 1, 3, 3]), window3x3(3));
}

#[test]
#[should_panic(expected = "a pool needs an odd kernel and a positive dilation")]
fn even_kernels_are_refused() {
    let window = PoolWindow {
        kernel: 2,
        ..window3x3(1)
    };
    max_pool(tensor(vec![0.0; 9], [1, 1, 3, 3]), window);
}
