//! WGPU.

#[path = "recurrent.rs"]
mod recurrent;
#[path = "suite.rs"]
mod suite;

use burn::backend::{
    Wgpu,
    wgpu::{WgpuDevice as GpuDevice, WgpuRuntime as GpuRuntime},
};

type Bool = u32;
type GpuFusing = Wgpu<f32, i32, u32>;

/// Of what whole networks compute, products of matrices by Burn included.
const PRODUCTS_TOLERANCE: f32 = 1e-4;
