//! Options that the binaries share.

mod compare;
mod manual;
mod runs_on;
mod shorthand;
mod tensorboard;
mod typed;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use toml::{Table, Value};

use crate::config::Source;
use crate::optim::Schedule;
use crate::seeds::Seeds;
use crate::{Result, WorkbenchError, files};

pub use compare::CompareArgs;
pub use manual::{CompletionArgs, ManArgs, examples, examples_and_exit_codes, examples_of};
pub use runs_on::{MemoryNeed, RunsOn};
pub use shorthand::{Shorthand, ShorthandList, Shorthands, Takes};
pub use tensorboard::TensorboardArgs;
pub use typed::{command, this_command};
pub use watch::WatchArgs;

/// Where a configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file (TOML); fields that it leaves out have the defaults of its task.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one field, such as network.cells=5; may be given several times.
    #[arg(long = "set", value_name = "SECTION.FIELD=VALUE")]
    pub set: Vec<String>,
}

/// A configuration file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its path.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        Ok(Self {
            text: files::read_to_string(&path)?,
            name: path.display().to_string(),
        })
    }

    /// The file as [`resolve`](crate::config::resolve) takes it.
    pub fn source(&self) -> Source<'_> {
        Source {
            name: &self.name,
            text: &self.text,
        }
    }
}

impl ConfigArgs {
    /// Reads the file, if one was named.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn file(&self) -> Result<Option<ConfigFile>> {
        self.config.as_ref().map(ConfigFile::read).transpose()
    }
}

/// Options of a command that starts runs: a search and a training have the same.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Data set, such as digits, mnist_5k, austen or scenes, which are bundled (--set data.set).
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Folder of the data set's files (--set data.root).
    #[arg(long, value_name = "FOLDER")]
    pub data_root: Option<PathBuf>,
    /// What is learned: image, language or scene; by default what the configuration says, or image (--set task).
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// Passes over the data (--set search.epochs or fit.epochs).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub epochs: Option<String>,
    /// Examples of a step (--set search.batch_size or fit.batch_size).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub batch_size: Option<String>,
    /// What convolutions compute in: f32, bf16 or f16 (--set search.precision or fit.precision).
    #[arg(long, value_name = "NAME")]
    pub precision: Option<String>,
    /// Seed of weights, noise and order (--set seed).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Several seeds one after the other, into `seed-N` of the folder: 0..4 is 0, 1, 2 and 3; 0,2,5
    /// is a list. The same command continues after an interruption; what is finished is kept.
    #[arg(
        long,
        value_name = "SEEDS",
        conflicts_with = "seed",
        allow_hyphen_values = true
    )]
    pub seeds: Option<String>,
    /// The run folder; by default runs/NAME-TIME, or runs/NAME-seeds for several seeds.
    #[arg(long, alias = "run", value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

impl RunArgs {
    /// Fields that --set and the options set, `section.field=value`; `section` is that of the loop.
    pub fn overrides(&self, section: &str) -> Vec<String> {
        let of_loop = |field: &str| format!("{section}.{field}");
        let root = self.data_root.as_deref().map(path_text);
        let number = |field: String, value: &Option<String>| {
            value.as_ref().map(|value| set_field(&field, value))
        };
        let word = |field: String, value: Option<&str>| value.map(|value| set_text(&field, value));
        let options = [
            word("task".into(), self.task.as_deref()),
            word("data.set".into(), self.data.as_deref()),
            word("data.root".into(), root.as_deref()),
            number(of_loop("epochs"), &self.epochs),
            number(of_loop("batch_size"), &self.batch_size),
            word(of_loop("precision"), self.precision.as_deref()),
            number("seed".into(), &self.seed),
        ];
        let set = self.config.set.iter().cloned();
        set.chain(options.into_iter().flatten()).collect()
    }

    /// Several seeds, where some are named.
    ///
    /// # Errors
    ///
    /// As reading [`Seeds`] of a text.
    pub fn seeds(&self) -> Result<Option<Seeds>> {
        self.seeds.as_deref().map(str::parse).transpose()
    }
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// `section.field=value`, the value as it was typed.
pub fn set_field(field: &str, value: &str) -> String {
    format!("{field}={value}")
}

/// `section.field=value` of a text that stays one, even if it is a number.
pub fn set_text(field: &str, text: &str) -> String {
    set_field(field, &Value::String(text.into()).to_string())
}

/// `--set section.field=value` for each field of a section in which it differs from another.
pub fn set_differing(section: &str, own: &impl Serialize, other: &impl Serialize) -> Vec<String> {
    let own = Table::try_from(own).unwrap_or_default();
    let other = Table::try_from(other).unwrap_or_default();
    let differing = own
        .iter()
        .filter(|(field, value)| other.get(*field) != Some(*value));
    differing
        .flat_map(|(field, value)| {
            [
                "--set".into(),
                set_field(&format!("{section}.{field}"), &value.to_string()),
            ]
        })
        .collect()
}

/// How a run goes on.
#[derive(Debug, Clone, Default, Args)]
pub struct ResumeArgs {
    /// The run folder.
    pub run: PathBuf,
    /// Folder of the run's data set, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    pub data_root: Option<PathBuf>,
    /// Epochs of the whole run, more than are done: what is finished goes on.
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// With --epochs: learning rate of the epochs that are left, a number or a schedule such as
    /// '{shape="cosine", from=0.01, to=0.0}'.
    #[arg(long, value_name = "SCHEDULE", requires = "epochs")]
    pub learning_rate: Option<String>,
}

/// The schedule of `field` when a run is extended: what the option named `option` says, or what it was
/// where that has no end. `epochs` are those that it was made for.
///
/// # Errors
///
/// When the schedule has come to an end, or the option's text is no schedule.
pub fn extended_schedule(
    field: &'static str,
    option: &str,
    named: Option<&str>,
    now: Schedule,
    epochs: usize,
) -> Result<Schedule> {
    if let Some(named) = named {
        return named.parse();
    }
    if now.is_constant() {
        return Ok(now);
    }
    let end = now.value(1.0);
    let valid = format!(
        "name what the epochs that are left have, such as `--{option} {end}` or `--{option} \
         '{{shape=\"cosine\", from={}, to={end}}}'`",
        now.value(0.5)
    );
    let found = format!("{now} over {epochs} epochs and has no value beyond");
    Err(WorkbenchError::field(field, found, &valid))
}

/// Prints or checks configurations.
#[derive(Debug, Clone, Args)]
pub struct ConfigQuery {
    /// Print the default configuration: every field, optional ones as comments.
    #[arg(long, conflicts_with = "check")]
    print_default: bool,
    /// The task whose defaults are printed.
    #[arg(long, value_name = "NAME", requires = "print_default")]
    task: Option<String>,
    /// Check a configuration file.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

/// What is asked of configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigQuestion {
    /// The defaults of a task, the usual one where none is named.
    Default(Option<String>),
    /// Whether a file is valid.
    Check(PathBuf),
}

impl ConfigQuery {
    /// The question.
    ///
    /// # Errors
    ///
    /// When nothing is asked.
    pub fn question(self) -> Result<ConfigQuestion> {
        match self.check {
            Some(path) => Ok(ConfigQuestion::Check(path)),
            None if self.print_default => Ok(ConfigQuestion::Default(self.task)),
            None => {
                let valid = "one of --print-default and --check FILE";
                Err(WorkbenchError::field("config", "without an option", valid))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::BackendName;
    use crate::progress::Verbosity;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        on: RunsOn,
    }

    #[derive(Debug, Parser)]
    struct Start {
        #[command(flatten)]
        run: RunArgs,
    }

    #[test]
    fn options_set_the_fields_of_the_loop_they_are_for() {
        let words = [
            "x",
            "--set",
            "seed=1",
            "--data",
            "5",
            "--data-root",
            "a \"b\"",
            "--epochs",
            "3",
            "--batch-size",
            "-2",
            "--precision",
            "f32",
            "--seed",
            "7",
            "--out",
            "there",
        ];
        let run = Start::parse_from(words).run;
        let expected = [
            "seed=1",
            "data.set=\"5\"",
            "data.root='a \"b\"'",
            "fit.epochs=3",
            "fit.batch_size=-2",
            "fit.precision=\"f32\"",
            "seed=7",
        ];
        assert_eq!(run.overrides("fit"), expected);
        assert_eq!(run.overrides("search")[3], "search.epochs=3");
        assert_eq!(run.out.as_deref(), Some(Path::new("there")));
        let run = Start::parse_from(["x", "--run", "there", "--seeds", "2..4"]).run;
        assert_eq!(run.out.as_deref(), Some(Path::new("there")));
        assert_eq!(run.seeds().unwrap().unwrap().as_slice(), [2, 3]);
        assert!(Start::parse_from(["x"]).run.overrides("fit").is_empty());
    }

    #[test]
    fn a_run_is_extended_along_a_constant_or_what_is_named() {
        let extended = |named, now| extended_schedule("a.rate", "rate", named, now, 20);
        let (constant, cosine) = (
            Schedule::Constant { value: 0.3 },
            Schedule::Cosine { from: 0.2, to: 0.0 },
        );
        assert_eq!(extended(None, constant).unwrap(), constant);
        let level = Schedule::Linear { from: 0.1, to: 0.1 };
        assert_eq!(extended(None, level).unwrap(), level);
        assert_eq!(extended(Some("0.3"), cosine).unwrap(), constant);
        let message = extended(None, cosine).unwrap_err().to_string();
        assert_eq!(
            message,
            "configuration: `a.rate` is a cosine from 0.2 to 0 over 20 epochs and has no value \
             beyond; valid: name what the epochs that are left have, such as `--rate 0` or `--rate \
             '{shape=\"cosine\", from=0.1, to=0}'`"
        );
        assert!(extended(Some("slow"), cosine).is_err());
    }

    #[test]
    fn both_groups_of_options_fit_one_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "seed = 3").unwrap();
        let words = ["x", "--set", "a.b=1", "--quiet", "--set", "c=2", "--config"];
        let words = words.map(String::from).into_iter();
        let cli = Cli::parse_from(words.chain([path.display().to_string()]));
        assert_eq!(cli.config.set, ["a.b=1", "c=2"]);
        assert_eq!(
            cli.config.file().unwrap().unwrap().source().text,
            "seed = 3"
        );
        assert_eq!(cli.on.verbosity(), Verbosity::Quiet);
        let compiled = [BackendName::Flex];
        assert_eq!(cli.on.backend(&compiled).unwrap(), BackendName::Flex);
        let missing = Cli::parse_from(["x", "--config", "no/such.toml"]);
        let message = missing.config.file().unwrap_err().to_string();
        assert!(message.contains("cannot read `no/such.toml`"), "{message}");
        assert_eq!(Cli::parse_from(["x"]).config.file().unwrap(), None);
    }
}
