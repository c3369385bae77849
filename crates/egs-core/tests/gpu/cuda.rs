//! CUDA.

#[path = "suite.rs"]
mod suite;

use burn_cuda::CudaDevice as GpuDevice;
use cubecl::cuda::CudaRuntime as GpuRuntime;

type Bool = u8;
type Fusing = burn_cuda::Cuda<f32, i32>;
