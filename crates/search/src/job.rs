//! What runs on a backend: one search, several seeds, or the choice among them.

use std::path::{Path, PathBuf};

use supernet::TrainBackend;
use workbench::backend::BackendName;
use workbench::cli::{ConfigFile, MemoryNeed, RunsOn, WatchArgs, command, this_command};
use workbench::config::{Source, task_name};
use workbench::machine::hardware_on;
use workbench::portability::{Errand, Tracer, adapters};
use workbench::problem::Problem;
use workbench::progress::{Progress, RunAbout};
use workbench::record::{InheritedScore, InheritedScores, SearchEpoch};
use workbench::run_folder::{RunFolder, RunKind};
use workbench::seeds::Seeds;
use workbench::session::Experiment;
use workbench::{WorkbenchError, files, interrupt, metrics};

use crate::best::{Retraining, candidates, choose, retrain};
use crate::cells::named_cells;
use crate::display::epoch_table;
use crate::remarks::remarks;
use crate::resume::Continuation;
use crate::score;
use crate::seeds::{self, nothing_finished, seed_folders};
use crate::tasks::{TaskName, for_task};
use crate::{Search, SearchConfig, SearchError, SearchPlan, Session, Task, TrainTask, summary};

/// Something that is ready to run on some backend.
#[derive(Debug)]
pub struct Job {
    pub(crate) work: Work,
    pub(crate) task: TaskName,
    pub(crate) on: RunsOn,
    pub(crate) watch: WatchArgs,
    /// What it runs on.
    pub backend: BackendName,
}

#[derive(Debug)]
pub(crate) enum Work {
    /// A search into a new folder.
    Search {
        config: ConfigText,
        out: Option<PathBuf>,
    },
    /// A search goes on.
    Resume {
        folder: RunFolder,
        how: Continuation,
    },
    /// One search for each seed, into `seed-SEED` of the folder.
    Seeds {
        config: ConfigText,
        seeds: Seeds,
        out: Option<PathBuf>,
    },
    /// Retrains what the searches of a folder found.
    Best {
        folder: PathBuf,
        how: Retraining,
        data_root: Option<PathBuf>,
    },
    /// What comparing backends asks of this one.
    Portability { config: ConfigText, errand: Errand },
    /// Scores cells with the weights that a search left.
    Score {
        folder: RunFolder,
        cells: Vec<String>,
        data_root: Option<PathBuf>,
        result: Option<PathBuf>,
    },
}

/// What a configuration is made of: a file, and fields that are set.
#[derive(Debug)]
pub(crate) struct ConfigText {
    pub(crate) file: Option<ConfigFile>,
    pub(crate) set: Vec<String>,
}

impl ConfigText {
    fn source(&self) -> Option<Source<'_>> {
        self.file.as_ref().map(ConfigFile::source)
    }

    /// The task that it names.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub(crate) fn task(&self) -> Result<TaskName, SearchError> {
        Ok(TaskName::find(&task_name(self.source(), &self.set)?)?)
    }

    /// The configuration of a task.
    ///
    /// # Errors
    ///
    /// As [`SearchConfig::resolve`].
    pub(crate) fn resolve<T: Task>(&self) -> Result<SearchConfig<T>, SearchError> {
        SearchConfig::resolve(self.source(), &self.set)
    }
}

impl Job {
    /// Whether it tells which device and driver it ran on.
    pub fn describes_device(&self) -> bool {
        matches!(&self.work, Work::Portability { errand, .. } if errand.is_trace())
    }

    /// Does it on a backend and prints what came of it; `adapter` is the device where it is
    /// [described](Self::describes_device).
    ///
    /// # Errors
    ///
    /// Whatever stops it.
    pub fn run<B: TrainBackend>(
        self,
        device: B::Device,
        compiled: &[BackendName],
        adapter: Option<String>,
    ) -> Result<(), SearchError> {
        let selected = self.backend.probe::<B>(device, compiled)?;
        let place = Place::<B> {
            adapter,
            backend: self.backend,
            device: selected.device,
            label: selected.label,
            on: self.on,
            watch: self.watch,
        };
        for_task!(self.task, T => place.work::<T>(self.work))
    }
}

/// Where a job runs.
struct Place<B: TrainBackend> {
    backend: BackendName,
    device: B::Device,
    label: String,
    adapter: Option<String>,
    on: RunsOn,
    watch: WatchArgs,
}

impl<B: TrainBackend> Place<B> {
    fn work<T: TrainTask<B>>(&self, work: Work) -> Result<(), SearchError> {
        match work {
            Work::Search { config, out } => self.start::<T>(config.resolve()?, out, Share::Whole),
            Work::Resume { folder, how } => {
                let config = how.config::<T>(&folder)?;
                self.resume(folder, config, Share::Whole)
            }
            Work::Seeds { config, seeds, out } => self.seeds::<T>(&config.resolve()?, &seeds, out),
            Work::Portability { config, errand } => self.errand::<T>(&config, errand),
            Work::Best {
                folder,
                how,
                data_root,
            } => self.best::<T>(&folder, &how, data_root.as_deref()),
            Work::Score {
                folder,
                cells,
                data_root,
                result,
            } => {
                let config = SearchConfig::<T>::of_run(&folder)?;
                let config = config.with_root(data_root.as_deref())?;
                let scores = self.score(folder, config, &cells)?;
                print!("{}", score::table(&scores));
                if let Some(path) = result {
                    files::write_json(path, "the scores", &scores)?;
                }
                Ok(())
            }
        }
    }

    fn check<T: TrainTask<B>>(&self, config: &SearchConfig<T>) -> Result<(), SearchError> {
        let precision = config.search.precision;
        let refuse = |valid: String| SearchError::field("search.precision", precision, &valid);
        precision.check(self.backend).map_err(refuse)
    }

    fn start<T: TrainTask<B>>(
        &self,
        config: SearchConfig<T>,
        out: Option<PathBuf>,
        share: Share,
    ) -> Result<(), SearchError> {
        self.check(&config)?;
        let name = config.name.clone();
        let folder = || match out {
            Some(path) => RunFolder::create_at(path),
            None => RunFolder::create("runs", &name, None),
        };
        let (search, memory) = self.open::<T>(config)?;
        let session = Session::start(search, folder, &self.label)?;
        self.run(session, memory, share)
    }

    /// Opens a search whose step fits into memory, and says how much of it a step needs.
    fn open<T: TrainTask<B>>(
        &self,
        config: SearchConfig<T>,
    ) -> Result<(Search<B, T>, Option<MemoryNeed>), SearchError> {
        let plan = SearchPlan::open(config)?;
        let advice = |fits: &dyn Fn(u64) -> bool| plan.memory_advice(fits);
        let memory = self
            .on
            .check_memory(self.backend, plan.step_bytes(), advice)?;
        Ok((Search::of_plan(plan, &self.device)?, memory))
    }

    fn resume<T: TrainTask<B>>(
        &self,
        folder: RunFolder,
        config: SearchConfig<T>,
        share: Share,
    ) -> Result<(), SearchError> {
        self.check(&config)?;
        let mut memory = None;
        let open = || {
            let search;
            (search, memory) = self.open::<T>(config)?;
            Ok(search)
        };
        let (session, notes) = Session::resume(folder, open, &self.label)?;
        for note in notes {
            eprintln!("note: {note}");
        }
        self.run(session, memory, share)
    }

    /// Leaves what comparing backends asks of this one.
    fn errand<T: TrainTask<B>>(
        &self,
        config: &ConfigText,
        errand: Errand,
    ) -> Result<(), SearchError> {
        let (file, steps) = match errand {
            Errand::Adapters(file) => {
                let adapters = adapters::<B>(self.backend);
                return Ok(files::write_json(file, "the devices", &adapters)?);
            }
            Errand::Trace { file, steps } => (file, steps),
        };
        let tracer = Tracer::begin(steps);
        let config = without_warm_up(config.resolve::<T>()?);
        self.check(&config)?;
        let (search, _) = self.open::<T>(config)?;
        let hardware = hardware_on(&self.label, self.adapter.as_deref());
        let trace = search.trace(tracer, &self.label, hardware, steps)?;
        Ok(files::write_json(file, "what the steps were", &trace)?)
    }

    /// Scores cells with the weights of a search.
    fn score<T: TrainTask<B>>(
        &self,
        folder: RunFolder,
        config: SearchConfig<T>,
        cells: &[String],
    ) -> Result<InheritedScores, SearchError> {
        self.check(&config)?;
        // Cells are read first, so that a misspelt one costs no time.
        let genotypes = cells.iter().map(|named| named_cells::<T::Op>(named));
        let genotypes = genotypes.collect::<Result<Vec<_>, _>>()?;
        let open = || Ok(self.open::<T>(config)?.0);
        let (session, notes) = Session::resume(folder, open, &self.label)?;
        let search = session.experiment();
        if search.epoch() == 0 {
            let problem = "has no finished epoch, whose weights cells could be scored with; valid is a run \
                           that has one";
            return Err(session.folder().refused(problem).into());
        }
        for note in notes {
            eprintln!("note: {note}");
        }
        let mut scores = InheritedScores {
            epoch: search.epoch(),
            metric: search.data().metric(),
            cells: Vec::new(),
        };
        for (named, genotype) in cells.iter().zip(&genotypes) {
            let score = search.inherited(genotype)?;
            scores.cells.push(InheritedScore {
                named: named.clone(),
                genotype: genotype.to_string(),
                loss: score.loss,
                value: score.value,
            });
        }
        Ok(scores)
    }

    /// Runs to the end; `memory` is what a step needs.
    fn run<T: TrainTask<B>>(
        &self,
        session: Session<B, T>,
        memory: Option<MemoryNeed>,
        share: Share,
    ) -> Result<(), SearchError> {
        let folder = session.folder().clone();
        let config = session.experiment().config().clone();
        self.on.say(&format!(
            "{} on {}, into {}",
            config.name,
            self.label,
            folder.path().display()
        ));
        self.on.tell(&session.experiment().facts());
        if let Some(memory) = memory {
            self.on.say(&memory.line());
        }
        for remark in remarks(&config) {
            self.on.say(&format!("note: {remark}"));
        }
        let path = folder.path().display().to_string();
        let _watch = interrupt::watch(match share {
            Share::Whole => {
                let mut words = vec!["resume".to_string(), path.clone()];
                words.extend(self.watch.options());
                command("search", &words)
            }
            Share::OneOfSeveral => this_command("search"),
        });
        let search = session.experiment();
        let about = RunAbout {
            label: Search::<B, T>::WHAT.into(),
            name: config.name.clone(),
            on: self.label.clone(),
            into: path,
            memory: memory.map(|memory| memory.expected()),
            first_steps: search.first_steps().to_vec(),
            epochs_done: search.epoch(),
        };
        let progress = Progress::of_run(about, self.watch.verbosity(&self.on));
        let mut display = epoch_table(progress);
        let ended = self.watch.run(session, &mut display);
        display.finish();
        let outcome = ended?;

        let records: Vec<SearchEpoch> = metrics::read(folder.metrics())?;
        print!("{}", summary(&folder, &config, &records, Some(&outcome)));
        if share == Share::Whole {
            let next = retraining(&folder, &config);
            self.on.tell_end(&folder, &[next]);
        }
        Ok(())
    }

    /// Searches with every seed. What is finished is kept and what is begun is resumed, so the same
    /// command continues after an interruption.
    fn seeds<T: TrainTask<B>>(
        &self,
        config: &SearchConfig<T>,
        seeds: &Seeds,
        out: Option<PathBuf>,
    ) -> Result<(), SearchError> {
        let default = || PathBuf::from(format!("runs/{}-seeds", config.name));
        let folder = out.unwrap_or_else(default);
        let mut finished = None;
        for &seed in seeds.as_slice() {
            if let Some(before) = finished.filter(|_| interrupt::is_asked()) {
                return Err(WorkbenchError::Interrupted {
                    done: format!("seed {before}, which is finished"),
                    resume: this_command("search"),
                }
                .into());
            }
            finished = Some(seed);
            let config = SearchConfig {
                seed,
                ..config.clone()
            };
            let path = folder.join(format!("seed-{seed}"));
            let run = RunFolder::at(&path);
            if !run.config().exists() {
                self.start(config, Some(path), Share::OneOfSeveral)?;
                continue;
            }
            let begun = SearchConfig::of_run(&run)?;
            if !begun.is_run_of(&config)? {
                let problem = "was searched with other settings; valid with --out is a folder of the \
                               same settings or one that does not exist";
                return Err(run.refused(problem).into());
            }
            if run.result().exists() {
                self.on.say(&format!("{} is finished", path.display()));
            } else {
                // The data may have moved.
                let name = begun.name;
                let config = SearchConfig { name, ..config };
                self.resume(run, config, Share::OneOfSeveral)?;
            }
        }
        seeds::write_page(&folder)?;
        print!("{}", seeds::summary(&folder)?);
        let folder = folder.display().to_string();
        let best = command("search", &["best", &folder]);
        self.on.say(&format!("{:<10}{best}", "next"));
        Ok(())
    }

    fn best<T: TrainTask<B>>(
        &self,
        folder: &Path,
        how: &Retraining,
        data_root: Option<&Path>,
    ) -> Result<(), SearchError> {
        let note = |text: &str| eprintln!("note: {text}");
        let (config, mut found) = candidates::<T>(folder, note)?;
        let config = config.with_root(data_root)?;
        let text = config.to_toml()?;
        let source = Source {
            name: "the searches",
            text: &text,
        };
        let config = SearchConfig::<T>::resolve(Some(source), &how.set)?;
        let mut metric = None;
        for candidate in &mut found {
            let mut progress: Option<Progress> = None;
            let on_step = |total: usize| {
                let new = || Progress::new(&candidate.run, 0, total as u64, self.on.verbosity());
                progress.get_or_insert_with(new).advance(1);
            };
            let genotype = &candidate.genotype;
            let (end, of) = retrain::<B, T>(&config, genotype, how, &self.device, on_step)?;
            progress.into_iter().for_each(Progress::finish);
            candidate.retrained = Some(end);
            metric = Some(of);
        }
        let metric = metric.ok_or_else(|| nothing_finished(folder))?;
        let best = choose(folder, how, metric, found)?;
        print!("{}", best.table());
        let next = retraining(&RunFolder::at(folder.join(&best.best)), &config);
        let folder = RunFolder::at(folder);
        self.on.tell_end(&folder, &[next]);
        Ok(())
    }
}

/// The search whose steps all move logits: codes are what is compared.
pub(crate) fn without_warm_up<T: Task>(mut config: SearchConfig<T>) -> SearchConfig<T> {
    config.search.warmup_epochs = 0;
    config
}

/// Whether a search is all that a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    Whole,
    OneOfSeveral,
}

/// The command that trains the child of the search in a folder from fresh weights, on its data.
fn retraining<T: Task>(run: &RunFolder, config: &SearchConfig<T>) -> String {
    let mut arguments = vec!["fit".to_string(), run.path().display().to_string()];
    // Where the data have moved, the folder does not know.
    let mut data = config.data.clone();
    if let Some(Some(root)) = T::data_root(&mut data) {
        arguments.extend(["--data-root".to_string(), root.display().to_string()]);
    }
    arguments.extend(T::retraining(config));
    command("train", &arguments)
}

/// The task that a run folder's configuration names.
///
/// # Errors
///
/// When the configuration cannot be read or names none, or the run was no search.
pub(crate) fn task_of(folder: &RunFolder) -> Result<TaskName, SearchError> {
    RunFolder::open_as(folder.path(), RunKind::Search)?;
    let config = ConfigText {
        file: Some(ConfigFile::read(folder.config())?),
        set: Vec::new(),
    };
    config.task()
}

/// The task of the searches of a folder.
pub(crate) fn task_of_seeds(folder: &Path) -> Result<TaskName, SearchError> {
    let runs = seed_folders(folder)?;
    let run = runs.iter().find(|run| run.config().exists());
    task_of(run.ok_or_else(|| nothing_finished(folder))?)
}
