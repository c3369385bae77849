use std::path::{Path, PathBuf};

use clap::Args;

use super::typed::quoted;
use crate::Result;
use crate::run_folder::RunFolder;
use crate::tensorboard::write_events;

/// Makes event files of runs for TensorBoard.
#[derive(Debug, Clone, Args)]
pub struct TensorboardArgs {
    /// The run folders, of searches or trainings, finished or not.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Folder to write into, one in it for each run; by default each run's own.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl TensorboardArgs {
    /// Writes the files and says how they are looked at.
    ///
    /// # Errors
    ///
    /// When a folder is no run or has no epoch yet, or a file cannot be written.
    pub fn run(&self) -> Result<()> {
        for run in &self.runs {
            let written = write_events(&RunFolder::open(run)?, self.out.as_deref())?;
            println!(
                "wrote {}; curves: {}, epochs: {}",
                written.path.display(),
                written.curves,
                written.epochs
            );
        }
        let folder = self.folder().display().to_string();
        let command = ["tensorboard".into(), "--logdir".into(), folder];
        println!("to look at them: {}", quoted(&command));
        Ok(())
    }

    /// The folder with all files.
    fn folder(&self) -> &Path {
        match (&self.out, self.runs.as_slice()) {
            (Some(out), _) => out,
            (None, [run]) => run,
            (None, runs) => match runs.first().and_then(|run| run.parent()) {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            },
        }
    }
}
