//! What a search step costs as one size at a time grows.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use workbench::files::write_atomic;
use workbench::plot::LineChart;
use workbench::statistics::median;

use crate::bench_step::Named;
use crate::machine;
use crate::worker::{Bench, Size, Worker};

#[derive(Args)]
pub struct BenchScale {
    /// How the operations of a step run: dense, exact-sparse or sampled.
    #[arg(long, default_value = "exact-sparse")]
    execution: String,
    /// Steps of each size, after one that does not count.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Backend features to build with, such as cuda, vulkan or wgpu.
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// Folder for scale.md and scale.svg.
    #[arg(long, default_value = "results/scale", value_name = "FOLDER")]
    out: PathBuf,
}

/// One size that grows while the others stay.
struct Axis {
    name: &'static str,
    values: [usize; 4],
    set: fn(&mut Size, usize),
}

const AXES: [Axis; 5] = [
    Axis {
        name: "cells",
        values: [3, 5, 8, 12],
        set: |size, value| size.cells = value,
    },
    Axis {
        name: "channels",
        values: [4, 8, 16, 32],
        set: |size, value| size.channels = value,
    },
    Axis {
        name: "batch",
        values: [16, 32, 64, 128],
        set: |size, value| size.batch = value,
    },
    Axis {
        name: "resolution",
        values: [14, 28, 40, 56],
        set: |size, value| size.side = value,
    },
    Axis {
        name: "draws M",
        values: [1, 2, 4, 7],
        set: |size, value| size.draws = value,
    },
];

impl BenchScale {
    pub fn run(self) -> anyhow::Result<()> {
        // Before minutes are spent on what could not be written.
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot create {}", self.out.display()))?;
        let program = Bench::Step.build(&self.features)?;
        let base = Named::Small.size();
        let mut report = format!(
            "Hardware: {}. Medians of {} alternating steps ({}) from {base}, M = {}.\n\n\
             | axis | value | seconds | images per second | peak MiB |\n|---|---|---|---|---|\n",
            machine::describe(),
            self.rounds,
            self.execution,
            base.draws
        );
        let mut lines = Vec::new();
        for axis in &AXES {
            let mut line = Vec::new();
            for &value in &axis.values {
                let mut size = base;
                (axis.set)(&mut size, value);
                let (seconds, peak) = self.measure(&program, &size)?;
                // Both halves of a step see a batch.
                let images = 2.0 * size.batch as f64 / seconds;
                let peak = peak.map_or("unknown".into(), |peak| format!("{peak:.0}"));
                writeln!(
                    report,
                    "| {} | {value} | {seconds:.3} | {images:.0} | {peak} |",
                    axis.name
                )?;
                line.push((value as f64 / axis.values[1] as f64, seconds));
            }
            lines.push((format!("{}, of {}", axis.name, axis.values[1]), line));
        }
        let chart = LineChart {
            title: "Cost of a search step",
            x_label: "size relative to the second smallest",
            y_label: "seconds",
            ..LineChart::default()
        };
        write_atomic(self.out.join("scale.md"), &report)?;
        write_atomic(self.out.join("scale.svg"), chart.svg(&lines)?)?;
        print!("{report}");
        Ok(())
    }

    fn measure(
        &self,
        program: &std::path::Path,
        size: &Size,
    ) -> anyhow::Result<(f64, Option<f64>)> {
        let mut arguments = size.arguments();
        arguments.extend(["--execution".into(), self.execution.clone()]);
        let mut worker = Worker::start(&size.to_string(), program, arguments)?;
        worker.step()?;
        let mut seconds = Vec::new();
        let mut peak = None;
        for _ in 0..self.rounds {
            let answer = worker.step()?;
            seconds.push(answer.seconds);
            peak = answer.peak_mib;
        }
        eprintln!(
            "{size}, M = {}: {:.3} seconds",
            size.draws,
            median(&seconds)
        );
        Ok((median(&seconds), peak))
    }
}
