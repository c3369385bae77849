//! Options that the binaries share.

use std::path::PathBuf;

use std::path::Path;

use clap::Args;

use crate::backend::BackendName;
use crate::config::Source;
use crate::problem::Fact;
use crate::progress::Verbosity;
use crate::run_folder::RunFolder;
use crate::{Result, files, text};

/// Where a configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file (TOML); fields it leaves out take the default's values.
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

/// What a command runs on and how much it says.
#[derive(Debug, Clone, Default, Args)]
pub struct RunsOn {
    /// Backend: flex (CPU), wgpu, vulkan or cuda, of those compiled in; by default the most capable.
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// Print nothing but the result.
    #[arg(long)]
    pub quiet: bool,
}

impl RunsOn {
    /// The backend that was asked for, or the most capable one.
    ///
    /// # Errors
    ///
    /// As [`BackendName::choose`].
    pub fn backend(&self, compiled: &[BackendName]) -> Result<BackendName> {
        BackendName::choose(self.backend.as_deref(), compiled)
    }

    /// Whether a person wants to see progress.
    pub fn verbosity(&self) -> Verbosity {
        match self.quiet {
            true => Verbosity::Quiet,
            false => Verbosity::Normal,
        }
    }

    /// Writes facts to standard error, a field each, unless quiet.
    pub fn tell(&self, facts: &[Fact]) {
        if !self.quiet {
            let fields = facts.iter().map(|(name, value)| text::field(name, value));
            eprint!("{}", fields.collect::<String>());
        }
    }

    /// Writes what lies in a run folder and which commands make something of it to standard error,
    /// unless quiet.
    pub fn tell_end(&self, folder: &RunFolder, next: &[String]) {
        self.tell(&[("files", folder.content().join(", "))]);
        // A command that is broken into lines can no longer be copied.
        let mut commands = next.iter();
        commands.for_each(|command| self.say(&format!("{:<10}{command}", "next")));
    }

    /// Writes a line to standard error, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

/// A command of one of the binaries as it can be typed in a shell: by cargo where this process runs by it,
/// else beside this binary.
pub fn command(binary: &str, arguments: &[impl AsRef<str>]) -> String {
    let mut words: Vec<String> = match std::env::var_os("CARGO") {
        Some(_) => ["cargo", "run", "-p", binary, "--"]
            .map(String::from)
            .into(),
        None => vec![beside(
            std::env::args_os().next().as_deref().map(Path::new),
            binary,
        )],
    };
    words.extend(arguments.iter().map(|word| word.as_ref().to_string()));
    // Words that hold a zero byte cannot be quoted, nor be arguments.
    let quoted = shlex::try_join(words.iter().map(String::as_str));
    quoted.unwrap_or_else(|_| words.join(" "))
}

/// The command that this process was started with.
pub fn this_command(binary: &str) -> String {
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|word| word.to_string_lossy().into_owned());
    command(binary, &arguments.collect::<Vec<_>>())
}

/// A binary in the folder that this one was called from; one found on the path is found so again.
fn beside(this: Option<&Path>, binary: &str) -> String {
    let folder = this.and_then(Path::parent).unwrap_or(Path::new(""));
    folder.join(binary).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn a_command_names_the_binary_as_this_one_was_called() {
        let called = |this: &str| beside(Some(Path::new(this)), "train");
        assert_eq!(called("target/debug/search"), "target/debug/train");
        assert_eq!(called("search"), "train");
        assert_eq!(beside(None, "train"), "train");
        let typed = command("train", &["fit", "runs/my run", "it's"]);
        assert!(typed.ends_with(" fit 'runs/my run' \"it's\""), "{typed}");
    }

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        on: RunsOn,
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
