//! CUDA.

#[path = "recurrent.rs"]
mod recurrent;
#[path = "suite.rs"]
mod suite;

use burn::backend::{Cuda, cuda::CudaDevice as GpuDevice};
use cubecl::cuda::CudaRuntime as GpuRuntime;

type Bool = u8;
type GpuFusing = Cuda<f32, i32>;

/// Of what whole networks compute: factors of Burn's products of matrices may be rounded to 10 bits (TF32), an
/// error of 5e-4 each, which gradients through steps and time add up.
const PRODUCTS_TOLERANCE: f32 = 1e-2;
