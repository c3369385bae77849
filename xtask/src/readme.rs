//! The README of egs-core as a reader takes it: its dependencies and its programs in an empty crate.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use toml::{Table, Value};
use workbench::documents::blocks;

use crate::cargo;

/// Build and run what the README of egs-core shows, in an empty crate outside of the workspace.
#[derive(Args)]
pub struct Readme {
    /// Folder of the crate, made anew; by default one for temporary files.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Readme {
    pub fn run(self) -> anyhow::Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()?;
        let library = root.join("crates/egs-core");
        let text = fs::read_to_string(library.join("README.md"))?;
        let default = || std::env::temp_dir().join("egs-core-readme");
        let folder = self.folder.unwrap_or_else(default);
        let programs = blocks(&text, "rust");
        ensure!(!programs.is_empty(), "the README shows no program");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let sources = folder.join("src/bin");
        fs::create_dir_all(&sources)?;
        fs::write(folder.join("Cargo.toml"), manifest(&text, &library)?)?;
        // The versions that the workspace is tested with.
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        for (number, block) in programs.iter().enumerate() {
            fs::write(sources.join(format!("program{number}.rs")), program(block))?;
        }
        for number in 0..programs.len() {
            let name = format!("program{number}");
            eprintln!("{name} of the README, in {}", folder.display());
            let status = cargo::command()
                .args(["run", "--bin", &name])
                .current_dir(&folder)
                .env("CARGO_TARGET_DIR", root.join("target/readme"))
                .status()
                .context("cannot start cargo")?;
            ensure!(status.success(), "{name} of the README fails: {status}");
        }
        println!("{} programs of the README run", programs.len());
        Ok(())
    }
}

/// A block as a program: as the documentation's tests have it, a line's `# ` only hides it, and statements
/// are those of a `main`.
fn program(block: &str) -> String {
    let shown = |line: &str| line.strip_prefix("# ").unwrap_or(line).to_string();
    let lines: Vec<String> = block.lines().map(shown).collect();
    let text = lines.join("\n");
    match text.contains("fn main()") {
        true => text,
        false => format!("fn main() -> Result<(), egs_core::EgsError> {{\n{text}\n}}\n"),
    }
}

/// The manifest with the README's dependencies, egs-core's folder being that of the workspace.
fn manifest(text: &str, library: &Path) -> anyhow::Result<String> {
    let shown = blocks(text, "toml").into_iter().next();
    let mut manifest: Table = shown.context("the README shows no dependencies")?.parse()?;
    let dependency = manifest
        .get_mut("dependencies")
        .and_then(|dependencies| dependencies.get_mut("egs-core"))
        .and_then(Value::as_table_mut)
        .context("the README does not depend on a folder of egs-core")?;
    ensure!(
        dependency.contains_key("path"),
        "the README does not depend on a folder of egs-core"
    );
    dependency.insert("path".into(), library.display().to_string().into());
    let package: Table = "[package]\nname = \"reader\"\nedition = \"2024\"".parse()?;
    manifest.extend(package);
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n```toml\n[dependencies]\nburn = \"1\"\n\
        egs-core = { path = \"../there\", features = [\"wgpu\"] }\n```\nuse:\n\
        ```rust\nfn main() {}\n```\nand\n```rust\nlet a = 1;\n# Ok(())\n```\n";

    #[test]
    fn blocks_become_programs_and_a_manifest() {
        let programs: Vec<String> = blocks(TEXT, "rust").iter().map(|b| program(b)).collect();
        assert_eq!(programs[0].trim(), "fn main() {}");
        assert!(
            programs[1].starts_with("fn main() -> Result"),
            "{}",
            programs[1]
        );
        assert!(
            programs[1].contains("let a = 1;\nOk(())\n}"),
            "{}",
            programs[1]
        );
        let manifest: Table = manifest(TEXT, Path::new("/here")).unwrap().parse().unwrap();
        let library = &manifest["dependencies"]["egs-core"];
        assert_eq!(library["path"].as_str(), Some("/here"));
        assert_eq!(library["features"].as_array().unwrap().len(), 1);
        assert_eq!(manifest["package"]["name"].as_str(), Some("reader"));
    }

    #[test]
    fn the_readme_has_what_is_looked_for() {
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/egs-core");
        let text = fs::read_to_string(library.join("README.md")).unwrap();
        assert!(blocks(&text, "rust").len() >= 2);
        manifest(&text, &library).unwrap();
    }
}
