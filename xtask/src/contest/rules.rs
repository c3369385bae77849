//! The file of a contest.

use std::path::Path;

use anyhow::ensure;
use serde::Deserialize;

use super::entry::{Entry, Source};

/// Who takes part, and what all have in common.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Of the table.
    pub title: String,
    /// What a reader should know beside the figures.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Configuration file of the searches.
    pub search: String,
    /// Configuration file of the trainings.
    pub train: String,
    /// Epochs of a training, in place of the configuration's.
    pub epochs: Option<usize>,
    /// Fields of all trainings, `SECTION.FIELD=VALUE`.
    #[serde(default)]
    pub set: Vec<String>,
    /// Seeds, where a contestant has none of its own.
    pub seeds: Vec<u64>,
    /// Who takes part, in the order of the table.
    pub contestant: Vec<Contestant>,
    /// Whether a search ranks cells as trainings do.
    pub ranking: Option<Ranking>,
}

/// One who takes part.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contestant {
    /// Names the folder of its runs.
    pub name: String,
    /// What the table calls it.
    pub label: String,
    /// Fields of a search for each seed, whose child is trained.
    pub search: Option<Vec<String>>,
    /// The seed of the one search whose child is trained with each seed, in place of a search for each.
    pub search_seed: Option<u64>,
    /// Cells, as `train fit` takes them, where none are searched; `{seed}` becomes the seed.
    pub genotype: Option<String>,
    /// Fields of its trainings.
    #[serde(default)]
    pub set: Vec<String>,
    /// Its seeds.
    pub seeds: Option<Vec<u64>>,
}

/// Scores of the cells of one contestant with the weights of a search of another, beside those of their
/// trainings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// The contestant whose searches rank, one for each seed.
    pub search: String,
    /// The contestant whose cells are ranked.
    pub cells: String,
}

impl Rules {
    /// # Errors
    ///
    /// When they name a contestant that is none, or one has not exactly one source of cells.
    pub fn check(&self) -> anyhow::Result<()> {
        for contestant in &self.contestant {
            ensure!(
                contestant.search.is_some() != contestant.genotype.is_some(),
                "contestant `{}` has to have either `search` or `genotype`",
                contestant.name
            );
            ensure!(
                contestant.search_seed.is_none() || contestant.search.is_some(),
                "contestant `{}` has a `search_seed` and no `search`",
                contestant.name
            );
        }
        let ranked = self
            .ranking
            .iter()
            .flat_map(|r| [(&r.search, true), (&r.cells, false)]);
        for (name, searched) in ranked {
            let is = |c: &&Contestant| c.name == *name && c.search.is_some() == searched;
            let what = if searched {
                "is searched"
            } else {
                "has a `genotype`"
            };
            ensure!(
                self.contestant.iter().any(|c| is(&c)),
                "`ranking` names `{name}`; valid is a contestant that {what}"
            );
        }
        Ok(())
    }

    /// All runs, in the order of the table.
    pub fn entries(&self, runs: &Path) -> Vec<Entry> {
        let of = |contestant: &Contestant| {
            let seeds = contestant.seeds.as_ref().unwrap_or(&self.seeds);
            let entry = |&seed: &u64| self.entry(contestant, seed, runs);
            seeds.iter().map(entry).collect::<Vec<_>>()
        };
        self.contestant.iter().flat_map(of).collect()
    }

    fn entry(&self, contestant: &Contestant, seed: u64, runs: &Path) -> Entry {
        let folder = runs.join(&contestant.name);
        let given = |fields: &[String]| {
            let fields = fields.iter();
            fields
                .flat_map(|field| ["--set".to_string(), field.clone()])
                .collect::<Vec<_>>()
        };
        let source = match (&contestant.search, &contestant.genotype) {
            (Some(fields), _) => {
                let mut arguments = vec!["--config".into(), self.search.clone()];
                arguments.extend(given(fields));
                let folder = folder.join("search");
                let seed = contestant.search_seed.unwrap_or(seed);
                Source::Search {
                    arguments,
                    folder,
                    seed,
                }
            }
            (None, genotype) => {
                let genotype = genotype.clone().unwrap_or_default();
                Source::Cells(genotype.replace("{seed}", &seed.to_string()))
            }
        };
        let mut train = vec!["--config".to_string(), self.train.clone()];
        if let Some(epochs) = self.epochs {
            train.extend(["--epochs".into(), epochs.to_string()]);
        }
        train.extend([given(&self.set), given(&contestant.set)].concat());
        Entry {
            name: contestant.name.clone(),
            label: contestant.label.clone(),
            seed,
            source,
            train,
            folder: folder.join(format!("seed-{seed}")),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub const RULES: &str = r#"
        title = "Cells"
        search = "search.toml"
        train = "fit.toml"
        epochs = 2
        seeds = [0, 1]
        [[contestant]]
        name = "egs"
        label = "EGS"
        search = ["architecture.draws=4"]
        [[contestant]]
        name = "random"
        label = "random"
        genotype = "random-{seed}"
        set = ["network.hidden=8"]
        seeds = [7]
        [ranking]
        search = "egs"
        cells = "random"
    "#;

    #[test]
    fn each_seed_of_each_contestant_is_an_entry() {
        let rules: Rules = toml::from_str(RULES).unwrap();
        rules.check().unwrap();
        let entries = rules.entries(Path::new("runs/cells"));
        assert_eq!(entries.len(), 3);
        let searched = &entries[1];
        assert_eq!(searched.folder, Path::new("runs/cells/egs/seed-1"));
        let Source::Search {
            arguments,
            folder,
            seed: 1,
        } = &searched.source
        else {
            panic!("not searched with its seed");
        };
        assert_eq!(
            arguments.join(" "),
            "--config search.toml --set architecture.draws=4"
        );
        assert_eq!(folder, Path::new("runs/cells/egs/search"));
        let random = &entries[2];
        assert!(matches!(&random.source, Source::Cells(cells) if cells == "random-7"));
        assert_eq!(
            random.train.join(" "),
            "--config fit.toml --epochs 2 --set network.hidden=8"
        );
    }

    #[test]
    fn one_search_may_serve_all_seeds() {
        let one = "label = \"EGS\"\n        search_seed = 5";
        let rules: Rules = toml::from_str(&RULES.replace("label = \"EGS\"", one)).unwrap();
        rules.check().unwrap();
        let entries = rules.entries(Path::new("runs/cells"));
        let searches: Vec<_> = entries.iter().map(Entry::search_folder).collect();
        let shared = Some("runs/cells/egs/search/seed-5".into());
        assert_eq!(searches, [shared.clone(), shared, None]);
        assert_eq!((entries[0].seed, entries[1].seed), (0, 1));
    }

    #[test]
    fn rules_that_cannot_be_kept_are_refused() {
        let refused = |from: &str, to: &str| {
            let text = RULES.replace(from, to);
            let rules = toml::from_str::<Rules>(&text).map_err(anyhow::Error::from);
            let checked = rules.and_then(|rules| rules.check());
            format!("{:#}", checked.unwrap_err())
        };
        let both = refused("search = [\"arch", "genotype = \"x\"\nsearch = [\"arch");
        assert!(both.contains("either `search` or `genotype`"), "{both}");
        let idle = refused("seeds = [7]", "search_seed = 7");
        assert!(
            idle.contains("`random` has a `search_seed` and no `search`"),
            "{idle}"
        );
        let unknown = refused("cells = \"random\"", "cells = \"egs\"");
        assert!(
            unknown.contains("valid is a contestant that has a `genotype`"),
            "{unknown}"
        );
        assert!(refused("epochs", "epoch").contains("unknown field `epoch`"));
    }
}
