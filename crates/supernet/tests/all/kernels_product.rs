//! Products of matrices against Burn's, and against a loop.

use burn::tensor::{Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use supernet::kernels::matrix_product;

use crate::kernels_common::{Tracked, assert_same, grid, values};

/// Rows, inputs and columns: of one block and of several, of one task and of several, and of parts of them.
const SIZES: [[usize; 3]; 7] = [
    [1, 1, 1],
    [7, 5, 33],
    [64, 60, 120],
    [13, 513, 31],
    [385, 257, 97],
    [4, 300, 1000],
    [1, 300, 70],
];

/// How the two matrices lie in memory.
#[derive(Clone, Copy, Debug)]
struct Transposed {
    left: bool,
    right: bool,
}

fn all_orders() -> impl Iterator<Item = Transposed> {
    let left = [false, true].into_iter();
    left.flat_map(|left| [false, true].map(|right| Transposed { left, right }))
}

/// A matrix of the four last axes' values, or the transposed one.
fn matrix(values: Tensor<Tracked, 4>, transposed: bool) -> Tensor<Tracked, 2> {
    let [_, _, rows, columns] = values.dims();
    let matrix = values.reshape([rows, columns]);
    if transposed {
        matrix.transpose()
    } else {
        matrix
    }
}

fn shape([rows, columns]: [usize; 2], transposed: bool) -> [usize; 4] {
    if transposed {
        [1, 1, columns, rows]
    } else {
        [1, 1, rows, columns]
    }
}

#[test]
fn products_and_their_gradients_equal_burns() {
    for size @ [rows, inputs, columns] in SIZES {
        for order in all_orders() {
            let shapes = [
                shape([rows, inputs], order.left),
                shape([inputs, columns], order.right),
                [1, 1, 1, columns],
            ];
            let mut seed = 0;
            let inputs = shapes.map(|shape| {
                seed += 1;
                (grid(shape, seed), shape)
            });
            let read = |[left, right, bias]: [Tensor<Tracked, 4>; 3]| {
                let (left, right) = (matrix(left, order.left), matrix(right, order.right));
                (left, right, bias.reshape([columns]))
            };
            assert_same(
                &inputs,
                |tensors| {
                    let (left, right, bias) = read(tensors);
                    matrix_product(left, right, Some(bias)).reshape([1, 1, rows, columns])
                },
                |tensors| {
                    let (left, right, bias) = read(tensors);
                    (left.matmul(right) + bias.unsqueeze()).reshape([1, 1, rows, columns])
                },
                &format!("{size:?}, {order:?}"),
            );
        }
    }
}

#[test]
fn parts_of_matrices_are_multiplied_where_they_lie() {
    let whole = |shape: [usize; 2], seed| -> Tensor<Flex, 2> {
        let values = grid([1, 1, shape[0], shape[1]], seed);
        Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
    };
    let left = whole([9, 40], 1).narrow(1, 3, 20).narrow(0, 2, 5);
    let right = whole([50, 24], 2).narrow(0, 11, 20).narrow(1, 4, 17);
    let expected = left.clone().matmul(right.clone());
    let product = matrix_product(left, right, None);
    assert_eq!(values(product), values(expected));
}

/// So results are the same to the bit whatever the number of threads and the width of vectors.
#[test]
fn a_product_has_the_bits_of_a_loop_over_blocks() {
    const BLOCK: usize = 256;
    let wave = |count: usize, frequency: f32| -> Vec<f32> {
        (0..count).map(|i| (i as f32 * frequency).sin()).collect()
    };
    for [rows, inputs, columns] in SIZES {
        let (left, right) = (wave(rows * inputs, 0.37), wave(inputs * columns, 0.73));
        let tensor = |values: &[f32], shape: [usize; 2]| -> Tensor<Flex, 2> {
            Tensor::from_data(TensorData::new(values.to_vec(), shape), &FlexDevice)
        };
        let product = matrix_product(
            tensor(&left, [rows, inputs]),
            tensor(&right, [inputs, columns]),
            None,
        );
        let mut expected = vec![0.0f32; rows * columns];
        for (at, expected) in expected.iter_mut().enumerate() {
            let (row, column) = (at / columns, at % columns);
            for first in (0..inputs).step_by(BLOCK) {
                let sum = (first..inputs.min(first + BLOCK)).fold(0.0f32, |sum, input| {
                    left[row * inputs + input].mul_add(right[input * columns + column], sum)
                });
                *expected += sum;
            }
        }
        let bits =
            |values: Vec<f32>| -> Vec<u32> { values.into_iter().map(f32::to_bits).collect() };
        assert_eq!(
            bits(values(product)),
            bits(expected),
            "{rows} x {inputs} x {columns}"
        );
    }
}
