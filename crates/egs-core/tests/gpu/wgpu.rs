//! WGPU.

#[path = "suite.rs"]
mod suite;

use burn_wgpu::{WgpuDevice as GpuDevice, WgpuRuntime as GpuRuntime};

type Bool = u32;
type Fusing = burn_wgpu::Wgpu<f32, i32, u32>;
