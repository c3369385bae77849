//! From tensors to buffers, a grid and a launch.

use burn::tensor::{DType, Shape};
use burn_cubecl::{
    CubeRuntime, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype,
    tensor::CubeTensor,
};
use cubecl::prelude::*;

use super::{
    arithmetic::ProblemLaunch, backward::backward_kernel, forward::forward_kernel, plan::Plan,
};
use crate::{NoiseKey, Normalization, Spec};

/// Cubes in one dimension of a grid, a limit of WebGPU.
const GRID_LIMIT: u32 = 65_535;

/// Where a kernel takes its noise from.
#[derive(Debug, Clone)]
pub(crate) enum Source<R: CubeRuntime> {
    /// From the key.
    Key(NoiseKey),
    /// From a tensor, `[rows, draws, ops]`.
    Tensor(Box<CubeTensor<R>>),
}

/// Whether all positions in the buffers fit the 32-bit arithmetic of the kernels.
pub(crate) fn fits<R: CubeRuntime>(shape: &Shape, source: &Source<R>, spec: Spec) -> bool {
    let entries = match source {
        Source::Key(_) => shape.num_elements() as u64,
        Source::Tensor(_) => shape.num_elements() as u64 * spec.draws as u64,
    };
    entries <= u32::MAX as u64
}

/// Code, weights and route, `[rows, ops]` each; the weights only when they differ from the code.
pub(crate) fn forward<R: CubeRuntime>(
    logits: CubeTensor<R>,
    source: Source<R>,
    spec: Spec,
) -> (CubeTensor<R>, Option<CubeTensor<R>>, CubeTensor<R>) {
    let logits = into_contiguous(logits);
    let call = Call::new(&logits, source, spec);
    let code = like(&logits);
    let route = like(&logits);
    let weights = match spec.normalization {
        Normalization::None => None,
        Normalization::Sum => Some(like(&logits)),
    };
    let weights_arg = weights.clone().unwrap_or_else(|| placeholder(&logits));
    // SAFETY: see `Call`.
    unsafe {
        forward_kernel::launch_unchecked::<R>(
            &code.client,
            call.grid,
            CubeDim::new_1d(call.plan.units()),
            logits.into_array_arg(),
            call.noise.into_array_arg(),
            code.clone().into_array_arg(),
            weights_arg.into_array_arg(),
            route.clone().into_array_arg(),
            call.problem,
            call.plan,
        );
    }
    (code, weights, route)
}

/// The gradient of the logits, `[rows, ops]`.
pub(crate) fn backward<R: CubeRuntime>(
    logits: CubeTensor<R>,
    source: Source<R>,
    route: CubeTensor<R>,
    upstream: CubeTensor<R>,
    spec: Spec,
) -> CubeTensor<R> {
    let logits = into_contiguous(logits);
    for tensor in [&route, &upstream] {
        check(tensor, logits.meta.shape());
    }
    let call = Call::new(&logits, source, spec);
    let gradient = like(&logits);
    // SAFETY: see `Call`.
    unsafe {
        backward_kernel::launch_unchecked::<R>(
            &gradient.client,
            call.grid,
            CubeDim::new_1d(call.plan.units()),
            logits.into_array_arg(),
            call.noise.into_array_arg(),
            into_contiguous(route).into_array_arg(),
            into_contiguous(upstream).into_array_arg(),
            gradient.clone().into_array_arg(),
            call.problem,
            call.plan,
        );
    }
    gradient
}

/// What both launches share.
///
/// The launches are unchecked: a unit touches entries of operations below `ops` in rows below `rows`
/// only, and all buffers hold `rows * ops` entries, the given noise `rows * draws * ops`, except
/// placeholders, which the plan keeps the kernels from.
struct Call<R: CubeRuntime> {
    plan: Plan,
    grid: CubeCount,
    noise: CubeTensor<R>,
    problem: ProblemLaunch<R>,
}

impl<R: CubeRuntime> Call<R> {
    fn new(logits: &CubeTensor<R>, source: Source<R>, spec: Spec) -> Self {
        let [rows, ops] = [0, 1].map(|axis| logits.meta.shape()[axis] as u32);
        check(logits, &Shape::new([rows as usize, ops as usize]));
        if let Source::Tensor(noise) = &source {
            check(
                noise,
                &Shape::new([rows as usize, spec.draws, ops as usize]),
            );
        }
        let plan = Plan::new(ops, matches!(source, Source::Tensor(_)), spec);
        let (key, noise) = match source {
            Source::Key(key) => (key, placeholder(logits)),
            Source::Tensor(noise) => (NoiseKey::new(0, 0), into_contiguous(*noise)),
        };
        let [key_0, key_1] = key.words();
        Self {
            plan,
            grid: grid(rows.div_ceil(plan.rows_per_cube())),
            noise,
            problem: ProblemLaunch::new(
                rows,
                ops,
                spec.draws as u32,
                spec.temperature,
                key_0,
                key_1,
                key.step as u32,
                key.first_row,
            ),
        }
    }
}

/// Keeps unchecked kernels from reading what does not belong to them.
fn check<R: CubeRuntime>(tensor: &CubeTensor<R>, shape: &Shape) {
    assert_eq!(tensor.meta.shape(), shape, "shapes do not fit");
    assert_eq!(tensor.dtype, DType::F32, "the kernels work on f32");
}

/// A grid of at least `cubes` cubes. Surplus cubes find no row.
fn grid(cubes: u32) -> CubeCount {
    let x = cubes.min(GRID_LIMIT);
    CubeCount::Static(x, cubes.div_ceil(x), 1)
}

fn like<R: CubeRuntime>(tensor: &CubeTensor<R>) -> CubeTensor<R> {
    empty(tensor, tensor.meta.shape().clone())
}

/// Stands in for an argument that the plan does not read or write.
fn placeholder<R: CubeRuntime>(tensor: &CubeTensor<R>) -> CubeTensor<R> {
    empty(tensor, Shape::new([1]))
}

fn empty<R: CubeRuntime>(tensor: &CubeTensor<R>, shape: Shape) -> CubeTensor<R> {
    empty_device_contiguous_dtype(
        tensor.client.clone(),
        tensor.device.clone(),
        shape,
        DType::F32,
    )
}
