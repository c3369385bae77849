//! The command line, apart from the choice of a backend's type.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use supernet::Genotype;
use workbench::backend::BackendName;
use workbench::files;
use workbench::metrics;
use workbench::run::RunFolder;

use crate::best::Retraining;
pub use crate::job::Job;
use crate::job::{Start, Task, parse_seeds, read_config};
use crate::{EpochRecord, Outcome, SearchConfig, SearchError, draw_genotype, summary};

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
        how: HowArgs,
    },
    /// Print the summary of a run.
    Show {
        /// The run folder.
        run: PathBuf,
    },
    /// Retrain what several seeds found for a few epochs and pick the best by validation error.
    Best(BestArgs),
    /// Draw both cells of a genotype file as SVG.
    Draw {
        /// The genotype, JSON or text.
        genotype: PathBuf,
        /// The picture to write.
        out: PathBuf,
    },
    /// Print or check a configuration.
    Config {
        /// Print the default configuration.
        #[arg(long, conflicts_with = "check")]
        print_default: bool,
        /// Check a configuration file.
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Configuration file (TOML); fields it leaves out take the default's values.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one field, such as search.epochs=10; may be given several times.
    #[arg(long = "set", value_name = "SECTION.FIELD=VALUE")]
    set: Vec<String>,
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
    how: HowArgs,
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
    /// Seed of the retraining and of the division into training and validation images.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Debug, Args)]
struct HowArgs {
    /// Backend: flex (CPU), wgpu, vulkan or cuda, of those compiled in; by default the most capable.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Print nothing but the summary at the end.
    #[arg(long)]
    quiet: bool,
}

impl RunArgs {
    fn config(&self) -> Result<SearchConfig, SearchError> {
        let mut set = self.set.clone();
        set.extend(self.seed.map(|seed| format!("seed={seed}")));
        set.extend(self.epochs.map(|epochs| format!("search.epochs={epochs}")));
        let precision = self.precision.as_ref();
        set.extend(precision.map(|name| format!("search.precision=\"{name}\"")));
        set.extend(
            self.data
                .as_ref()
                .map(|data| format!("data.set=\"{data}\"")),
        );
        set.extend(
            self.method
                .as_ref()
                .map(|method| format!("search.method=\"{method}\"")),
        );
        match &self.config {
            Some(path) => {
                let text = files::read_to_string(path)?;
                SearchConfig::resolve(Some((&path.display().to_string(), &text)), &set)
            }
            None => SearchConfig::resolve(None, &set),
        }
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
        let job = |task: Task, how: HowArgs| {
            let backend = BackendName::choose(how.backend.as_deref(), compiled)?;
            task.check(backend)?;
            Ok(Some(Job {
                task,
                quiet: how.quiet,
                backend,
            }))
        };
        match self.command.unwrap_or(Command::Run(self.run)) {
            Command::Run(args) => {
                let (config, out) = (Box::new(args.config()?), args.out);
                let task = match &args.seeds {
                    Some(seeds) => Task::Seeds {
                        config,
                        seeds: parse_seeds(seeds)?,
                        out,
                    },
                    None => Task::Search {
                        config,
                        start: Start::New { out },
                    },
                };
                job(task, args.how)
            }
            Command::Resume { run, how } => {
                let folder = RunFolder::open(run)?;
                let config = Box::new(read_config(&folder)?);
                let start = Start::Resume { folder };
                job(Task::Search { config, start }, how)
            }
            Command::Show { run } => {
                show(&RunFolder::open(run)?)?;
                Ok(None)
            }
            Command::Best(args) => {
                if args.epochs == 0 {
                    return Err(SearchError::field("epochs", 0, "1 or more"));
                }
                let how = Retraining {
                    epochs: args.epochs,
                    channels: args.channels,
                    cells: args.cells,
                    seed: args.seed,
                };
                let folder = args.folder;
                job(Task::Best { folder, how }, args.how)
            }
            Command::Draw { genotype, out } => {
                let text = files::read_to_string(&genotype)?;
                let genotype = Genotype::parse(&genotype.display().to_string(), &text)?;
                files::write_atomic(&out, draw_genotype(&genotype)?)?;
                println!("wrote {}", out.display());
                Ok(None)
            }
            Command::Config {
                print_default,
                check,
            } => {
                config_command(print_default, check.as_deref())?;
                Ok(None)
            }
        }
    }
}

fn show(folder: &RunFolder) -> Result<(), SearchError> {
    let config = read_config(folder)?;
    let records: Vec<EpochRecord> = metrics::read(folder.metrics())?;
    let result = folder.file("result.json");
    let outcome = if result.exists() {
        Some(Outcome::read(&result)?)
    } else {
        None
    };
    print!("{}", summary(folder, &config, &records, outcome.as_ref()));
    Ok(())
}

fn config_command(print_default: bool, check: Option<&Path>) -> Result<(), SearchError> {
    if let Some(path) = check {
        let text = files::read_to_string(path)?;
        SearchConfig::resolve(Some((&path.display().to_string(), &text)), &[])?;
        println!("{} is valid", path.display());
    } else if print_default {
        print!("{}", SearchConfig::DEFAULT_TOML);
    } else {
        let valid = "one of --print-default and --check FILE";
        return Err(SearchError::field("config", "without an option", valid));
    }
    Ok(())
}
