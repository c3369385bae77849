//! README and guides as a reader follows them: every command that they show, in its order.

mod place;
mod rules;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use workbench::documents::{commands, documents};
use workbench::files::read_to_string;

use self::place::Place;
use self::rules::{Rules, Treatment};

/// Run every command that README and guides show, in a folder of its own; long ones are shortened.
#[derive(Args)]
pub struct Guides {
    /// The documents; by default README.md and crates/*/guide/*.md.
    documents: Vec<PathBuf>,
    /// Folder that the commands run in, made anew below the project; by default target/guides.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print what would be done with each command, and run nothing.
    #[arg(long)]
    list: bool,
}

impl Guides {
    pub fn run(self) -> anyhow::Result<()> {
        let root = root()?;
        let rules = Rules::read()?;
        let documents = match self.documents.is_empty() {
            true => documents(&root)?,
            false => self.documents,
        };
        let folder = self.folder.unwrap_or_else(|| root.join("target/guides"));
        let place = match self.list {
            true => None,
            false => Some(Place::make(&folder, &root, &rules.prepare)?),
        };
        let (mut ran, mut shortened, mut left_out, mut failed) = (0, 0, 0, Vec::new());
        for document in &documents {
            let text = read_to_string(document)?;
            println!(
                "{}",
                document.strip_prefix(&root).unwrap_or(document).display()
            );
            for command in commands(&text) {
                let treatment = rules.treatment(&command);
                println!("  {}", command.replace('\n', "\n      "));
                let added = match &treatment {
                    Treatment::LeftOut(why) => {
                        println!("    not run: {why}");
                        left_out += 1;
                        continue;
                    }
                    Treatment::Shortened(added) => {
                        println!("    shortened: {added}");
                        shortened += 1;
                        added.as_str()
                    }
                    Treatment::Whole => {
                        ran += 1;
                        ""
                    }
                };
                let Some(place) = &place else {
                    continue;
                };
                let begun = Instant::now();
                match place.run(&command, added) {
                    Ok(()) => println!("    ran in {:.0} s", begun.elapsed().as_secs_f64()),
                    Err(error) => {
                        println!("    FAILED: {error:#}");
                        failed.push(command);
                    }
                }
            }
        }
        println!("{ran} commands whole, {shortened} shortened, {left_out} not run");
        let failures = failed.join("\n");
        ensure!(failed.is_empty(), "{} fail:\n{failures}", failed.len());
        Ok(())
    }
}

/// The folder of the workspace.
fn root() -> anyhow::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(manifest.join("..").canonicalize()?)
}

/// Runs a line of a shell in a folder; what it printed is told where it fails.
fn shell(line: &str, folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("bash")
        .args(["-euc", line])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .context("cannot start bash")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{line}: {}\n{said}", output.status);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use workbench::documents::{line_of, words};

    use super::*;
    use crate::Cli;

    fn shown() -> Vec<(PathBuf, String)> {
        let documents = documents(&root().unwrap()).unwrap();
        let of = |path: PathBuf| {
            let found = commands(&read_to_string(&path).unwrap());
            found
                .into_iter()
                .map(move |command| (path.clone(), command))
        };
        documents.into_iter().flat_map(of).collect()
    }

    #[test]
    fn every_command_of_the_documents_is_one() {
        let root = root().unwrap();
        let mut experiments = 0;
        for (document, command) in shown() {
            let told = format!("{}: {command}", document.display());
            let words = words(&command).expect(&told);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words[..] {
                ["cargo", "xtask", ..] => {
                    experiments += 1;
                    if let Err(error) = Cli::try_parse_from(&words[1..]) {
                        panic!("{told}: {error}");
                    }
                }
                ["cargo", "run", "-p", package, "--example", name] => {
                    let file = format!("crates/{package}/examples/{name}.rs");
                    assert!(root.join(file).is_file(), "{told}");
                }
                ["cargo", "bench", "-p", package, "--bench", name] => {
                    let folder = root.join("crates").join(package).join("benches");
                    let file = folder.join(format!("{name}.rs"));
                    assert!(file.is_file(), "{told}");
                }
                ["cargo", "test", "--workspace"] => {}
                // Their own options are checked by tests of these two.
                ["cargo", "run", "-p", "search" | "train", ..] => {
                    let is = |binary| line_of(binary, &command).is_some();
                    assert!(is("search") || is("train"), "{told}");
                }
                [program, ..] => assert!(!program.starts_with("cargo"), "{told}"),
                [] => panic!("{told}"),
            }
        }
        assert!(experiments > 8, "{experiments}");
    }

    #[test]
    fn every_rule_is_for_a_command_of_the_documents() {
        let rules = Rules::read().unwrap();
        let mut used = vec![false; rules.rule.len()];
        for (_, command) in shown() {
            if let Some(index) = rules.first(&command) {
                used[index] = true;
            }
        }
        for (rule, used) in rules.rule.iter().zip(used) {
            assert!(used, "no command is {}", rule.command);
        }
    }

    #[test]
    fn the_readme_has_two_commands_and_a_picture() {
        let text = read_to_string(root().unwrap().join("README.md")).unwrap();
        let shown = commands(&text);
        assert_eq!(shown, ["cargo run -p search", "cargo test --workspace"]);
        assert_eq!(text.matches("<img src=").count(), 1);
        assert!(text.lines().count() < 70, "{} lines", text.lines().count());
    }

    /// Targets of the links and pictures of a Markdown text: those in place, and the definitions with their labels.
    fn links(text: &str) -> (Vec<String>, Vec<(String, String)>) {
        let behind = text.split("](").skip(1).map(|rest| rest.split(')').next());
        let pictures = text
            .split("<img src=\"")
            .skip(1)
            .map(|rest| rest.split('"').next());
        let inline = behind.chain(pictures).flatten().map(String::from);
        let definition = |line: &str| {
            let (label, target) = line.strip_prefix('[')?.split_once("]: ")?;
            Some((label.to_string(), target.to_string()))
        };
        (
            inline.collect(),
            text.lines().filter_map(definition).collect(),
        )
    }

    #[test]
    fn links_lead_somewhere_as_files_and_as_documentation() {
        let root = root().unwrap();
        let in_documentation = read_to_string(root.join("crates/search/guide/links.txt")).unwrap();
        let (_, in_documentation) = links(&in_documentation);
        for document in documents(&root).unwrap() {
            let text = read_to_string(&document).unwrap();
            let folder = document.parent().unwrap();
            let told = document.display();
            let (inline, defined) = links(&text);
            for target in inline
                .iter()
                .chain(defined.iter().map(|(_, target)| target))
            {
                let is = target.starts_with("https://") || folder.join(target).exists();
                assert!(is, "{told}: {target}");
            }
            for used in text
                .split("][")
                .skip(1)
                .filter_map(|rest| rest.split(']').next())
            {
                let in_file = defined.iter().find(|(label, _)| label == used);
                let in_file = &in_file.unwrap_or_else(|| panic!("{told}: [{used}]")).1;
                let known = in_documentation.iter().find(|(label, _)| label == used);
                let known = &known.unwrap_or_else(|| panic!("links.txt lacks {used}")).1;
                // A page is called as its file is.
                let name = Path::new(in_file).file_stem().unwrap().to_string_lossy();
                let is_readme = name == "README";
                assert!(
                    is_readme || known.contains(&*name),
                    "{used}: {in_file}, {known}"
                );
            }
        }
        for (label, target) in in_documentation {
            let file = match target.strip_prefix("../../../../../") {
                Some(file) => root.join(file),
                None => {
                    let parts: Vec<&str> = target.split('/').collect();
                    match parts[3..] {
                        [_, "guide", "data_sets", "index.html"] => root.join("datasets/README.md"),
                        [library, "guide", page, "index.html"] => {
                            root.join(format!("crates/{library}/guide/{page}.md"))
                        }
                        _ => root.join("crates/egs-core/README.md"),
                    }
                }
            };
            assert!(file.exists(), "{label}: {target}");
        }
    }

    #[test]
    fn every_guide_is_part_of_the_documentation() {
        let readme = read_to_string(root().unwrap().join("README.md")).unwrap();
        for document in documents(&root().unwrap()).unwrap().iter().skip(1) {
            let module = document.parent().unwrap().join("../src/guide.rs");
            let name = document.file_name().unwrap().to_string_lossy();
            let text = read_to_string(module).unwrap();
            assert!(text.contains(&format!("\"../guide/{name}\"")), "{name}");
            assert!(readme.contains(&format!("guide/{name})")), "README: {name}");
        }
    }
}
