//! Timing of the estimator, run through cargo because the GPU backends are features of its crate.

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::cargo;

#[derive(Args)]
pub struct BenchEgs {
    /// Devices to measure besides the CPU.
    #[arg(long, value_enum, value_delimiter = ',')]
    backend: Vec<Device>,
    /// Sizes to measure: 28 x 8, 65,536 x 64 and 4,096 x 4,096, with M = 7, 8 and 8. The composed
    /// form needs about 10 GB of memory for the large one.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "small,medium"
    )]
    size: Vec<Size>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Device {
    Wgpu,
    Cuda,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    Small,
    Medium,
    Large,
}

impl BenchEgs {
    pub fn run(self) -> anyhow::Result<()> {
        let mut command = cargo::command();
        command
            .args(["bench", "--package", "egs-core", "--bench", "egs"])
            // The dev profile optimises this crate and its dependencies and is built already.
            .args(["--profile", "dev"])
            .env("EGS_BENCH_SIZES", names(&self.size));
        if !self.backend.is_empty() {
            command.args(["--features", &names(&self.backend)]);
        }
        let status = command.status().context("cargo could not be started")?;
        ensure!(status.success(), "the benchmark failed: {status}");
        Ok(())
    }
}

/// The values as they are written on the command line, separated by commas.
fn names<T: ValueEnum>(values: &[T]) -> String {
    let names: Vec<String> = values
        .iter()
        .filter_map(|value| Some(value.to_possible_value()?.get_name().to_owned()))
        .collect();
    names.join(",")
}
