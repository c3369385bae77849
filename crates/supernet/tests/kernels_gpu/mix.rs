//! Weighted sums, deferred terms, steps of descent and running statistics, bare and under a fusing backend.

use burn::tensor::{Tensor, backend::AutodiffBackend};
use burn_cubecl::CubeBackend;
use supernet::kernels::{
    DeferredTerm, Descent, KernelBackend, add_deferred, descend, move_statistics,
};

use crate::kernels_common::{Tracked, assert_close, grid};
use crate::operation::{Layout, Operation, tensor, values};

use super::suite::{Bare, Fusing, check, device};
use super::{Bool, GpuFusing, GpuRuntime};

#[test]
fn weighted_sums_over_several_cubes_equal_burn() {
    let Some(device) = device() else { return };
    let x = [2, 5, 40, 51];
    let weights = [1, 1, 1, 2];
    let inputs = vec![(grid(x, 5), x), (grid(weights, 6), weights)];
    check(&device, Operation::AddWeighted, &inputs, Layout::Rows);
}

#[test]
fn gradients_of_deferred_terms_equal_those_on_flex() {
    fn gradient<B: AutodiffBackend + KernelBackend>(device: &B::Device, x: [usize; 4]) -> Vec<f32> {
        let of = |seed, device: &B::Device| -> Tensor<B, 4> { tensor(grid(x, seed), x, device) };
        let weights = Tensor::<B, 2>::zeros([2, 3], device).require_grad();
        let term = |seed, entry| {
            let device = device.clone();
            DeferredTerm {
                entry,
                compute: Box::new(move || tensor(grid(x, seed), x, &device)),
            }
        };
        let terms = vec![term(1, [1, 0]), term(2, [0, 2]), term(3, [1, 2])];
        let output = add_deferred(of(4, device), weights.clone(), terms);
        let gradients = (output * of(5, device)).sum().backward();
        values(weights.grad(&gradients).expect("weights are tracked"))
    }

    let Some(device) = device() else { return };
    for x in [[1, 2, 3, 4], [2, 5, 40, 51]] {
        let expected = gradient::<Tracked>(&Default::default(), x);
        for (backend, gradient) in [
            ("bare", gradient::<Bare>(&device, x)),
            ("fusing", gradient::<Fusing>(&device, x)),
        ] {
            assert_close(&gradient, &expected, 1e-5, &format!("{backend}, {x:?}"));
        }
    }
}

#[test]
fn descent_and_running_statistics_equal_those_on_flex() {
    fn moved<B: KernelBackend>(device: &B::Device) -> Vec<Vec<f32>> {
        let matrix =
            |seed| -> Tensor<B, 4> { tensor(grid([1, 1, 7, 41], seed), [1, 1, 7, 41], device) };
        let descent = Descent {
            rate: 0.1,
            decay: 0.01,
            momentum: 0.9,
        };
        let [first, velocity] = descend(matrix(1), matrix(2), None, descent);
        let [second, faster] = descend(first.clone(), matrix(3), Some(velocity.clone()), descent);
        let channels = |seed| matrix(seed).flatten::<1>(0, 3);
        let running = [channels(4), channels(5)];
        let [mean, variance] = move_statistics(running, [channels(6), channels(7)], 0.1, 9);
        let matrices = [first, velocity, second, faster].map(values);
        matrices
            .into_iter()
            .chain([mean, variance].map(values))
            .collect()
    }

    let Some(device) = device() else { return };
    let expected = moved::<burn_flex::Flex>(&Default::default());
    let bare = moved::<CubeBackend<GpuRuntime, f32, i32, Bool>>(&device);
    let fusing = moved::<GpuFusing>(&device);
    for (backend, moved) in [("bare", bare), ("fusing", fusing)] {
        for (index, (moved, expected)) in moved.iter().zip(&expected).enumerate() {
            assert_close(moved, expected, 1e-6, &format!("{backend}, result {index}"));
        }
    }
}
