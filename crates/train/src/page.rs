//! The page that a training ends in.

use supernet::{CellGenotype, OperationSet};
use workbench::cli::command;
use workbench::drawing::{CellDrawing, DrawnEdge, cells_svg};
use workbench::problem::Problem;
use workbench::record::{FitEpoch, FitOutcome, Metric, Score, capitalised};
use workbench::report::{
    Block, Chapter, Closing, Drawing, Headline, MOST_EPOCH_ROWS, Page, Particulars, Table,
    by_class, config_table, count, duration, evenly,
};
use workbench::run_folder::RunFolder;

use crate::report::charts;
use crate::{FitConfig, Recipe, TrainError};

/// What made a page.
pub(crate) const MADE_BY: &str = concat!("Made by train ", env!("CARGO_PKG_VERSION"), ".");

/// The page of a run, from what lies in its folder.
///
/// # Errors
///
/// When a record cannot be read or a picture not be drawn.
pub fn run_page<R: Recipe>(folder: &RunFolder, config: &FitConfig<R>) -> Result<Page, TrainError> {
    let run = Run {
        folder,
        config,
        records: folder.records()?,
        outcome: folder.outcome()?,
    };
    run.page(&Particulars::of_run(folder)?)
}

/// What lies in a run folder.
struct Run<'a, R: Recipe> {
    folder: &'a RunFolder,
    config: &'a FitConfig<R>,
    records: Vec<FitEpoch>,
    outcome: Option<FitOutcome>,
}

impl<R: Recipe> Run<'_, R> {
    fn page(&self, particulars: &Particulars) -> Result<Page, TrainError> {
        let done = self.records.len();
        let warning = match self.outcome {
            Some(_) => None,
            None => Some(format!(
                "Not finished: {done} of {} epochs.",
                self.config.fit.epochs
            )),
        };
        let default = FitConfig::<R>::resolve(None, &[])?.to_toml()?;
        let default = workbench::config::parse_table(&default, "default")?;
        let own = config_table(self.folder)?;
        let path = self.folder.config().display().to_string();
        let repeat = command("train", &["fit", "--config", &path]);
        let genotype = self.config.genotype.to_string();
        let closing = Closing {
            config: &own,
            default: &default,
            particulars,
            remarks: &[],
            repeat: self.config.extension.is_none().then_some(&*repeat),
            genotype: Some(&genotype),
        };
        let by_class = self.outcome.as_ref().and_then(|outcome| {
            let counted = outcome.by_class.as_ref()?;
            Some(by_class(&outcome.metric, counted, R::Problem::CLASSIFIED))
        });
        let first = [
            Chapter::of("Scores", self.scores()),
            Chapter::of("Curves", self.curves()),
        ];
        let last = [
            Chapter::of("Class by class, on test", by_class.unwrap_or_default()),
            Chapter::of("Cells", self.cells()?),
        ];
        let chapters = first.into_iter().flatten();
        let chapters = chapters.chain(particulars.answers.iter().cloned());
        let chapters = chapters.chain(last.into_iter().flatten());
        Ok(Page {
            title: self.config.name.clone(),
            kind: "training".into(),
            warning,
            lead: self.lead(),
            figures: self.figures(),
            facts: self.facts(),
            chapters: chapters.chain(closing.chapters()).collect(),
            made_by: format!("{MADE_BY} Run folder: {}", self.folder.path().display()),
        })
    }

    fn metric(&self) -> Metric {
        let of_records = self.records.last().map(|last| last.metric.clone());
        of_records.unwrap_or(Metric::ERROR)
    }

    fn seconds(&self) -> f64 {
        self.records.iter().map(|record| record.seconds).sum()
    }

    fn lead(&self) -> String {
        let config = self.config;
        let on = self
            .outcome
            .as_ref()
            .map(|outcome| format!(" on {}", outcome.data));
        let what = format!(
            "A network for the task {}, trained from fresh weights{} with seed {}.",
            R::NAME,
            on.unwrap_or_default(),
            config.seed
        );
        let metric = self.metric();
        match (&self.outcome, self.records.last()) {
            (Some(outcome), _) => format!(
                "{what} On {} that it did not learn from it has {} {}.",
                R::Problem::EXAMPLES,
                metric.show(outcome.test.value),
                metric.name
            ),
            (None, Some(last)) => {
                let (score, part) = match last.validation {
                    Some(validation) => (validation, "validation"),
                    None => (last.train, "training"),
                };
                let score = metric.show(score.value);
                format!("{what} So far it has {score} {part} {}.", metric.name)
            }
            (None, None) => format!("{what} No epoch is finished yet."),
        }
    }

    /// The record whose weights are the result, or the last one so far.
    fn result(&self) -> Option<&FitEpoch> {
        let wanted = self.outcome.as_ref().map(|outcome| outcome.result_epoch);
        let mut records = self.records.iter();
        let result = records.find(|record| Some(record.epoch) == wanted);
        result.or(self.records.last())
    }

    fn figures(&self) -> Vec<Headline> {
        let Some(result) = self.result() else {
            return Vec::new();
        };
        let metric = self.metric();
        let name = |of: &str| format!("{of} {}", metric.name);
        let mut figures = Vec::new();
        if let Some(outcome) = &self.outcome {
            let published = outcome.published.map(|value| metric.show(value));
            let note = published.map_or("running statistics".into(), |value| {
                format!("{value} as published code counts")
            });
            let test = metric.show(outcome.test.value);
            figures.push(Headline::new(&name("test"), test, note));
        }
        if let Some(validation) = result.validation {
            let note = format!("epoch {}", result.epoch);
            let value = metric.show(validation.value);
            figures.push(Headline::new(&name("validation"), value, note));
        }
        let train = metric.show(result.train.value);
        figures.push(Headline::new(&name("training"), train, "while it learned"));
        if let Some(outcome) = &self.outcome {
            let adds = outcome.multiply_adds;
            let note = adds.map(|adds| format!("{} multiply-adds", count(adds)));
            let weights = count(outcome.weights as u64);
            figures.push(Headline::new("weights", weights, note.unwrap_or_default()));
        }
        let epochs = format!(
            "{} of {} epochs",
            self.records.len(),
            self.config.fit.epochs
        );
        figures.push(Headline::new("time", duration(self.seconds()), epochs));
        figures
    }

    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![
            ("task", R::NAME.to_string()),
            ("seed", self.config.seed.to_string()),
        ];
        if let Some(outcome) = &self.outcome {
            facts.push(("data", outcome.data.clone()));
            facts.push(("backend", outcome.backend.clone()));
            if outcome.result_epoch != outcome.epochs {
                facts.push((
                    "result",
                    format!("the weights of epoch {}", outcome.result_epoch),
                ));
            }
        }
        let named = |(name, value): (&str, String)| (name.to_string(), value);
        facts.into_iter().map(named).collect()
    }

    fn scores(&self) -> Vec<Block> {
        let Some(result) = self.result() else {
            return Vec::new();
        };
        let row = |what: &str, score: Score| {
            vec![
                what.to_string(),
                format!("{:.4}", score.loss),
                format!("{:.2}", score.value),
            ]
        };
        let metric = self.metric();
        let mut rows = vec![row("training, while it learned", result.train)];
        rows.extend(result.validation.map(|score| row("validation", score)));
        if let Some(outcome) = &self.outcome {
            rows.push(row("test", outcome.test));
            let published = outcome.published.map(|value| {
                let what = "test, as published code counts";
                vec![what.into(), "-".into(), format!("{value:.2}")]
            });
            rows.extend(published);
        }
        let head = ["part".to_string(), "loss, nats".into(), metric.heading()];
        vec![Block::Table(Table {
            caption: format!("Weights of epoch {}", result.epoch),
            head: head.into(),
            rows,
            folded: false,
        })]
    }

    fn curves(&self) -> Vec<Block> {
        if self.records.is_empty() {
            return Vec::new();
        }
        let warm_up = self.config.weights.warmup_epochs;
        let charts = charts(&self.metric(), warm_up, &self.records).into_iter();
        let charts = charts.map(|curves| Block::Chart(curves.chart));
        charts.chain([Block::Table(self.epochs())]).collect()
    }

    fn epochs(&self) -> Table {
        let score = self.metric().heading();
        let mut head = vec!["epoch".to_string(), "train loss".into()];
        head.push(format!("train {score}"));
        head.extend(["validation loss".to_string(), format!("validation {score}")]);
        head.extend(["learning rate".to_string(), "seconds".into()]);
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        let row = |record: &FitEpoch| {
            let validation = record.validation;
            vec![
                record.epoch.to_string(),
                format!("{:.4}", record.train.loss),
                format!("{:.2}", record.train.value),
                shown(validation.map(|score| format!("{:.4}", score.loss))),
                shown(validation.map(|score| format!("{:.2}", score.value))),
                format!("{:.5}", record.learning_rate),
                format!("{:.1}", record.seconds),
            ]
        };
        let kept = evenly(&self.records, MOST_EPOCH_ROWS).into_iter();
        Table {
            caption: "Figures of the epochs".into(),
            head,
            rows: kept.map(row).collect(),
            folded: true,
        }
    }

    fn cells(&self) -> Result<Vec<Block>, TrainError> {
        let drawn = |(kind, cell): (usize, &CellGenotype<R::Op>)| CellDrawing {
            title: capitalised(&R::Op::cell_title(kind)),
            inputs: (0..R::Op::INPUTS).map(R::Op::input_label).collect(),
            nodes: cell.nodes.len(),
            first_node: R::Op::FIRST_NODE,
            edges: (cell.nodes.iter().enumerate())
                .flat_map(|(node, entries)| {
                    entries.iter().map(move |entry| {
                        let (op, weight) = (entry.op, entry.weight);
                        DrawnEdge::of_entry(entry.input, node, op.name(), op.place(), weight)
                    })
                })
                .collect(),
            outputs: cell.outputs(),
            output: R::Op::OUTPUT.into(),
            joined: R::Op::JOINED.into(),
        };
        let cells = self.config.genotype.cells.iter().enumerate();
        let cells: Vec<CellDrawing> = cells.map(drawn).collect();
        Ok(vec![Block::Drawing(Drawing {
            caption: "Every line is an operation.".into(),
            svg: cells_svg(&cells)?,
            folded: false,
        })])
    }
}
