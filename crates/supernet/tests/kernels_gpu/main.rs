//! The kernels on every GPU runtime that is compiled in, against Burn's own operations on Flex, or against the
//! kernels there where Burn has none.
//!
//! Without a device these tests fail. `SUPERNET_SKIP_GPU=1` skips them and says so; for WGPU software Vulkan
//! (Mesa's lavapipe) is enough to run them.

#![cfg(any(feature = "cuda", feature = "wgpu"))]
#![allow(clippy::duplicate_mod, reason = "one suite for each runtime")]

#[path = "../golden/bilinear_cases.rs"]
mod bilinear_cases;
#[cfg(feature = "cuda")]
mod cuda;
#[path = "../golden/file.rs"]
mod file;
#[path = "../all/kernels_common.rs"]
mod kernels_common;
mod operation;
#[cfg(feature = "wgpu")]
mod wgpu;
