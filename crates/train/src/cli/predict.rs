use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::json;
use supernet::TrainBackend;
use workbench::cli::RunsOn;

use super::network::{self, network_in};
use super::place::Place;
use super::views::{ViewArgs, of_scenes};
use crate::portable::{Portable, Question};
use crate::{TrainError, TrainRecipe};

#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// A run folder, also of a search, or an exported network.
    network: PathBuf,
    /// Files of what the network takes, and folders of them: images as JPEG, PNG, WebP or BMP, text in
    /// UTF-8.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder for the pictures that a network answers with; by default beside each file.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    views: ViewArgs,
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
        if self.out.is_some() && !R::MAKES_PICTURES {
            return Err(of_scenes::<R>("out"));
        }
        let question = Question {
            top: self.top,
            views: self.views.views::<R>()?,
            out: self.out.clone(),
        };
        let device = &place.probe()?.device;
        let root = self.data_root.as_deref();
        let (export, model) = network_in::<B, R>(&self.network, root, device)?;
        let answer = |input: &Path| {
            let prediction = R::predict(&export, &model, input, &question, device)?;
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
