//! The operations as kernels for every CubeCL runtime.
//!
//! Layers, each using only those before it: `geometry` (sizes and compile-time choices), `team`
//! (reductions), `depthwise`, `pointwise`, `batch_norm`, `pool`, `bilinear`, `gate` and `mix` (the kernels), `launch` (buffers and
//! grids), `backend` and `fusion` (the extension trait).
//!
//! Kernels read and write memory in row order, `[batch, channels, height, width]` but for `gate` and
//! `mix`, and compute in f32. No value is written by two units and every sum has a fixed order, so results do not
//! depend on timing, and nothing is read back to the host. Pointwise convolutions of many channels stay Burn's
//! convolution and matrix products, and log-likelihoods its operations.

// Kernels have no structures of references, so what they share is passed one by one.
#![allow(clippy::too_many_arguments)]
// Kernels have no `is_multiple_of`.
#![allow(clippy::manual_is_multiple_of)]

mod backend;
mod batch_norm;
mod bilinear;
mod depthwise;
mod fusion;
mod gate;
mod geometry;
mod launch;
mod mix;
mod pointwise;
mod pool;
mod team;
