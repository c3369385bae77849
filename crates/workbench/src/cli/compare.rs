use std::path::PathBuf;

use clap::Args;

use crate::report::Comparison;
use crate::run_folder::RunKind;
use crate::{Result, files};

/// Runs to be put side by side.
#[derive(Debug, Clone, Default, Args)]
pub struct CompareArgs {
    /// The run folders, of one task.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Write a page with the curves together to this file too, such as compare.html.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl CompareArgs {
    /// Prints the comparison of runs of this kind, and writes the page where one is wanted; `made_by` is its foot.
    ///
    /// # Errors
    ///
    /// As [`Comparison::between`], and when the page cannot be written.
    pub fn run(&self, kind: RunKind, made_by: &str) -> Result<()> {
        let comparison = Comparison::between(kind, &self.runs)?;
        print!("{}", comparison.text());
        if let Some(out) = &self.out {
            let title = out.file_stem().unwrap_or_default().to_string_lossy();
            files::write_atomic(out, comparison.page(&title, made_by, Vec::new()).html()?)?;
            println!("wrote {}", out.display());
        }
        Ok(())
    }
}
