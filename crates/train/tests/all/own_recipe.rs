//! A recipe from outside of the crate: a network with a hidden state that is carried from batch to batch,
//! epochs of unequal length, an average that begins late. It trains, and resumes to the same bits.

use std::path::Path;

use crate::sums::Sums;
use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};
use train::{Fit, FitConfig, TrainError};
use workbench::optim::Schedule;
use workbench::record::{FitEpoch, FitOutcome};
use workbench::run_folder::RunFolder;
use workbench::session::{Experiment, Reporter, Session};

type Train = Autodiff<Flex>;

/// Counts the steps of each epoch.
#[derive(Default)]
struct Steps(Vec<usize>);

impl Reporter<FitEpoch> for Steps {
    fn step(&mut self, epoch: usize, _loss: Option<f64>) {
        self.0.resize(epoch, 0);
        self.0[epoch - 1] += 1;
    }

    fn note(&mut self, _text: &str) {}

    fn epoch(&mut self, _record: &FitEpoch) {}
}

fn config(set: &[&str]) -> FitConfig<Sums> {
    let set: Vec<String> = set.iter().map(|field| field.to_string()).collect();
    FitConfig::resolve(None, &set).unwrap()
}

fn open(config: FitConfig<Sums>) -> Result<Fit<Train, Sums>, TrainError> {
    Fit::open(config, &FlexDevice)
}

fn start(folder: &Path, config: FitConfig<Sums>) -> Session<Fit<Train, Sums>> {
    let folder = || RunFolder::create_at(folder);
    Session::start(open(config).unwrap(), folder, "flex").unwrap()
}

/// Records and outcome of a finished run, without times.
fn ending(folder: &Path) -> (Vec<FitEpoch>, FitOutcome) {
    let folder = RunFolder::open(folder).unwrap();
    let mut records: Vec<FitEpoch> = workbench::metrics::read(folder.metrics()).unwrap();
    records.iter_mut().for_each(|record| record.seconds = 0.0);
    let mut outcome = FitOutcome::read(folder.result()).unwrap();
    outcome.seconds = 0.0;
    (records, outcome)
}

/// The sections of the last checkpoint.
fn state(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let loaded = workbench::checkpoint::load_latest(folder).unwrap().unwrap();
    loaded.checkpoint.sections
}

#[test]
fn epochs_of_unequal_length_are_trained_along_one_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let session = start(&path, config(&[]));
    let first_steps = session.experiment().first_steps().to_vec();
    let mut steps = Steps::default();
    let outcome = session.run(&mut steps).unwrap();
    assert_eq!(steps.0, [4, 5, 6, 4, 5, 6]);
    assert_eq!(first_steps, [0, 4, 9, 15, 19, 24, 30]);
    let all = 30;
    let (records, _) = ending(&path);
    let schedule = Schedule::Linear {
        from: 0.2,
        to: 0.02,
    };
    let mut done = 0;
    for (record, steps) in records.iter().zip(steps.0) {
        done += steps;
        let expected = schedule.value((done - 1) as f64 / all as f64);
        assert_eq!(record.learning_rate, expected, "epoch {}", record.epoch);
    }
    assert_eq!((outcome.weights, outcome.multiply_adds), (2, None));
    assert_eq!(outcome.genotype.trim(), "cell: keep@0");
    assert!(path.join("distance.svg").exists());
}

#[test]
fn what_a_pass_leaves_reaches_the_pass_of_the_next_batch() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, set: &[&str]| {
        let path = folder.path().join(name);
        let long = ["fit.epochs=40", "fit.average_decay=0"];
        let session = start(&path, config(&[&long[..], set].concat()));
        session.run(&mut Steps::default()).unwrap().test.value
    };
    // The answer is a sum over all batches so far, which nobody knows who sees but the last.
    let whole = run("whole", &["fit.parts=1"]);
    assert!(whole < 1e-3, "{whole}");
    let cut = run("cut", &["fit.parts=3"]);
    assert!((whole - cut).abs() < 1e-4, "{whole} {cut}");
    let forgetful = run("forgetful", &["network.forgets=true"]);
    assert!(forgetful > 0.05, "{forgetful}");
}

#[test]
fn an_interrupted_run_ends_as_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let set = ["fit.parts=2", "fit.patience=5"];
    start(&whole, config(&set))
        .run(&mut Steps::default())
        .unwrap();
    let sections = state(&whole);
    assert!(sections.contains_key("average") && sections.contains_key("best"));

    // Data that cannot be read in the fourth epoch stop it, in the midst of a step.
    let stopped = [&set[..], &["data.unreadable_epoch=3"]].concat();
    let session = start(&broken, config(&stopped));
    let error = session.run(&mut Steps::default()).err().unwrap();
    assert!(error.to_string().contains("unreadable"), "{error}");
    assert!(!broken.join("result.json").exists());
    let opened = || open(config(&set));
    let folder = RunFolder::open(&broken).unwrap();
    let (session, notes) = Session::resume(folder, opened, "flex").unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(session.experiment().epoch(), 3);
    session.run(&mut Steps::default()).unwrap();
    assert_eq!(ending(&broken), ending(&whole));
    assert_eq!(state(&broken), sections);
}

#[test]
fn a_batch_can_scale_its_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let still = folder.path().join("still");
    let session = start(&still, config(&["network.learning_rate_factor=0"]));
    session.run(&mut Steps::default()).unwrap();
    let (records, _) = ending(&still);
    let first = records[0].validation;
    assert!(records.iter().all(|record| record.validation == first));
    assert!(records[0].learning_rate > 0.0);
}

#[test]
fn what_the_recipe_cannot_do_is_refused_by_name() {
    for (set, expected) in [
        ("fit.precision=bf16", "`fit.precision` is bf16; valid: f32"),
        ("task=image", "`task` is image; valid: sums"),
        ("fit.parts=7", "`fit.parts` is 7; valid: 1 to 6"),
        ("fit.batch_size=0", "`fit.batch_size` is 0"),
        ("data.streams=0", "`data.streams` is 0"),
        ("fit.drop_path=0.1", "unknown field `drop_path`"),
        ("genotype=snas", "unknown genotype `snas`; valid: a file"),
        ("genotype=cell: kep@0", "did you mean `keep`"),
    ] {
        let error = FitConfig::<Sums>::resolve(None, &[set.to_string()]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let config = config(&["data.held_out=false"]);
    let error = open(FitConfig {
        fit: {
            let mut fit = config.fit.clone();
            fit.patience = 1;
            fit
        },
        ..config
    });
    let message = error.err().unwrap().to_string();
    assert!(message.contains("`fit.patience` is 1"), "{message}");
}
