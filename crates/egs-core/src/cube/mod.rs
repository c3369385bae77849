//! The operation as two fused kernels, for every CubeCL runtime.
//!
//! Layers, each using only those before it: `plan` (compile-time choices), `arithmetic` (noise and
//! probabilities of single entries), `team` (reductions), `forward` and `backward` (the kernels),
//! `launch` (buffers and grid), `backend` and `fusion` (the extension trait).

// Kernels have no structures of references, so what several of them share is passed one by one.
#![allow(clippy::too_many_arguments)]

mod arithmetic;
mod backend;
mod backward;
mod bits;
mod forward;
mod fusion;
mod launch;
mod plan;
mod team;

pub use bits::device_noise_bits;
