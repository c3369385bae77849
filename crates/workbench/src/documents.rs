//! Commands that README and guides show, for those who check or run them.

use std::path::{Path, PathBuf};

use crate::files::read_to_string;
use crate::{Result, WorkbenchError};

/// README, then the guides of all crates in the order in which it names them, below the root of the workspace.
///
/// # Errors
///
/// When README cannot be read or a folder not be listed.
pub fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let readme = root.join("README.md");
    let text = read_to_string(&readme)?;
    let mut guides = Vec::new();
    for library in entries(&root.join("crates"))? {
        let folder = library.join("guide");
        if folder.is_dir() {
            guides.extend(entries(&folder)?);
        }
    }
    guides.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    // What it does not name comes last.
    let place = |path: &PathBuf| {
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        (text.find(&*name).unwrap_or(usize::MAX), path.clone())
    };
    guides.sort_by_key(place);
    guides.insert(0, readme);
    Ok(guides)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || WorkbenchError::io("list", folder);
    let entries = std::fs::read_dir(folder).map_err(failed())?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths
        .collect::<std::result::Result<_, _>>()
        .map_err(failed())
}

/// The fenced blocks of a language in a Markdown text, in their order.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let rest = text.split(&fence).skip(1);
    let block = |rest: &str| rest.split("```").next().unwrap_or_default().to_string();
    rest.map(block).collect()
}

/// The commands of the `sh` blocks of a Markdown text, in their order, as they stand: one of several lines has
/// them all, and remarks are left to the shell.
pub fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for block in blocks(text, "sh") {
        let mut goes_on = false;
        for line in block.lines().map(str::trim) {
            match commands.last_mut() {
                Some(last) if goes_on => *last += &format!("\n{line}"),
                _ if line.is_empty() || line.starts_with('#') => continue,
                _ => commands.push(line.into()),
            }
            goes_on = line.ends_with('\\');
        }
    }
    commands
}

/// The words of a command as a shell cuts it, without remarks; none where a quotation does not end.
pub fn words(command: &str) -> Option<Vec<String>> {
    shlex::split(command)
}

/// The command line of a binary that a command starts by `cargo run -p BINARY`, its name first, without what
/// becomes of its output.
pub fn line_of(binary: &str, command: &str) -> Option<Vec<String>> {
    let words = words(command)?;
    let [cargo, run, option, package, rest @ ..] = &words[..] else {
        return None;
    };
    let starts = [cargo.as_str(), run, option, package] == ["cargo", "run", "-p", binary];
    if !starts || rest.iter().any(|word| word == "--example") {
        return None;
    }
    let goes_on = |word: &&String| ![">", "|", "&&"].contains(&word.as_str());
    let arguments = rest.iter().skip_while(|word| *word != "--");
    let arguments = arguments.skip(1).take_while(goes_on);
    let name = std::iter::once(binary.to_string());
    Some(name.chain(arguments.cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n\n```sh\n# all\ncargo run -p ask -- 'a b'   # so\n\ncargo run -p ask --features x\n```\n\
        ```rust\nfn main() {}\n```\n```sh\nask b \\\n    --c d   # e\nask f\n```\n";

    #[test]
    fn commands_are_read_out_of_blocks() {
        let expected = [
            "cargo run -p ask -- 'a b'   # so",
            "cargo run -p ask --features x",
            "ask b \\\n--c d   # e",
            "ask f",
        ];
        assert_eq!(commands(TEXT), expected);
        assert_eq!(words(expected[2]).unwrap(), ["ask", "b", "--c", "d"]);
        assert_eq!(line_of("ask", expected[0]).unwrap(), ["ask", "a b"]);
        assert_eq!(line_of("ask", expected[1]).unwrap(), ["ask"]);
        let line = line_of("ask", "cargo run -p ask -- a > b");
        assert_eq!(line.unwrap(), ["ask", "a"]);
        assert_eq!(line_of("ask", expected[3]), None);
        assert_eq!(line_of("as", expected[0]), None);
        assert_eq!(line_of("ask", "cargo run -p ask --example x"), None);
        assert_eq!(blocks(TEXT, "rust"), ["fn main() {}\n"]);
    }

    #[test]
    fn the_documents_are_readme_and_guides() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let documents = documents(&root).unwrap();
        assert!(documents[0].ends_with("README.md"));
        assert!(documents[1].ends_with("guide/images.md"));
        assert!(documents.len() > 8);
    }
}
