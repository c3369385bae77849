use std::path::{Path, PathBuf};

use burn::tensor::backend::AutodiffBackend;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use supernet::TrainBackend;
use workbench::cli::RunsOn;
use workbench::run_folder::{RunFolder, RunKind};

use super::network::{self, note, note_inherited};
use super::place::Place;
use crate::child::child_of;
use crate::export::{check_weights, is_exported};
use crate::portable::{DataChoice, Portable};
use crate::trained::read_config;
use crate::{ExportedNetwork, Recipe, TrainError, TrainRecipe, Trainer, trained_network};

#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// A run folder, also of a search, or an exported network.
    network: PathBuf,
    /// Files of what the network takes, and folders of them; for images JPEG, PNG, WebP or BMP.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How many of the most probable answers are given.
    #[arg(long, value_name = "K", default_value = "1", value_parser = at_least_one)]
    top: usize,
    /// Print an object of JSON a line for each file.
    #[arg(long)]
    json: bool,
    /// Folder of the run's data set, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "valid: 1 or more".into())
}

/// What a network takes, and the network.
type Asked<B, R> = (
    <R as Portable>::Export,
    <R as Recipe>::Model<<B as AutodiffBackend>::InnerBackend>,
);

/// What the network says of a file, as a line of JSON.
#[derive(Serialize)]
struct Line<'a, P> {
    file: String,
    #[serde(flatten)]
    prediction: &'a P,
}

impl PredictArgs {
    /// The task of the network.
    pub(super) fn task(&self) -> Result<String, TrainError> {
        network::task(&self.network)
    }

    /// A file that cannot be answered is named and the others go on.
    pub(super) fn run<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let device = &place.probe()?.device;
        let (export, model) = self.network::<B, R>(device)?;
        check_weights(&self.network, &R::state_dict(&model))?;
        let answer = |input: &Path| {
            let prediction = R::predict(&export, &model, input, self.top, device)?;
            self.print(input, &prediction)
        };
        let inputs: Vec<Result<PathBuf, (PathBuf, TrainError)>> = self
            .files
            .iter()
            .flat_map(|path| inputs::<R>(path))
            .collect();
        let all = inputs.len();
        let mut failed = 0;
        for input in inputs {
            let answered = input.and_then(|input| answer(&input).map_err(|error| (input, error)));
            let Err((input, error)) = answered else {
                continue;
            };
            if self.json {
                let file = input.display().to_string();
                println!("{}", json!({"file": file, "error": error.to_string()}));
            }
            if all == 1 {
                return Err(error);
            }
            eprintln!("error: {error}");
            failed += 1;
        }
        match failed {
            0 => Ok(()),
            failed => Err(TrainError::Unanswered { failed, all }),
        }
    }

    fn network<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        &self,
        device: &B::Device,
    ) -> Result<Asked<B, R>, TrainError> {
        if is_exported(&self.network) {
            return of_export::<B, R>(&self.network, device);
        }
        let folder = RunFolder::open(&self.network)?;
        if folder.kind()? == Some(RunKind::Search) {
            return of_export::<B, R>(&child_of(&folder)?, device);
        }
        let choice = DataChoice {
            root: self.data_root.clone(),
            ..DataChoice::default()
        };
        let trainer = Trainer::open(R::with_data(read_config::<R>(&folder)?, &choice))?;
        let trained = trained_network::<B, R>(&folder, &trainer, device)?;
        trained.notes.iter().for_each(|text| note(text));
        Ok((R::export(&trainer, trained.epoch), trained.network))
    }

    fn print<P: Serialize + std::fmt::Display>(
        &self,
        input: &Path,
        prediction: &P,
    ) -> Result<(), TrainError> {
        let file = input.display().to_string();
        if !self.json {
            println!("{file}: {prediction}");
            return Ok(());
        }
        let line = serde_json::to_string(&Line { file, prediction });
        println!("{}", line.map_err(crate::export::json("a prediction"))?);
        Ok(())
    }
}

fn of_export<B: TrainBackend, R: Portable + TrainRecipe<B>>(
    folder: &Path,
    device: &B::Device,
) -> Result<Asked<B, R>, TrainError> {
    let exported = ExportedNetwork::<R>::read(folder)?;
    let network = exported.init::<B::InnerBackend>(device)?;
    let inherited = R::inherited(&exported.config);
    inherited.iter().for_each(note_inherited);
    Ok((exported.config, network))
}

/// A file, or the files of a folder that the network can be asked about.
fn inputs<R: Portable>(path: &Path) -> Vec<Result<PathBuf, (PathBuf, TrainError)>> {
    if !path.is_dir() {
        return vec![Ok(path.to_path_buf())];
    }
    match R::inputs(path) {
        Ok(files) => files.into_iter().map(Ok).collect(),
        Err(error) => vec![Err((path.to_path_buf(), error))],
    }
}
