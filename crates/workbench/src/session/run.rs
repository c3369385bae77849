use super::lock::Lock;
use super::watched::Watched;
use super::{Ended, EpochRecord, Experiment, Extension, Reporter, RunData, UnreadableReport};
use crate::checkpoint::{self, Checkpoint, Loaded, RunIdentity};
use crate::files::write_atomic;
use crate::machine::{hardware, processor};
use crate::metrics::JsonLines;
use crate::report::Particulars;
use crate::run_folder::RunFolder;
use crate::{Result, WorkbenchError, files, interrupt};

/// An experiment in its run folder, which nobody else can write to as long as the session lives.
pub struct Session<E: Experiment> {
    experiment: E,
    identity: RunIdentity,
    folder: RunFolder,
    log: JsonLines,
    records: Vec<E::Record>,
    _lock: Lock,
}

impl<E: Experiment> Session<E> {
    /// Starts an experiment. `folder` makes the run folder; it is called when everything else is known to
    /// be in order, so that a refused experiment leaves nothing behind. `backend` names what it runs on.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written, is in use or holds a run already, or the experiment
    /// [extends](Experiment::extension) another.
    pub fn start(
        experiment: E,
        folder: impl FnOnce() -> Result<RunFolder>,
        backend: &str,
    ) -> Result<Self, E::Error> {
        let text = experiment.config_toml()?;
        if experiment.extension().is_some() {
            let valid = "left to `resume --epochs`, which extends a run that exists";
            return Err(WorkbenchError::field("extension", "given", valid).into());
        }
        let identity = identity(&experiment, backend)?;
        let folder = folder()?;
        let lock = Lock::take(&folder)?;
        // Somebody else may have begun in it and ended since it was found empty.
        if folder.config().exists() {
            return Err(folder.taken().into());
        }
        write_atomic(folder.config(), text)?;
        Ok(Self {
            log: JsonLines::create(folder.metrics())?,
            records: Vec::new(),
            experiment,
            identity,
            folder,
            _lock: lock,
        })
    }

    /// Continues the experiment of a run folder from its last readable checkpoint, or from the start
    /// where there is none yet. `open` makes the experiment anew, as it was at the start; it is called
    /// when a checkpoint was read. Also returned is what a person should know, a sentence each.
    ///
    /// Nothing in the folder is changed before everything is known to be in order. Then its `config.toml`
    /// becomes that of the experiment, which may say that the data lie elsewhere or that the run is
    /// extended; the result of a run that is extended gets another name.
    ///
    /// # Errors
    ///
    /// Those of `open`; when the folder is in use, no checkpoint of it is readable, or the checkpoint
    /// belongs to another configuration or to other data.
    pub fn resume(
        folder: RunFolder,
        open: impl FnOnce() -> Result<E, E::Error>,
        backend: &str,
    ) -> Result<(Self, Vec<String>), E::Error> {
        let lock = Lock::take(&folder)?;
        let loaded = checkpoint::load_latest(folder.path())?;
        let mut experiment = open()?;
        let identity = identity(&experiment, backend)?;
        let mut notes = Vec::new();
        match &loaded {
            Some(loaded) => {
                let extended = experiment
                    .extension()
                    .map(|Extension { of, .. }| of.as_str());
                loaded.check_config(&identity.fingerprint, extended)?;
                experiment.data().check(loaded.data()?)?;
                experiment = experiment.restore(loaded)?;
                notes.extend(loaded.notes(&identity));
            }
            None => notes.push(format!(
                "no checkpoint was written yet: the {} starts anew",
                E::WHAT
            )),
        }
        let epochs = epochs_of(loaded.as_ref());
        let keep = |record: &E::Record| record.epoch() <= epochs;
        let (log, records) = JsonLines::reopen(folder.metrics(), epochs, keep)?;
        if records.len() < epochs {
            notes.push(format!(
                "`{}` holds {} of the {epochs} epochs of the checkpoint; the curves lack the others",
                folder.metrics().display(),
                records.len()
            ));
        }
        remember_config(&experiment, &folder)?;
        let session = Self {
            experiment,
            identity,
            folder,
            log,
            records,
            _lock: lock,
        };
        Ok((session, notes))
    }

    /// The experiment as it is now.
    pub fn experiment(&self) -> &E {
        &self.experiment
    }

    /// The run folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Runs to the end. Each finished epoch is logged, saved and then reported, in this order, so that a
    /// run killed at any moment repeats at most the epoch it was in; the end is written to `result.json`.
    ///
    /// # Errors
    ///
    /// [`WorkbenchError::Interrupted`] after an epoch in which Ctrl-C was pressed; when the experiment
    /// diverges or the folder cannot be written. What was written stays.
    pub fn run(mut self, reporter: &mut impl Reporter<E::Record>) -> Result<E::Outcome, E::Error> {
        reporter.present(self.experiment.present(&self.records));
        for note in self.experiment.data().notes() {
            reporter.note(&note);
        }
        let mut particulars = self.particulars();
        particulars.write(&self.folder)?;
        self.write_page(reporter);
        let mut unreadable = UnreadableReport::default();
        while !self.experiment.is_finished() {
            let record;
            let mut watched = Watched::new(reporter);
            (self.experiment, record) = self.experiment.run_epoch(&mut watched)?;
            check_finite::<E>(&record)?;
            self.log.append(&record)?;
            // A checkpoint without its record would leave a hole in the log.
            self.log.sync()?;
            self.records.push(record.clone());
            let epoch = self.experiment.epoch();
            let bare = Checkpoint::of_run(&self.identity, epoch);
            let checkpoint = self.experiment.save(bare)?;
            checkpoint::save(self.folder.path(), epoch as u64, &checkpoint)?;
            self.experiment.write_reports(&self.folder, &self.records)?;
            self.write_page(reporter);
            reporter.epoch(&record);
            reporter.present(self.experiment.present(&self.records));
            let files = self.experiment.data().unreadable();
            unreadable.report(files, |text| reporter.note(text));
            if interrupt::is_asked() && !self.experiment.is_finished() {
                return Err(WorkbenchError::Interrupted {
                    done: format!("epoch {epoch}, which is saved"),
                    resume: interrupt::resume(),
                }
                .into());
            }
        }
        // Again, for a run that was killed between its last checkpoint and its reports.
        self.experiment.write_reports(&self.folder, &self.records)?;
        let Ended { outcome, answers } = self
            .experiment
            .outcome(&self.identity.backend, &self.records)?;
        let files = self.experiment.data().unreadable();
        unreadable.report(files, |text| reporter.note(text));
        unreadable.count(E::Data::UNREADABLE, |text| reporter.note(text));
        self.experiment.write_product(&self.folder)?;
        particulars
            .notes
            .extend(self.experiment.data().unreadable());
        particulars.answers = answers;
        particulars.write(&self.folder)?;
        files::write_json(self.folder.result(), "the result", &outcome)?;
        self.experiment.write_page(&self.folder)?;
        Ok(outcome)
    }

    /// Writes the page so far; a run that goes on does not end for it.
    fn write_page(&self, reporter: &mut impl Reporter<E::Record>) {
        if let Err(error) = self.experiment.write_page(&self.folder) {
            reporter.note(&format!("the page was not written: {error}"));
        }
    }

    /// What a page tells of a run that begins or goes on.
    fn particulars(&self) -> Particulars {
        let facts = self.experiment.facts().into_iter();
        Particulars {
            facts: facts.map(|(name, value)| (name.into(), value)).collect(),
            notes: self.experiment.data().notes(),
            hardware: hardware(&self.identity.backend),
            answers: Vec::new(),
        }
    }
}

fn identity<E: Experiment>(experiment: &E, backend: &str) -> Result<RunIdentity, E::Error> {
    Ok(RunIdentity {
        fingerprint: experiment.fingerprint()?,
        backend: backend.into(),
        processor: processor(),
        data: experiment.data().description(),
    })
}

/// Writes the configuration where it is not the one that the folder has. The order matters to a run that
/// is killed meanwhile: with neither of both it is one that lacks its end, which a resume makes again.
fn remember_config<E: Experiment>(experiment: &E, folder: &RunFolder) -> Result<(), E::Error> {
    let text = experiment.config_toml()?;
    let path = folder.config();
    if files::read_to_string(&path)? == text {
        return Ok(());
    }
    let result = folder.result();
    if result.exists() && !experiment.is_finished() {
        let aside = folder.file(&format!("result-epoch-{}.json", experiment.epoch()));
        std::fs::rename(&result, aside).map_err(WorkbenchError::io("rename", &result))?;
    }
    Ok(write_atomic(path, text)?)
}

fn epochs_of(loaded: Option<&Loaded>) -> usize {
    loaded.map_or(0, |loaded| loaded.index as usize)
}

fn check_finite<E: Experiment>(record: &E::Record) -> Result<()> {
    let mut figures = record.figures().into_iter();
    match figures.find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((figure, value)) => Err(WorkbenchError::NotFinite {
            what: E::WHAT,
            figure,
            value,
            epoch: record.epoch(),
        }),
    }
}
