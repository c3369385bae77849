mod locking;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::checkpoint::{self, Checkpoint, Loaded};
use crate::files::write_atomic;
use crate::run_folder::RunFolder;
use crate::{Result, WorkbenchError, metrics};

/// Doubles a number in every epoch; each record depends on all epochs before.
#[derive(Debug, Clone)]
struct Doubling {
    number: f64,
    epoch: usize,
    epochs: usize,
    /// Part of the configuration.
    seed: u64,
    /// Part of the data.
    examples: u64,
    fault: Option<Fault>,
    extension: Option<Extension>,
}

/// Something that goes wrong in an epoch, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// As a process that is killed between its log and its checkpoint.
    Save(usize),
    /// As one that is killed between its checkpoint and its reports.
    Reports(usize),
    /// A figure is no number.
    Diverge(usize),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Doubled {
    epoch: usize,
    number: f64,
}

#[derive(Debug, PartialEq, Serialize)]
struct End {
    backend: String,
    records: usize,
    number: f64,
}

impl EpochRecord for Doubled {
    fn epoch(&self) -> usize {
        self.epoch
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        vec![("number", self.number)]
    }
}

fn killed() -> WorkbenchError {
    WorkbenchError::field("fault", "here", "none")
}

impl RunData for Doubling {
    const UNREADABLE: [&'static str; 2] = ["number", "numbers"];

    fn description(&self) -> Value {
        json!({ "examples": self.examples })
    }

    fn check(&self, before: &Value) -> Result<()> {
        match before == &self.description() {
            true => Ok(()),
            false => Err(WorkbenchError::field("data", before, "other data")),
        }
    }

    fn notes(&self) -> Vec<String> {
        vec!["read with care".into()]
    }

    fn unreadable(&self) -> Vec<String> {
        (0..self.epoch.min(2))
            .map(|n| format!("number {n}"))
            .collect()
    }
}

impl Experiment for Doubling {
    type Record = Doubled;
    type Outcome = End;
    type Error = WorkbenchError;
    type Data = Self;

    const WHAT: &'static str = "doubling";

    fn data(&self) -> &Self {
        self
    }

    fn config_toml(&self) -> Result<String> {
        let seed = format!("seed = {}\n", self.seed);
        Ok(match self.extension {
            Some(_) => format!("{seed}epochs = {}\n", self.epochs),
            None => seed,
        })
    }

    fn fingerprint(&self) -> Result<String> {
        let seed = format!("seed-{}", self.seed);
        Ok(match &self.extension {
            Some(extension) => format!("{seed}-after-{}", extension.after),
            None => seed,
        })
    }

    fn extension(&self) -> Option<&Extension> {
        self.extension.as_ref()
    }

    fn epoch(&self) -> usize {
        self.epoch
    }

    fn is_finished(&self) -> bool {
        self.epoch >= self.epochs
    }

    fn run_epoch(mut self, reporter: &mut impl Reporter<Doubled>) -> Result<(Self, Doubled)> {
        self.epoch += 1;
        self.number *= 2.0;
        reporter.step(self.epoch, Some(self.number));
        let number = match self.fault == Some(Fault::Diverge(self.epoch)) {
            true => f64::NAN,
            false => self.number,
        };
        let epoch = self.epoch;
        Ok((self, Doubled { epoch, number }))
    }

    fn save(&self, checkpoint: Checkpoint) -> Result<Checkpoint> {
        if self.fault == Some(Fault::Save(self.epoch)) {
            return Err(killed());
        }
        let number = self.number.to_le_bytes().to_vec();
        Ok(checkpoint.with_section("number", number))
    }

    fn restore(mut self, loaded: &Loaded) -> Result<Self> {
        let bytes = loaded.section("number")?.try_into();
        self.number = f64::from_le_bytes(bytes.expect("eight bytes were saved"));
        self.epoch = loaded.index as usize;
        Ok(self)
    }

    fn write_reports(&self, folder: &RunFolder, records: &[Doubled]) -> Result<()> {
        if self.fault == Some(Fault::Reports(self.epoch)) {
            return Err(killed());
        }
        write_atomic(
            folder.file("curve.txt"),
            format!("{} epochs", records.len()),
        )
    }

    fn write_product(&self, folder: &RunFolder) -> Result<()> {
        write_atomic(folder.file("number.txt"), self.number.to_string())
    }

    fn outcome(&self, backend: &str, records: &[Doubled]) -> Result<Ended<End>> {
        let outcome = End {
            backend: backend.into(),
            records: records.len(),
            number: self.number,
        };
        Ok(Ended {
            outcome,
            answers: Vec::new(),
        })
    }
}

fn doubling() -> Doubling {
    Doubling {
        number: 1.0,
        epoch: 0,
        epochs: 4,
        seed: 7,
        examples: 3,
        fault: None,
        extension: None,
    }
}

fn with(fault: Fault) -> Doubling {
    Doubling {
        fault: Some(fault),
        ..doubling()
    }
}

#[derive(Default)]
struct Collector {
    steps: usize,
    notes: Vec<String>,
    epochs: Vec<usize>,
}

impl Reporter<Doubled> for Collector {
    fn step(&mut self, _: usize, _: Option<f64>) {
        self.steps += 1;
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.into());
    }

    fn epoch(&mut self, record: &Doubled) {
        self.epochs.push(record.epoch);
    }
}

struct Place {
    _parent: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        Self {
            _parent: parent,
            path,
        }
    }

    fn start(&self, experiment: Doubling) -> Result<Session<Doubling>> {
        Session::start(experiment, || RunFolder::create_at(&self.path), "flex")
    }

    fn resume(&self, experiment: Doubling) -> Result<(Session<Doubling>, Vec<String>)> {
        Session::resume(self.folder(), || Ok(experiment), "flex")
    }

    fn folder(&self) -> RunFolder {
        RunFolder::at(&self.path)
    }

    fn log(&self) -> Vec<Doubled> {
        metrics::read(self.folder().metrics()).unwrap()
    }

    /// All files but the lock.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = contents(&self.path);
        files.remove(&self.folder().lock());
        files
    }
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

fn run(session: Session<Doubling>) -> Result<End> {
    session.run(&mut Collector::default())
}

/// The files of a run that nothing happened to, by their names in the folder.
fn whole() -> (BTreeMap<PathBuf, Vec<u8>>, End) {
    let place = Place::new();
    let end = run(place.start(doubling()).unwrap()).unwrap();
    (relative(&place), end)
}

fn relative(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let inside = |path: PathBuf| path.strip_prefix(&place.path).unwrap().to_path_buf();
    let files = place.files().into_iter();
    files.map(|(path, bytes)| (inside(path), bytes)).collect()
}

#[test]
fn a_run_is_logged_saved_reported_and_ended() {
    let place = Place::new();
    let session = place.start(doubling()).unwrap();
    assert_eq!(session.experiment().epoch(), 0);
    assert_eq!(session.folder().path(), place.path);
    let mut collector = Collector::default();
    let end = session.run(&mut collector).unwrap();
    assert_eq!((end.number, end.records), (16.0, 4));
    assert_eq!((collector.steps, collector.epochs), (4, vec![1, 2, 3, 4]));
    let notes = [
        "read with care",
        "number 0",
        "number 1",
        "2 numbers could not be read",
    ];
    assert_eq!(collector.notes, notes);
    let numbers: Vec<f64> = place.log().iter().map(|record| record.number).collect();
    assert_eq!(numbers, [2.0, 4.0, 8.0, 16.0]);
    let text = fs::read_to_string(place.folder().result()).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(result["backend"], "flex");
    let config = fs::read_to_string(place.folder().config()).unwrap();
    assert_eq!(config, "seed = 7\n");
    let product = fs::read_to_string(place.folder().file("number.txt")).unwrap();
    assert_eq!(product, "16");
}

#[test]
fn a_finished_run_is_extended_and_one_stopped_before_its_first_new_epoch_too() {
    let place = Place::new();
    run(place.start(doubling()).unwrap()).unwrap();
    let first = fs::read(place.folder().result()).unwrap();
    let loaded = || checkpoint::load_latest(&place.path).unwrap().unwrap();
    let message = Extension::of(&loaded(), 4).unwrap_err().to_string();
    assert_eq!(
        message,
        "`--epochs` is 4; valid is more than the 4 epochs that are done"
    );
    let longer = |epochs, fault| Doubling {
        epochs,
        fault,
        extension: Some(Extension::of(&loaded(), epochs).unwrap()),
        ..doubling()
    };
    let extended = longer(6, None);
    let stopped = longer(6, Some(Fault::Save(5)));
    run(place.resume(stopped).unwrap().0).unwrap_err();
    assert!(!place.folder().result().exists());
    let aside = place.folder().file("result-epoch-4.json");
    assert_eq!(fs::read(aside).unwrap(), first);
    let config = fs::read_to_string(place.folder().config()).unwrap();
    assert_eq!(config, "seed = 7\nepochs = 6\n");
    // The checkpoint is still that of the run that was extended.
    let end = run(place.resume(extended.clone()).unwrap().0).unwrap();
    assert_eq!((end.number, end.records), (64.0, 6));
    // Now it is that of the extended one, which can be extended again.
    let again = longer(7, None);
    assert_eq!(again.extension.as_ref().unwrap().of, "seed-7-after-4");
    assert_eq!(run(place.resume(again).unwrap().0).unwrap().number, 128.0);
    assert!(place.resume(extended).is_err());
}

#[test]
fn killed_at_any_moment_and_resumed_it_ends_the_same() {
    let (files, end) = whole();
    for fault in [
        Fault::Save(1),
        Fault::Save(3),
        Fault::Reports(1),
        Fault::Reports(4),
        Fault::Diverge(2),
    ] {
        let place = Place::new();
        run(place.start(with(fault)).unwrap()).unwrap_err();
        assert!(!place.folder().result().exists());
        let (session, _) = place.resume(doubling()).unwrap();
        assert_eq!(run(session).unwrap(), end, "{fault:?}");
        assert_eq!(relative(&place), files, "{fault:?}");
        // Finished, it only says again how it ended.
        let (session, notes) = place.resume(doubling()).unwrap();
        assert_eq!((run(session).unwrap(), notes.len()), (end_of(&end), 0));
        assert_eq!(relative(&place), files, "{fault:?}");
    }
}

fn end_of(end: &End) -> End {
    End {
        backend: end.backend.clone(),
        ..*end
    }
}

#[test]
fn a_log_ahead_of_the_checkpoint_is_cut_and_need_not_be_readable_there() {
    let place = Place::new();
    run(place.start(with(Fault::Save(3))).unwrap()).unwrap_err();
    assert_eq!(place.log().len(), 3);
    let path = place.folder().metrics();
    let text = fs::read_to_string(&path).unwrap() + "of another form\n{\"epoch\": 4, \"num";
    fs::write(&path, text).unwrap();
    let (session, notes) = place.resume(doubling()).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(place.log().len(), 2);
    assert_eq!(run(session).unwrap().records, 4);
}

#[test]
fn a_log_behind_the_checkpoint_is_said_to_be() {
    let place = Place::new();
    run(place.start(with(Fault::Save(4))).unwrap()).unwrap_err();
    let path = place.folder().metrics();
    let text = fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&path, format!("{first}\n")).unwrap();
    let (session, notes) = place.resume(doubling()).unwrap();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("1 of the 3 epochs"), "{}", notes[0]);
    let end = run(session).unwrap();
    assert_eq!((end.number, end.records), (16.0, 2));
}

#[test]
fn without_a_checkpoint_it_starts_anew() {
    let place = Place::new();
    run(place.start(with(Fault::Save(1))).unwrap()).unwrap_err();
    assert_eq!(place.log().len(), 1);
    let (session, notes) = place.resume(doubling()).unwrap();
    assert_eq!(
        notes,
        ["no checkpoint was written yet: the doubling starts anew"]
    );
    assert!(place.log().is_empty());
    assert_eq!(run(session).unwrap().number, 16.0);
}

#[test]
fn a_figure_that_is_no_number_is_refused_before_anything_is_written() {
    let place = Place::new();
    run(place.start(with(Fault::Reports(2))).unwrap()).unwrap_err();
    let before = place.files();
    let (session, _) = place.resume(with(Fault::Diverge(3))).unwrap();
    let message = run(session).unwrap_err().to_string();
    assert!(
        message.starts_with("the number of the doubling became NaN in epoch 3; "),
        "{message}"
    );
    assert_eq!(place.files(), before);
}

#[test]
fn a_refusal_to_resume_changes_nothing() {
    let place = Place::new();
    run(place.start(with(Fault::Save(3))).unwrap()).unwrap_err();
    let before = place.files();
    let refusal = |experiment| match place.resume(experiment) {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    };
    let other_seed = Doubling {
        seed: 8,
        ..doubling()
    };
    assert!(refusal(other_seed).contains("expected seed-8"));
    let other_data = Doubling {
        examples: 4,
        ..doubling()
    };
    assert!(refusal(other_data).contains("valid: other data"));
    let no_data = || Err(WorkbenchError::field("data.root", "gone", "a folder"));
    assert!(Session::<Doubling>::resume(place.folder(), no_data, "flex").is_err());
    assert_eq!(place.files(), before);
    // On another backend it goes on and says so.
    let (_, notes) = Session::resume(place.folder(), || Ok(doubling()), "cuda").unwrap();
    assert!(notes[0].contains("began on flex and goes on on cuda"));
}

#[test]
fn a_refusal_to_start_leaves_nothing_behind() {
    let place = Place::new();
    run(place.start(doubling()).unwrap()).unwrap();
    let before = place.files();
    let message = place.start(doubling()).err().unwrap().to_string();
    assert!(message.contains("exists already"), "{message}");
    // Nor does one that finds the folder taken after it was given.
    let folder = || Ok(place.folder());
    let message = Session::start(doubling(), folder, "flex").err().unwrap();
    assert!(message.to_string().contains("exists already"), "{message}");
    assert_eq!(place.files(), before);
}
