//! The fused kernels on every GPU runtime that is compiled in.
//!
//! Without a device these tests fail. `EGS_SKIP_GPU=1` skips them and says so; for WGPU software Vulkan
//! (Mesa's lavapipe) is enough to run them.

#![cfg(any(feature = "cuda", feature = "wgpu"))]
#![allow(clippy::duplicate_mod, reason = "one suite for each runtime")]

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(feature = "wgpu")]
mod wgpu;
