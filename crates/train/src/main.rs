//! The `train` binary: names the backends, and nothing else.

use std::process::ExitCode;

use clap::Parser;
use train::TrainError;
use train::cli::{Cli, Job};
use workbench::backend::BackendName;

/// The backends of this build.
const COMPILED: &[BackendName] = &[
    #[cfg(feature = "cuda")]
    BackendName::Cuda,
    #[cfg(feature = "vulkan")]
    BackendName::Vulkan,
    #[cfg(all(feature = "wgpu", not(feature = "vulkan")))]
    BackendName::Wgpu,
    #[cfg(feature = "flex")]
    BackendName::Flex,
];

fn main() -> ExitCode {
    let cli = Cli::parse();
    workbench::shell::run(|| match cli.prepare(COMPILED)? {
        Some(job) => dispatch(job),
        None => Ok(()),
    })
}

fn dispatch(job: Job) -> Result<(), TrainError> {
    match job.backend {
        #[cfg(feature = "flex")]
        BackendName::Flex => {
            job.run::<burn::backend::Autodiff<burn_flex::Flex>>(Default::default(), COMPILED)
        }
        #[cfg(feature = "wgpu")]
        BackendName::Wgpu | BackendName::Vulkan => {
            job.run::<burn::backend::Autodiff<Gpu>>(Default::default(), COMPILED)
        }
        #[cfg(feature = "cuda")]
        BackendName::Cuda => {
            job.run::<burn::backend::Autodiff<burn_cuda::Cuda>>(Default::default(), COMPILED)
        }
        #[allow(unreachable_patterns)]
        other => unreachable!("`{other}` is never chosen: it is not compiled in"),
    }
}

#[cfg(feature = "vulkan")]
type Gpu = burn_wgpu::Vulkan;
#[cfg(all(feature = "wgpu", not(feature = "vulkan")))]
type Gpu = burn_wgpu::Wgpu;
