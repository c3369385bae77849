//! Whether searches rank cells as trainings do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use workbench::record::InheritedScores;
use workbench::statistics::rank_correlation;

use super::entry::Entry;
use super::rules;
use crate::passed::BackendOptions;

/// How the search of one seed ranks cells.
pub struct Ranked {
    pub seed: u64,
    /// Score of each of the cells with the weights of the search, and its test score when trained.
    pub pairs: Vec<(f64, f64)>,
    /// Spearman's.
    pub correlation: Option<f64>,
}

/// Scores the trained cells of one contestant with the weights of each finished search of another, where
/// that was not done yet.
pub fn ranking(
    rules: &rules::Ranking,
    entries: &[Entry],
    runs: &Path,
    on: &BackendOptions,
    no_run: bool,
) -> anyhow::Result<Vec<Ranked>> {
    let mut cells = Vec::new();
    for entry in entries.iter().filter(|entry| entry.name == rules.cells) {
        cells.extend(entry.outcome()?.map(|end| (end.genotype, end.test.value)));
    }
    let mut ranked = Vec::new();
    let searches = entries.iter().filter(|entry| entry.name == rules.search);
    // Once each, where several trainings share a search.
    let searches: BTreeMap<u64, PathBuf> = searches.filter_map(Entry::search).collect();
    for (seed, folder) in searches {
        let file = runs.join(format!("ranking-seed-{seed}.json"));
        let read = || match file.exists() {
            true => InheritedScores::read(&file).map(Some),
            false => Ok(None),
        };
        let holds = |scores: &InheritedScores| {
            let scored = scores.cells.iter().map(|cell| &cell.genotype);
            scored.eq(cells.iter().map(|(genotype, _)| genotype))
        };
        let mut scores = read()?.filter(holds);
        let finished = folder.join("result.json").exists();
        if scores.is_none() && !no_run && finished && !cells.is_empty() {
            let mut words = vec!["score".to_string(), folder.display().to_string()];
            words.extend(cells.iter().map(|(genotype, _)| genotype.clone()));
            words.extend(["--result".into(), file.display().to_string()]);
            on.finish("search", words, &[])?;
            scores = read()?;
        }
        if let Some(scores) = scores {
            let inherited = scores.cells.iter().map(|cell| cell.value);
            let trained = cells.iter().map(|(_, trained)| *trained);
            let pairs: Vec<_> = inherited.zip(trained).collect();
            ranked.push(Ranked {
                seed,
                correlation: rank_correlation(&pairs),
                pairs,
            });
        }
    }
    Ok(ranked)
}
