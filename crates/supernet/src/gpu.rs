//! The GPU backends that the binaries run on, and what they keep between runs.
//!
//! These are Burn's without the layer that fuses operations: it compiles a kernel for every sequence of operations
//! that it has not seen, and a search runs another sequence with every code. What a step spends its time in is
//! fused by hand ([`kernels`](crate::kernels)). Networks run under a fusing backend as well; the tests of the
//! kernels do.

use burn_cubecl::CubeBackend;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig, cache::CacheConfig};

/// NVIDIA GPUs.
#[cfg(feature = "cuda")]
pub type Cuda = CubeBackend<cubecl::cuda::CudaRuntime, f32, i32, u8>;

/// GPUs through Vulkan, by SPIR-V where that is compiled in.
#[cfg(feature = "wgpu")]
pub type Vulkan = CubeBackend<cubecl::wgpu::WgpuRuntime, f32, i32, u8>;

/// GPUs through WebGPU's shading language.
#[cfg(feature = "wgpu")]
pub type Wgpu = CubeBackend<cubecl::wgpu::WgpuRuntime, f32, i32, u32>;

/// Keeps compiled kernels where results of tuning are kept, unless a `cubecl.toml` says where: in `target` of the
/// project, or the user's cache. To be called before a device is used.
pub fn keep_compiled() {
    let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
    config
        .compilation
        .cache
        .get_or_insert(CacheConfig::default());
    CubeClRuntimeConfig::set(config);
}
