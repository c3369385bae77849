//! The page of several seeds.

use std::path::Path;

use super::{Block, Chapter, Comparison, Headline, Page, Table};
use crate::Result;
use crate::run_folder::{RunFolder, RunKind};
use crate::statistics::mean_and_deviation;

/// Finished runs of a folder that differ in their seeds alone.
#[derive(Debug, Clone, Copy)]
pub struct SeedRuns<'a> {
    /// What they are runs of.
    pub kind: RunKind,
    /// The folder of their folders, `seed-SEED` each.
    pub folder: &'a Path,
    /// Names of their figures, with units.
    pub heads: &'a [String],
    /// Seeds and figures, one for each name.
    pub runs: &'a [(u64, Vec<f64>)],
    /// What made the page.
    pub made_by: &'a str,
}

impl SeedRuns<'_> {
    /// Writes `report.html` into the folder: a table of the figures with their mean and deviation, the curves
    /// together, and links to the pages of the runs. Nothing where no run is finished.
    ///
    /// # Errors
    ///
    /// When a record cannot be read or the file not be written.
    pub fn write_page(&self) -> Result<()> {
        if self.runs.is_empty() {
            return Ok(());
        }
        super::write_page(&RunFolder::at(self.folder), &self.page()?)
    }

    fn page(&self) -> Result<Page> {
        let name = |seed: &u64| format!("seed-{seed}");
        let paths = self
            .runs
            .iter()
            .map(|(seed, _)| self.folder.join(name(seed)));
        let comparison = Comparison::read(self.kind, &paths.collect::<Vec<_>>())?;
        let links = self.runs.iter().map(|(seed, _)| {
            let name = name(seed);
            let address = format!("{name}/report.html");
            (name, address)
        });
        let blocks = vec![
            Block::Table(self.table()),
            Block::Links {
                links: links.collect(),
            },
        ];
        let title = self
            .folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let seeds = Chapter::of("Seeds", blocks);
        let page = comparison.page(&title, self.made_by, seeds.into_iter().collect());
        Ok(Page {
            kind: "seeds".into(),
            figures: self.headlines(),
            ..page
        })
    }

    fn spread(&self, column: usize) -> (f64, f64) {
        let values = self
            .runs
            .iter()
            .filter_map(|(_, figures)| figures.get(column));
        mean_and_deviation(&values.copied().collect::<Vec<_>>())
    }

    fn headlines(&self) -> Vec<Headline> {
        let heads = self.heads.iter().enumerate();
        heads
            .map(|(column, head)| {
                let (mean, deviation) = self.spread(column);
                let value = format!("{mean:.2} \u{b1} {deviation:.2}");
                Headline::new(
                    head,
                    value,
                    format!("mean and deviation of {} seeds", self.runs.len()),
                )
            })
            .collect()
    }

    fn table(&self) -> Table {
        let row = |name: String, figures: &[f64]| {
            let figures = figures.iter().map(|figure| format!("{figure:.2}"));
            std::iter::once(name).chain(figures).collect::<Vec<_>>()
        };
        let runs = self.runs.iter();
        let mut rows: Vec<_> = runs
            .map(|(seed, figures)| row(seed.to_string(), figures))
            .collect();
        if self.runs.len() > 1 {
            let spreads = (0..self.heads.len()).map(|column| self.spread(column));
            let (means, deviations): (Vec<f64>, Vec<f64>) = spreads.unzip();
            rows.push(row("mean".into(), &means));
            rows.push(row("standard deviation".into(), &deviations));
        }
        let head = std::iter::once("seed".to_string()).chain(self.heads.iter().cloned());
        Table {
            caption: String::new(),
            head: head.collect(),
            rows,
            folded: false,
        }
    }
}
