//! Where commands of the documents run: a folder below the project with what a reader has.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;

use super::shell;

/// Stands for the time in the name of a run folder.
const TIME: &str = "-<time>";
/// What a command may write to or reads from beside itself.
const COPIED: [&str; 3] = ["configs", "results", "datasets"];

pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// Makes the folder anew: below the project, so that cargo finds it from there, with copies of what commands
    /// name, and with what `prepare` makes, lines of a shell.
    pub fn make(folder: &Path, root: &Path, prepare: &[String]) -> anyhow::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        for name in COPIED {
            let from = root.join(name).display().to_string();
            shell(&format!("cp -r '{from}' ."), folder)?;
        }
        for line in prepare {
            shell(line, folder)?;
        }
        Ok(Self {
            folder: folder.into(),
        })
    }

    /// Runs a command with what is added to it; `<time>` becomes that of the newest folder of the name.
    pub fn run(&self, command: &str, added: &str) -> anyhow::Result<()> {
        let mut command = command.to_string();
        while let Some((begin, _)) = command.split_once(TIME) {
            let cut = begin.rfind(|c: char| c.is_whitespace() || c == '\'');
            let name = &begin[cut.map_or(0, |cut| cut + 1)..];
            let newest = self.newest(name)?;
            command = command.replacen(&format!("{name}{TIME}"), &newest, 1);
        }
        shell(&with(&command, added), &self.folder)
    }

    /// The newest folder whose name begins so and goes on with a date.
    fn newest(&self, name: &str) -> anyhow::Result<String> {
        let path = self.folder.join(name);
        let parent = path.parent().unwrap_or(&self.folder);
        let begin = path.file_name().unwrap_or_default().to_string_lossy();
        let begin = format!("{begin}-");
        let mut newest: Option<(SystemTime, String)> = None;
        for entry in fs::read_dir(parent)? {
            let entry = entry?;
            let found = entry.file_name().to_string_lossy().into_owned();
            let rest = found.strip_prefix(&begin).unwrap_or_default();
            let made = entry.metadata()?.modified()?;
            let later = newest.as_ref().is_none_or(|(time, _)| *time < made);
            if rest.starts_with(|c: char| c.is_ascii_digit()) && later {
                newest = Some((made, found));
            }
        }
        let (_, found) = newest.with_context(|| format!("no folder is called {name}{TIME}"))?;
        Ok(Path::new(name).with_file_name(found).display().to_string())
    }
}

/// A command with arguments behind its own and before its remark; behind `--` where it has none yet. An option
/// that it has already, but `--set`, gets the value that is added.
fn with(command: &str, added: &str) -> String {
    if added.is_empty() {
        return command.into();
    }
    let lines: Vec<&str> = command.lines().map(without_remark).collect();
    let mut bare = lines.join("\n");
    let mut words: Vec<&str> = added.split_whitespace().collect();
    let mut at = 0;
    while at + 1 < words.len() {
        let (option, value) = (words[at], words[at + 1]);
        let own = format!(" {option} ");
        match bare.split_once(&own) {
            Some((before, rest)) if option.starts_with("--") && option != "--set" => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                bare = format!("{before}{own}{value}{}", &rest[end..]);
                words.drain(at..at + 2);
            }
            _ => at += 1,
        }
    }
    if words.is_empty() {
        return bare;
    }
    let added = words.join(" ");
    let starts = bare.starts_with("cargo run -p") && !bare.contains(" -- ");
    let dashes = if starts { "-- " } else { "" };
    // What is handed on behind a second `--` stays last.
    match bare.split_once(" -- ") {
        Some((own, rest)) if bare.starts_with("cargo xtask") => format!("{own} {added} -- {rest}"),
        _ => format!("{bare} {dashes}{added}"),
    }
}

/// A line without what a shell takes for a remark.
fn without_remark(line: &str) -> &str {
    let mut quoted = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quoted {
            Some(quote) if quote == c => quoted = None,
            None if c == '\'' || c == '"' => quoted = Some(c),
            None if c == '#' && before.is_whitespace() => return line[..at].trim_end(),
            _ => {}
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_added_where_they_belong() {
        let cases = [
            ("cargo run -p a", "cargo run -p a -- --x"),
            (
                "cargo run -p a -- b 'c # d'   # e",
                "cargo run -p a -- b 'c # d' --x",
            ),
            (
                "cargo run -p a -- b \\\n--c   # e",
                "cargo run -p a -- b \\\n--c --x",
            ),
            ("cargo xtask a b -- c", "cargo xtask a b --x -- c"),
        ];
        for (command, expected) in cases {
            assert_eq!(with(command, "--x"), expected);
            assert_eq!(with(command, ""), command);
        }
        let command = "cargo run -p a -- --set b=1 --n 60 --m 2";
        let shorter = with(command, "--n 1 --set c=2 --k 3");
        assert_eq!(
            shorter,
            "cargo run -p a -- --set b=1 --n 1 --m 2 --set c=2 --k 3"
        );
        assert_eq!(with("a --n 60", "--n 1"), "a --n 1");
    }

    #[test]
    fn a_time_is_that_of_the_newest_folder() {
        let folder = std::env::temp_dir().join(format!("guides-{}", std::process::id()));
        for name in [
            "digits-2024",
            "digits-2025",
            "digits-seeds",
            "fit-digits-2026",
        ] {
            fs::create_dir_all(folder.join("runs").join(name)).unwrap();
        }
        let place = Place {
            folder: folder.clone(),
        };
        let newest = place.newest("runs/digits").unwrap();
        assert!(newest.starts_with("runs/digits-202"), "{newest}");
        place
            .run(
                "test -d runs/fit-digits-<time> -a -d runs/digits-<time>  # so",
                "",
            )
            .unwrap();
        let message = place
            .run("test -d runs/other-<time>", "")
            .unwrap_err()
            .to_string();
        assert_eq!(message, "no folder is called runs/other-<time>");
        let message = place.run("echo why && false", "").unwrap_err().to_string();
        assert!(message.contains("why"), "{message}");
        fs::remove_dir_all(folder).unwrap();
    }
}
