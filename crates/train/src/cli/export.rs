use std::path::{Path, PathBuf};

use clap::Args;
use supernet::TrainBackend;
use workbench::cli::RunsOn;
use workbench::files;
use workbench::run_folder::{RunFolder, RunKind};

use super::network::{note, note_inherited};
use super::place::Place;
use crate::child::child_of;
use crate::export::{check_weights, is_exported};
use crate::portable::{DataChoice, Portable};
use crate::trained::read_config;
use crate::{ExportedNetwork, TrainError, TrainRecipe, Trainer, trained_network};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The run folder, also of a search, or an exported network.
    pub(super) network: PathBuf,
    /// Folder of the run's data set, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// The folder to write: config.json and model.safetensors, which train reads again. This or --onnx, or both.
    #[arg(long, value_name = "FOLDER", required_unless_present = "onnx")]
    out: Option<PathBuf>,
    /// The ONNX file to write, for other programs.
    #[arg(long, value_name = "FILE.onnx")]
    onnx: Option<PathBuf>,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

impl ExportArgs {
    pub(super) fn run<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        self.onnx.as_deref().map_or(Ok(()), check_file)?;
        let device = &place.probe()?.device;
        let exported = self.exported::<B, R>(device)?;
        if let Some(out) = &self.out {
            exported.write(out)?;
            println!("wrote {}", out.display());
        }
        if let Some(file) = &self.onnx {
            check_weights(&self.network, &exported.weights)?;
            let (model, bytes) = exported.onnx::<B::InnerBackend>(device)?;
            files::write_atomic(file, bytes)?;
            println!("wrote {}: {}", file.display(), model.ports());
        }
        R::inherited(&exported.config)
            .iter()
            .for_each(note_inherited);
        Ok(())
    }

    fn exported<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        &self,
        device: &B::Device,
    ) -> Result<ExportedNetwork<R>, TrainError> {
        if is_exported(&self.network) {
            return ExportedNetwork::read(&self.network);
        }
        let folder = RunFolder::open(&self.network)?;
        if folder.kind()? == Some(RunKind::Search) {
            return ExportedNetwork::read(&child_of(&folder)?);
        }
        let choice = DataChoice {
            root: self.data_root.clone(),
            ..DataChoice::default()
        };
        let config = R::with_data(read_config::<R>(&folder)?, &choice);
        let trainer = Trainer::open(config)?;
        let trained = trained_network::<B, R>(&folder, &trainer, device)?;
        trained.notes.iter().for_each(|text| note(text));
        Ok(ExportedNetwork {
            weights: R::state_dict(&trained.network),
            config: R::export(&trainer, trained.epoch),
        })
    }
}

/// Checks the name of a file before anything is read for it.
fn check_file(file: &Path) -> Result<(), TrainError> {
    let ending = file.extension().unwrap_or_default();
    let found = if !ending.eq_ignore_ascii_case("onnx") {
        format!("`{}`", file.display())
    } else if file.exists() {
        format!("`{}`, which exists already", file.display())
    } else {
        return Ok(());
    };
    Err(TrainError::Option {
        option: "onnx",
        found,
        valid: "a file that is yet to be made, whose name ends in `.onnx`".into(),
    })
}
