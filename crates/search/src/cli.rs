//! The command line, apart from the choice of a backend's type.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use supernet::{Genotype, TrainBackend};
use workbench::backend::BackendName;
use workbench::files;
use workbench::metrics;
use workbench::progress::Progress;
use workbench::run::RunFolder;

use crate::{
    EpochRecord, Outcome, Reporter, SearchConfig, SearchError, Session, draw_genotype, summary,
    write_outcome, write_reports,
};

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
    /// Short for --set search.epochs=N.
    #[arg(long)]
    epochs: Option<usize>,
    /// Short for --set data.set=NAME (digits, mnist_5k, cifar10).
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Short for --set search.method=NAME (egs, darts, snas, gdas, random).
    #[arg(long, value_name = "NAME")]
    method: Option<String>,
    /// The run folder; by default runs/NAME-TIME.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
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

/// A search that is ready to run on some backend.
#[derive(Debug)]
pub struct Job {
    config: SearchConfig,
    start: Start,
    quiet: bool,
    /// What it runs on.
    pub backend: BackendName,
}

#[derive(Debug)]
enum Start {
    New { out: Option<PathBuf> },
    Resume { folder: RunFolder },
}

impl Cli {
    /// Does what was asked for; a search is returned instead, for the caller to run on the backend
    /// it names.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the arguments and files.
    pub fn prepare(self, compiled: &[BackendName]) -> Result<Option<Job>, SearchError> {
        let job = |config, how: HowArgs, start| {
            let backend = BackendName::choose(how.backend.as_deref(), compiled)?;
            Ok(Some(Job {
                config,
                start,
                quiet: how.quiet,
                backend,
            }))
        };
        match self.command.unwrap_or(Command::Run(self.run)) {
            Command::Run(args) => {
                let config = args.config()?;
                job(config, args.how, Start::New { out: args.out })
            }
            Command::Resume { run, how } => {
                let folder = RunFolder::open(run)?;
                let config = read_config(&folder)?;
                job(config, how, Start::Resume { folder })
            }
            Command::Show { run } => {
                show(&RunFolder::open(run)?)?;
                Ok(None)
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

fn read_config(folder: &RunFolder) -> Result<SearchConfig, SearchError> {
    let path = folder.config();
    let text = files::read_to_string(&path)?;
    SearchConfig::resolve(Some((&path.display().to_string(), &text)), &[])
}

fn show(folder: &RunFolder) -> Result<(), SearchError> {
    let config = read_config(folder)?;
    let records: Vec<EpochRecord> = metrics::read(folder.metrics())?;
    let result = folder.file("result.json");
    let outcome: Option<Outcome> = if result.exists() {
        let text = files::read_to_string(&result)?;
        Some(
            serde_json::from_str(&text).map_err(|error| workbench::WorkbenchError::Config {
                source_name: result.display().to_string(),
                message: error.to_string(),
            })?,
        )
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

struct Display {
    progress: Progress,
}

impl Reporter for Display {
    fn step(&mut self, epoch: usize, loss: Option<f64>) {
        if let Some(loss) = loss {
            self.progress
                .message(format!("epoch {epoch}, loss {loss:.3}"));
        }
        self.progress.advance(1);
    }

    fn epoch(&mut self, r: &EpochRecord) {
        self.progress.line(&format!(
            "epoch {:>3}: train loss {:.3}, supernet error {:.2} %, child error {:.2} %, gap {:+.2}, \
             entropy {:.2}/{:.2}, temperature {:.2}, {:.1} s",
            r.epoch,
            r.train_loss,
            r.supernet_error,
            r.child_error,
            r.gap,
            r.entropy_normal,
            r.entropy_reduce,
            r.temperature,
            r.timing.search_seconds + r.timing.validation_seconds,
        ));
    }
}

impl Job {
    /// Runs the search on a backend and prints the summary.
    ///
    /// # Errors
    ///
    /// Whatever stops the search.
    pub fn run<B: TrainBackend>(
        self,
        device: B::Device,
        compiled: &[BackendName],
    ) -> Result<(), SearchError> {
        let selected = self.backend.probe::<B>(device, compiled)?;
        let (device, label) = (selected.device, selected.label);
        let say = |text: &str| {
            if !self.quiet {
                eprintln!("{text}");
            }
        };
        let session = match self.start {
            Start::New { out } => {
                let name = self.config.name.clone();
                let folder = || match out {
                    Some(path) => RunFolder::create_at(path),
                    None => RunFolder::create("runs", &name, None),
                };
                Session::<B>::start(self.config, folder, &label, &device)?
            }
            Start::Resume { folder } => {
                let (session, notes) = Session::<B>::resume(self.config, folder, &label, &device)?;
                for note in notes {
                    eprintln!("note: {note}");
                }
                session
            }
        };
        let (folder, config) = (session.folder().clone(), session.config().clone());
        say(&format!(
            "{} on {label}, into {}",
            config.name,
            folder.path().display()
        ));
        if config.network.cells < 3 {
            say(
                "note: with fewer than 3 cells all of them reduce; the normal cell is not searched",
            );
        }
        let steps = session.steps_per_epoch();
        let (done, total) = (session.epoch() * steps, config.search.epochs * steps);
        let progress = Progress::new("search", done as u64, total as u64, self.quiet);
        let mut display = Display { progress };
        let outcome = session.run(&mut display)?;
        display.progress.finish();

        let records: Vec<EpochRecord> = metrics::read(folder.metrics())?;
        write_reports(&folder, &config.space, &records)?;
        write_outcome(&folder, &outcome)?;
        print!("{}", summary(&folder, &config, &records, Some(&outcome)));
        Ok(())
    }
}
