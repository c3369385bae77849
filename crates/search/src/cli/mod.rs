//! The command line, apart from the choice of a backend's type.

mod help;
mod portability;

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use workbench::WorkbenchError;
use workbench::backend::BackendName;
use workbench::cli::{
    CompareArgs, CompletionArgs, ConfigFile, ConfigQuery, ConfigQuestion, ManArgs, ResumeArgs,
    RunArgs, RunsOn, Shorthands, TensorboardArgs, WatchArgs, examples, examples_and_exit_codes,
    set_text,
};
use workbench::config::DEFAULT_TASK;
use workbench::files;
use workbench::metrics;
use workbench::record::{SearchEpoch, SearchOutcome};
use workbench::report::write_page;
use workbench::run_folder::{RunFolder, RunKind};

use crate::best::Retraining;
use crate::cells::named_cells;
pub use crate::job::Job;
use crate::job::{ConfigText, Work, task_of, task_of_seeds};
use crate::page::MADE_BY;
use crate::resume::Continuation;
use crate::seeds::{self, is_of_seeds};
use crate::tasks::{AllShorthands, TaskName, for_task};
use crate::{SearchConfig, SearchError, Task, draw_genotype, run_page, summary};

/// Differentiable architecture search with the Ensemble Gumbel-Softmax estimator.
///
/// Without a command it searches: by default on the bundled digits.
#[derive(Debug, Parser)]
#[command(
    name = "search",
    version,
    args_conflicts_with_subcommands = true,
    after_long_help = examples_and_exit_codes(help::SEARCH)
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: SearchArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search (what happens without a command).
    #[command(after_long_help = examples(help::RUN))]
    Run(Box<SearchArgs>),
    /// Continue a search from its last checkpoint, or beyond its end with --epochs.
    #[command(after_long_help = examples(help::RESUME))]
    Resume {
        #[command(flatten)]
        resume: ResumeArgs,
        /// With --epochs: temperature of the epochs that are left, a number or a schedule.
        #[arg(long, value_name = "SCHEDULE", requires = "epochs")]
        temperature: Option<String>,
        #[command(flatten)]
        watch: WatchArgs,
        #[command(flatten)]
        on: RunsOn,
    },
    /// Print the summary of a run, or the table of several seeds.
    #[command(after_long_help = examples(help::SHOW))]
    Show {
        /// The run folder, or the one that `run --seeds` filled.
        run: PathBuf,
    },
    /// Write the page of a run, or of several seeds, again from what lies in its folder.
    #[command(after_long_help = examples(help::REPORT))]
    Report {
        /// The run folder, or the one that `run --seeds` filled.
        run: PathBuf,
    },
    /// Put searches side by side: what their settings differ in, scores, times and weights.
    #[command(after_long_help = examples(help::COMPARE))]
    Compare(CompareArgs),
    /// Retrain what several seeds found for a few epochs and pick the best by validation error.
    #[command(after_long_help = examples(help::BEST))]
    Best(BestArgs),
    /// Score cells with the weights that a search left, as its own child is scored: on what validates.
    #[command(after_long_help = examples(help::SCORE))]
    Score(ScoreArgs),
    /// Take the steps of one search on every backend, and compare what comes of them and how long they take.
    #[command(after_long_help = examples(help::PORTABILITY))]
    Portability(Box<portability::PortabilityCommand>),
    /// Draw cells as SVG.
    #[command(after_long_help = examples(help::DRAW))]
    Draw {
        /// Published cells by name, such as darts-v2, a genotype file or a run folder; FILE#NAME is one
        /// of several in a file.
        genotype: String,
        /// The picture to write, an .svg file.
        out: PathBuf,
        /// The task the cells are of; by default the first one that can read them.
        #[arg(long, value_name = "NAME")]
        task: Option<String>,
    },
    /// Print or check a configuration.
    #[command(after_long_help = examples(help::CONFIG))]
    Config(ConfigQuery),
    /// Write the curves of runs as event files for TensorBoard.
    #[command(after_long_help = examples(help::TENSORBOARD))]
    Tensorboard(TensorboardArgs),
    /// Print a script with which a shell completes these commands.
    #[command(after_long_help = examples(help::COMPLETIONS))]
    Completions(CompletionArgs),
    /// Write a man page for each command.
    #[command(after_long_help = examples(help::MAN))]
    Man(ManArgs),
}

#[derive(Debug, Args)]
struct SearchArgs {
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    watch: WatchArgs,
}

/// What is searched, and on what.
#[derive(Debug, Args)]
struct StartArgs {
    #[command(flatten)]
    run: RunArgs,
    /// How it is searched: egs, darts, snas, gdas or random (--set search.method).
    #[arg(long, value_name = "NAME")]
    method: Option<String>,
    #[command(flatten)]
    shorthands: Shorthands<AllShorthands>,
    #[command(flatten)]
    on: RunsOn,
}

#[derive(Debug, Args)]
struct BestArgs {
    /// The folder that `run --seeds` filled; `best.json` and `genotype.json` are written into it.
    folder: PathBuf,
    /// Epochs of each retraining.
    #[arg(long, value_name = "N", default_value_t = 10)]
    epochs: usize,
    /// Folder of the data set, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// In place of what the searches had.
    #[command(flatten)]
    shorthands: Shorthands<AllShorthands>,
    /// Seed of the retraining and of the division into training and validation data.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    on: RunsOn,
}

#[derive(Debug, Args)]
struct ScoreArgs {
    /// The run folder of the search.
    run: PathBuf,
    /// The cells: published ones by name, a genotype file, a run folder or their text.
    #[arg(required = true)]
    cells: Vec<String>,
    /// Folder of the data set, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// Write the scores as JSON to this file too.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    #[command(flatten)]
    on: RunsOn,
}

impl StartArgs {
    /// The file and the fields that are set, options among them, and the task of both.
    fn config(&self) -> Result<(ConfigText, TaskName), SearchError> {
        let file = self.run.config.file()?;
        let mut set = self.run.overrides("search");
        let method = self.method.as_deref();
        set.extend(method.map(|method| set_text("search.method", method)));
        let mut config = ConfigText { file, set };
        let task = config.task()?;
        let own = for_task!(task, T => T::SHORTHANDS);
        config.set.extend(self.shorthands.overrides(own)?);
        Ok((config, task))
    }
}

impl Cli {
    /// Does what was asked for; what needs a backend is returned instead, for the caller to run on
    /// the one it names.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the arguments and files.
    pub fn prepare(self, compiled: &[BackendName]) -> Result<Option<Job>, SearchError> {
        let mut watch = WatchArgs::default();
        let (task, work, on) = match self
            .command
            .unwrap_or_else(|| Command::Run(Box::new(self.run)))
        {
            Command::Run(args) => {
                let SearchArgs { start, watch: how } = *args;
                let (config, task) = start.config()?;
                // Refused before a device is looked for.
                for_task!(task, T => config.resolve::<T>().map(drop))?;
                let (seeds, out) = (start.run.seeds()?, start.run.out);
                watch = how;
                let work = match seeds {
                    Some(seeds) => Work::Seeds { config, seeds, out },
                    None => Work::Search { config, out },
                };
                (task, work, start.on)
            }
            Command::Resume {
                resume,
                temperature,
                watch: how,
                on,
            } => {
                watch = how;
                let folder = RunFolder::open_as(&resume.run, RunKind::Search)?;
                let task = task_of(&folder)?;
                let how = Continuation {
                    resume,
                    temperature,
                };
                (task, Work::Resume { folder, how }, on)
            }
            Command::Portability(command) => {
                let (config, task) = command.start.config()?;
                let Some(errand) = command.portability.errand() else {
                    for_task!(task, T => command.compare::<T>(&config, compiled))?;
                    return Ok(None);
                };
                (task, Work::Portability { config, errand }, command.start.on)
            }
            Command::Best(args) => {
                if args.epochs == 0 {
                    return Err(SearchError::field("epochs", 0, "1 or more"));
                }
                let task = task_of_seeds(&args.folder)?;
                let own = for_task!(task, T => T::SHORTHANDS);
                let work = Work::Best {
                    folder: args.folder,
                    how: Retraining {
                        epochs: args.epochs,
                        set: args.shorthands.overrides(own)?,
                        seed: args.seed,
                    },
                    data_root: args.data_root,
                };
                (task, work, args.on)
            }
            Command::Score(args) => {
                let folder = RunFolder::open_as(&args.run, RunKind::Search)?;
                let task = task_of(&folder)?;
                let work = Work::Score {
                    folder,
                    cells: args.cells,
                    data_root: args.data_root,
                    result: args.result,
                };
                (task, work, args.on)
            }
            Command::Show { run } => {
                if is_of_seeds(&run) {
                    print!("{}", seeds::summary(&run)?);
                    return Ok(None);
                }
                let folder = RunFolder::open_as(run, RunKind::Search)?;
                for_task!(task_of(&folder)?, T => show::<T>(&folder))?;
                return Ok(None);
            }
            Command::Report { run } => {
                let folder = match is_of_seeds(&run) {
                    true => {
                        seeds::write_page(&run)?;
                        RunFolder::at(run)
                    }
                    false => {
                        let folder = RunFolder::open_as(run, RunKind::Search)?;
                        for_task!(task_of(&folder)?, T => report::<T>(&folder))?;
                        folder
                    }
                };
                println!("wrote {}", folder.page().display());
                return Ok(None);
            }
            Command::Compare(args) => {
                args.run(RunKind::Search, MADE_BY)?;
                return Ok(None);
            }
            Command::Draw {
                genotype,
                out,
                task,
            } => {
                let task = match task {
                    Some(name) => TaskName::find(&name)?,
                    None => task_of_cells(&genotype),
                };
                for_task!(task, T => draw::<T>(&genotype, &out))?;
                return Ok(None);
            }
            Command::Config(query) => {
                match query.question()? {
                    ConfigQuestion::Check(path) => check_config(&path)?,
                    ConfigQuestion::Default(task) => {
                        let task = TaskName::find(task.as_deref().unwrap_or(DEFAULT_TASK))?;
                        for_task!(task, T => print!("{}", T::DEFAULTS));
                    }
                }
                return Ok(None);
            }
            Command::Tensorboard(args) => {
                args.run()?;
                return Ok(None);
            }
            Command::Completions(args) => {
                args.run(Self::command());
                return Ok(None);
            }
            Command::Man(args) => {
                args.run(Self::command())?;
                return Ok(None);
            }
        };
        Ok(Some(Job {
            work,
            task,
            backend: on.backend(compiled)?,
            on,
            watch,
        }))
    }
}

fn show<T: Task>(folder: &RunFolder) -> Result<(), SearchError> {
    let config = SearchConfig::<T>::of_run(folder)?;
    let records: Vec<SearchEpoch> = metrics::read(folder.metrics())?;
    let outcome: Option<SearchOutcome> = folder.outcome()?;
    print!("{}", summary(folder, &config, &records, outcome.as_ref()));
    Ok(())
}

fn report<T: Task>(folder: &RunFolder) -> Result<(), SearchError> {
    let page = run_page(folder, &SearchConfig::<T>::of_run(folder)?)?;
    Ok(write_page(folder, &page)?)
}

/// The first task that can read these cells; the usual one where none can, and then says why.
fn task_of_cells(named: &str) -> TaskName {
    let reads =
        |task: &TaskName| for_task!(*task, T => named_cells::<<T as Task>::Op>(named).is_ok());
    let mut tasks = TaskName::ALL.iter().copied();
    tasks.find(reads).unwrap_or(TaskName::ALL[0])
}

fn draw<T: Task>(genotype: &str, out: &Path) -> Result<(), SearchError> {
    let ending = out.extension().unwrap_or_default();
    if !ending.eq_ignore_ascii_case("svg") {
        return Err(WorkbenchError::Drawing {
            what: format!("picture `{}`", out.display()),
            found: format!("the ending `{}`", ending.display()),
            valid: "`svg`: pictures are written as SVG".into(),
        }
        .into());
    }
    let genotype = named_cells::<T::Op>(genotype)?;
    files::write_atomic(out, draw_genotype::<T>(&genotype)?)?;
    println!("wrote {}", out.display());
    Ok(())
}

fn check_config(path: &Path) -> Result<(), SearchError> {
    let config = ConfigText {
        file: Some(ConfigFile::read(path)?),
        set: Vec::new(),
    };
    for_task!(config.task()?, T => config.resolve::<T>().map(drop))?;
    println!("{} is valid", path.display());
    Ok(())
}
