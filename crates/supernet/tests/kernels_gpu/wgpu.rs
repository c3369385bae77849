//! WGPU.

#[path = "mix.rs"]
mod mix;
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
