//! The command line, apart from the choice of a backend's type.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use supernet::Genotype;
use workbench::WorkbenchError;
use workbench::backend::BackendName;
use workbench::cli::{ConfigArgs, ConfigFile, RunsOn};
use workbench::files;
use workbench::metrics;
use workbench::record::{SearchEpoch, SearchOutcome};
use workbench::run_folder::RunFolder;

use crate::best::Retraining;
pub use crate::job::Job;
use crate::job::{ConfigText, Work, parse_seeds, task_of, task_of_seeds};
use crate::tasks::{DEFAULT_TASK, TaskName, for_task};
use crate::{SearchConfig, SearchError, Task, draw_genotype, summary};

/// Differentiable architecture search with the Ensemble Gumbel-Softmax estimator.
///
/// Without a command it searches: by default on the bundled digits.
#[derive(Debug, Parser)]
#[command(name = "search", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search (what happens without a command).
    Run(RunArgs),
    /// Continue a search from its last checkpoint.
    Resume {
        /// The run folder.
        run: PathBuf,
        #[command(flatten)]
        on: RunsOn,
    },
    /// Print the summary of a run.
    Show {
        /// The run folder.
        run: PathBuf,
    },
    /// Retrain what several seeds found for a few epochs and pick the best by validation error.
    Best(BestArgs),
    /// Draw cells as SVG.
    Draw {
        /// Published cells by name, such as darts-v2, or a genotype file; FILE#NAME is one of several in
        /// a file.
        genotype: String,
        /// The picture to write, an .svg file.
        out: PathBuf,
        /// The task the cells are of.
        #[arg(long, value_name = "NAME", default_value = DEFAULT_TASK)]
        task: String,
    },
    /// Print or check a configuration.
    Config {
        /// Print the default configuration.
        #[arg(long, conflicts_with = "check")]
        print_default: bool,
        /// The task whose defaults are printed.
        #[arg(long, value_name = "NAME", default_value = DEFAULT_TASK)]
        task: String,
        /// Check a configuration file.
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Short for --set seed=N.
    #[arg(long)]
    seed: Option<u64>,
    /// Several seeds one after the other, into `seed-N` of the folder: 0..4 is 0, 1, 2 and 3; 0,2,5
    /// is a list. The same command continues after an interruption; what is finished is kept.
    #[arg(long, value_name = "SEEDS", conflicts_with = "seed")]
    seeds: Option<String>,
    /// Short for --set search.epochs=N.
    #[arg(long)]
    epochs: Option<usize>,
    /// Short for --set data.set=NAME (digits, mnist_5k, cifar10, cifar100, folder).
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Short for --set search.method=NAME (egs, darts, snas, gdas, random).
    #[arg(long, value_name = "NAME")]
    method: Option<String>,
    /// Short for --set search.precision=NAME (f32, bf16).
    #[arg(long, value_name = "NAME")]
    precision: Option<String>,
    /// The run folder; by default runs/NAME-TIME, or runs/NAME-seeds for several seeds.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    on: RunsOn,
}

#[derive(Debug, Args)]
struct BestArgs {
    /// The folder that `run --seeds` filled; `best.json` and `genotype.json` are written into it.
    folder: PathBuf,
    /// Epochs of each retraining.
    #[arg(long, default_value_t = 10)]
    epochs: usize,
    /// Channels of the first cells; by default those of the search.
    #[arg(long)]
    channels: Option<usize>,
    /// Number of cells; by default that of the search.
    #[arg(long)]
    cells: Option<usize>,
    /// Seed of the retraining and of the division into training and validation data.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    on: RunsOn,
}

impl RunArgs {
    /// The file and the fields that are set, options among them.
    fn config(&self) -> Result<ConfigText, SearchError> {
        let mut set = self.config.set.clone();
        set.extend(self.seed.map(|seed| format!("seed={seed}")));
        set.extend(self.epochs.map(|epochs| format!("search.epochs={epochs}")));
        let quoted = |field: &str, value: &Option<String>| {
            let value = value.as_ref();
            value.map(|value| format!("{field}=\"{value}\""))
        };
        set.extend(quoted("search.precision", &self.precision));
        set.extend(quoted("data.set", &self.data));
        set.extend(quoted("search.method", &self.method));
        let file = self.config.file()?;
        Ok(ConfigText { file, set })
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
        let (task, work, on) = match self.command.unwrap_or(Command::Run(self.run)) {
            Command::Run(args) => {
                let (config, out) = (args.config()?, args.out);
                let task = config.task()?;
                // Refused before a device is looked for.
                for_task!(task, T => config.resolve::<T>().map(drop))?;
                let work = match &args.seeds {
                    Some(seeds) => Work::Seeds {
                        config,
                        seeds: parse_seeds(seeds)?,
                        out,
                    },
                    None => Work::Search { config, out },
                };
                (task, work, args.on)
            }
            Command::Resume { run, on } => {
                let folder = RunFolder::open(run)?;
                (task_of(&folder)?, Work::Resume { folder }, on)
            }
            Command::Best(args) => {
                if args.epochs == 0 {
                    return Err(SearchError::field("epochs", 0, "1 or more"));
                }
                let (folder, how) = (
                    args.folder,
                    Retraining {
                        epochs: args.epochs,
                        set: [("channels", args.channels), ("cells", args.cells)]
                            .into_iter()
                            .filter_map(|(field, value)| {
                                Some(format!("network.{field}={}", value?))
                            })
                            .collect(),
                        seed: args.seed,
                    },
                );
                (task_of_seeds(&folder)?, Work::Best { folder, how }, args.on)
            }
            Command::Show { run } => {
                let folder = RunFolder::open(run)?;
                for_task!(task_of(&folder)?, T => show::<T>(&folder))?;
                return Ok(None);
            }
            Command::Draw {
                genotype,
                out,
                task,
            } => {
                for_task!(TaskName::find(&task)?, T => draw::<T>(&genotype, &out))?;
                return Ok(None);
            }
            Command::Config {
                print_default,
                task,
                check,
            } => {
                let task = TaskName::find(&task)?;
                match check {
                    Some(path) => check_config(&path)?,
                    None if print_default => for_task!(task, T => print!("{}", T::DEFAULTS)),
                    None => {
                        let valid = "one of --print-default and --check FILE";
                        return Err(SearchError::field("config", "without an option", valid));
                    }
                }
                return Ok(None);
            }
        };
        Ok(Some(Job {
            work,
            task,
            backend: on.backend(compiled)?,
            on,
        }))
    }
}

fn show<T: Task>(folder: &RunFolder) -> Result<(), SearchError> {
    let config = SearchConfig::<T>::of_run(folder)?;
    let records: Vec<SearchEpoch> = metrics::read(folder.metrics())?;
    let result = folder.file("result.json");
    let outcome = if result.exists() {
        Some(SearchOutcome::read(&result)?)
    } else {
        None
    };
    print!("{}", summary(folder, &config, &records, outcome.as_ref()));
    Ok(())
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
    let genotype = Genotype::<T::Op>::read(genotype)?;
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
