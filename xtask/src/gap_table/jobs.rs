//! One method with one seed: a search, then a retraining of what it found.

use std::path::PathBuf;

use workbench::optim::Schedule;
use workbench::record::{FitOutcome, Metric, SearchOutcome, SecondScoring};

use super::table::{COLUMNS, Figure, Values};
use crate::passed::BackendOptions;

pub struct Job {
    /// Folder of the method; the run folder is `seed-SEED` in it.
    pub folder: PathBuf,
    pub seed: u64,
    /// Arguments of `search run`, without seed and folder.
    pub search: Vec<String>,
    /// Arguments of `train fit`, without the files; none when nothing is retrained.
    pub retrain: Option<Vec<String>>,
    /// How both run.
    pub on: BackendOptions,
}

/// What came of a job.
pub struct Finished {
    pub values: Values,
    /// What networks are judged by.
    pub metric: Metric,
    /// How its child was scored beside the way its supernet was.
    pub second: Option<SecondScoring>,
    /// Backend it searched on.
    pub backend: String,
    /// Temperature of the search from its start to its end.
    pub temperature: String,
}

impl Job {
    fn run_folder(&self) -> PathBuf {
        self.folder.join(format!("seed-{}", self.seed))
    }

    /// Does what is not done yet. Both binaries keep what is finished, go on with what was begun, and
    /// refuse a folder of other settings.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(self.search.iter().cloned());
        let folder = self.folder.display().to_string();
        arguments.extend([
            "--seeds".into(),
            self.seed.to_string(),
            "--out".into(),
            folder,
        ]);
        self.on.finish("search", arguments, &[])?;
        let Some(retrain) = &self.retrain else {
            return Ok(());
        };
        let text = |path: PathBuf| path.display().to_string();
        let genotype = text(self.run_folder().join("genotype.json"));
        let mut arguments = vec!["fit".to_owned(), genotype];
        arguments.extend(retrain.iter().cloned());
        let folder = text(self.run_folder().join("retrain"));
        arguments.extend(["--out".into(), folder, "--continue".into()]);
        self.on.finish("train", arguments, &[])
    }

    /// What came of the job; none while something is missing.
    pub fn result(&self) -> anyhow::Result<Option<Finished>> {
        let file = self.run_folder().join("result.json");
        if !file.exists() {
            return Ok(None);
        }
        let search = SearchOutcome::read(file)?;
        let retraining = match self.retrain {
            None => None,
            Some(_) => {
                let file = self.run_folder().join("retrain/result.json");
                if !file.exists() {
                    return Ok(None);
                }
                Some(FitOutcome::read(file)?)
            }
        };
        Ok(Some(Finished {
            values: COLUMNS.map(|column| match column.figure {
                Figure::Search(value) => value(&search),
                Figure::Retraining(value) => retraining.as_ref().and_then(value),
            }),
            temperature: ends(search.temperature),
            metric: search.metric,
            second: search.second.map(|second| second.scoring),
            backend: search.backend,
        }))
    }
}

/// Where a temperature begins and ends, if the result says so.
fn ends(temperature: Option<Schedule>) -> String {
    match temperature {
        Some(schedule) => format!("{:?} to {:?}", schedule.value(0.0), schedule.value(1.0)),
        None => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::tests::outcome;
    use std::fs;

    #[test]
    fn a_job_is_finished_when_both_results_are_there() {
        let folder = std::env::temp_dir().join(format!("gap-table-{}", std::process::id()));
        let run = folder.join("seed-3");
        fs::create_dir_all(run.join("retrain")).unwrap();
        let job = |retrain: Option<Vec<String>>| Job {
            folder: folder.clone(),
            seed: 3,
            search: Vec::new(),
            retrain,
            on: BackendOptions::default(),
        };
        assert!(job(None).result().unwrap().is_none());
        let text = serde_json::to_string(&outcome(3, 10.0)).unwrap();
        fs::write(run.join("result.json"), text).unwrap();
        assert!(job(Some(Vec::new())).result().unwrap().is_none());
        let searched = job(None).result().unwrap().unwrap();
        assert_eq!(searched.values[..4], [12.0, 10.0, -2.0, 11.0].map(Some));
        assert_eq!((searched.values[4], searched.values[5]), (Some(-1.0), None));
        assert_eq!(searched.temperature, "5.0 to 1.0");

        let retrained = r#"{"name":"x","data":"digits","seed":3,"backend":"flex","epochs":2,
            "result_epoch":2,"weights":77,"multiply_adds":9,"test_loss":0.5,"test_error":4.5,
            "genotype":"","seconds":1.0}"#;
        fs::write(run.join("retrain/result.json"), retrained).unwrap();
        let both = job(Some(Vec::new())).result().unwrap().unwrap();
        assert_eq!(both.values[5..8], [4.5, 400.0, 77.0].map(Some));

        fs::write(run.join("result.json"), "{}").unwrap();
        let message = job(None).result().err().unwrap().to_string();
        assert!(message.contains("result.json"), "{message}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_temperature_has_two_ends_where_it_is_known() {
        assert_eq!(ends(Some(Schedule::Constant { value: 2.5 })), "2.5 to 2.5");
        assert_eq!(ends(None), "unknown");
    }
}
