//! Which tensors the kernels take, and the buffers and grids of their launches.

use burn::tensor::{DType, Shape};
use burn_cubecl::{
    CubeRuntime, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype,
    tensor::CubeTensor,
};
use cubecl::prelude::*;

use crate::kernels::cube::geometry::{PlanesLaunch, UNITS};

/// Cubes in one dimension of a grid, a limit of WebGPU.
const GRID_LIMIT: usize = 65_535;

/// Entries of a tensor, so that positions fit 32 bits together with those of surplus units.
const ENTRY_LIMIT: usize = i32::MAX as usize;

/// Whether the kernels work on these inputs and an output of shape `output`: floats of up to 32
/// bits, all of one type, none empty, and few enough for positions of 32 bits.
pub(in crate::kernels::cube) fn accepts<R: CubeRuntime>(
    inputs: &[&CubeTensor<R>],
    output: [usize; 4],
) -> bool {
    let fits = |entries: usize| (1..=ENTRY_LIMIT).contains(&entries);
    let dtype = inputs[0].dtype;
    matches!(dtype, DType::F32 | DType::F16 | DType::BF16)
        && fits(output.iter().product())
        && inputs
            .iter()
            .all(|input| input.dtype == dtype && fits(input.meta.num_elements()))
}

/// The tensor in row order.
///
/// # Panics
///
/// If it has another shape, which would let an unchecked kernel leave its buffer.
pub(super) fn rows<R: CubeRuntime>(
    tensor: CubeTensor<R>,
    shape: impl Into<Shape>,
) -> CubeTensor<R> {
    let shape = shape.into();
    assert_eq!(tensor.meta.shape(), &shape, "shapes do not fit");
    into_contiguous(tensor)
}

/// A tensor of the type of `like`, its values not yet written.
pub(super) fn empty<R: CubeRuntime>(
    like: &CubeTensor<R>,
    shape: impl Into<Shape>,
) -> CubeTensor<R> {
    empty_of(like, shape.into(), like.dtype)
}

/// `count` values of 32 bits between two kernels.
pub(super) fn partials<R: CubeRuntime>(like: &CubeTensor<R>, count: usize) -> CubeTensor<R> {
    empty_of(like, Shape::new([count]), DType::F32)
}

/// Numbers that a kernel reads beside the tensors, on the device of `like`.
pub(super) fn numbers<R: CubeRuntime>(like: &CubeTensor<R>, numbers: &[u32]) -> CubeTensor<R> {
    let handle = like.client.create_from_slice(u32::as_bytes(numbers));
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        Shape::new([numbers.len()]),
        handle,
        DType::U32,
    )
}

fn empty_of<R: CubeRuntime>(like: &CubeTensor<R>, shape: Shape, dtype: DType) -> CubeTensor<R> {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// The sizes of an input `[batch, channels, height, width]` and an output `[out_h, out_w]`.
pub(super) fn planes<R: CubeRuntime>(input: [usize; 4], out: [usize; 2]) -> PlanesLaunch<R> {
    let [batch, channels, height, width] = input;
    PlanesLaunch::new(batch, channels, height, width, out[0], out[1])
}

/// A grid with a unit for each of `entries` entries.
pub(super) fn units(entries: usize) -> CubeCount {
    cubes(entries.div_ceil(UNITS))
}

/// A grid of at least `count` cubes. Surplus cubes find nothing to do.
pub(super) fn cubes(count: usize) -> CubeCount {
    let x = count.min(GRID_LIMIT);
    CubeCount::Static(x as u32, count.div_ceil(x) as u32, 1)
}

pub(super) fn cube_dim() -> CubeDim {
    CubeDim::new_1d(UNITS as u32)
}
