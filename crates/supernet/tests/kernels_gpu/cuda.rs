//! CUDA.

#[path = "mix.rs"]
mod mix;
#[path = "recurrent.rs"]
mod recurrent;
#[path = "suite.rs"]
mod suite;

use burn::backend::{Cuda, cuda::CudaDevice as GpuDevice};
use cubecl::cuda::CudaRuntime as GpuRuntime;

type Bool = u8;
type GpuFusing = Cuda<f32, i32>;
