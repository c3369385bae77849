//! What a shell and its reader know of a binary: completions, man pages, examples and exit codes.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::{Result, WorkbenchError, files};

/// Prints what makes a shell complete the binary's commands.
#[derive(Debug, Clone, Args)]
pub struct CompletionArgs {
    /// The shell.
    shell: Shell,
}

impl CompletionArgs {
    /// Prints the script for these commands.
    pub fn run(&self, mut command: Command) {
        let name = command.get_name().to_string();
        let mut script = Vec::new();
        generate(self.shell, &mut command, name, &mut script);
        print!("{}", String::from_utf8_lossy(&script));
    }
}

/// Writes man pages.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// The folder to write: a page for the binary and one for each command.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

impl ManArgs {
    /// Writes the pages of these commands.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written.
    pub fn run(&self, command: Command) -> Result<()> {
        let folder = &self.out;
        std::fs::create_dir_all(folder).map_err(WorkbenchError::io("create", folder))?;
        // `help` is a way to these pages.
        let mut command = command.disable_help_subcommand(true);
        command.build();
        let name = command.get_name().to_string();
        let pages = write_pages(command, folder)?;
        println!(
            "wrote {pages} pages; the first: {}",
            folder.join(format!("{name}.1")).display()
        );
        Ok(())
    }
}

/// The pages of a command and of those below it; their number.
fn write_pages(command: Command, folder: &Path) -> Result<usize> {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    let page = Man::new(command);
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)
        .map_err(WorkbenchError::io("write", &path))?;
    files::write_atomic(&path, text)?;
    below.into_iter().try_fold(
        1,
        |pages, command| Ok(pages + write_pages(command, folder)?),
    )
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  2    refused: arguments, files, data or a device are wrong, or memory is too small; one sentence says why
  70   a fault of the program or of a driver; every file that was written is complete
  130  ended by Ctrl-C: pressed once, when the epoch is finished and saved; twice, at once

NO_COLOR leaves out colours; what is piped has none.";

/// What stands below the help of a binary: examples, and what its exit codes mean.
pub fn examples_and_exit_codes(lines: &str) -> String {
    format!("{}\n\n{EXIT_CODES}", examples(lines))
}

/// Examples below the help of a command.
pub fn examples(lines: &str) -> String {
    format!("Examples:\n{}", lines.trim_start_matches('\n'))
}

/// The command lines of a binary in a text of examples, without what a shell or a person reads of them.
pub fn examples_of(binary: &str, lines: &str) -> Vec<Vec<String>> {
    let begin = format!("{binary} ");
    // A line may go on in the next one.
    let parts: Vec<&str> = lines.split("\\\n").map(str::trim).collect();
    let whole = parts.join(" ");
    let lines = whole.lines().map(str::trim);
    let lines = lines.filter(|line| line.starts_with(&begin) || *line == binary);
    let bare = lines.filter_map(|line| {
        let ends = ["  ", " > ", " && "]
            .iter()
            .filter_map(|end| line.find(end));
        shlex::split(&line[..ends.min().unwrap_or(line.len())])
    });
    bare.collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Asks about files.
    #[derive(Debug, clap::Parser)]
    #[command(name = "ask", version, after_long_help = examples("\n  ask about a"))]
    struct Ask {
        #[command(subcommand)]
        _what: What,
    }

    #[derive(Debug, clap::Subcommand)]
    enum What {
        /// Ask about one.
        About { _file: PathBuf },
    }

    #[test]
    fn a_page_for_each_command_has_its_examples() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("man/man1");
        ManArgs { out: out.clone() }.run(Ask::command()).unwrap();
        let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
        assert!(read("ask.1").contains("Examples:") && read("ask.1").contains("ask about a"));
        assert!(read("ask\u{2d}about.1").contains("Ask about one"));
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refusal = ManArgs { out: file }
            .run(Ask::command())
            .unwrap_err()
            .to_string();
        assert!(refusal.starts_with("cannot create `"), "{refusal}");
    }

    #[test]
    fn command_lines_are_read_out_of_examples() {
        let text = "\n  ask about a    so\n  ask 'two words' > b\n  answer a\n  ask b \\\n      c\n\nThen `ask c`.";
        let expected = [
            vec!["ask", "about", "a"],
            vec!["ask", "two words"],
            vec!["ask", "b", "c"],
        ];
        assert_eq!(examples_of("ask", text), expected);
    }
}
