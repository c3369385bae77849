//! The page that a search ends in.

use supernet::{Genotype, OperationSet};
use workbench::cli::command;
use workbench::problem::Problem;
use workbench::record::{ByClass, Metric, SearchEpoch, SearchOutcome};
use workbench::report::{
    Block, Chapter, Closing, Drawing, Headline, MOST_EPOCH_ROWS, Page, Particulars, Probabilities,
    Table, by_class, config_table, count, duration, evenly,
};
use workbench::run_folder::RunFolder;
use workbench::showing::Listener;

use crate::remarks::remarks;
use crate::report::{charts, draw_genotype, edges, probabilities_svg, runs_as, undecided_entropy};
use crate::{SearchConfig, SearchError, Task};

/// What made a page.
pub(crate) const MADE_BY: &str = concat!("Made by search ", env!("CARGO_PKG_VERSION"), ".");

/// At most so many epochs of probabilities are in a page.
const MOST_EPOCHS: usize = 100;
/// Bytes that a drawing of all probabilities has at most in a page.
const MOST_BYTES: usize = 250_000;

/// What a listener heard of a network's answers, for a page.
pub(crate) fn answers<P: Problem>(problem: &P, listener: Listener) -> Vec<Chapter> {
    let classes = listener.confusion().map(|confusion| {
        let score = |class| problem.class_score(confusion, class);
        by_class(
            &problem.metric(),
            &ByClass::of(confusion, score),
            P::CLASSIFIED,
        )
    });
    let classes = Chapter::of("Class by class, on test", classes.unwrap_or_default());
    listener.chapters().into_iter().chain(classes).collect()
}

/// The page of a run, from what lies in its folder.
///
/// # Errors
///
/// When a record cannot be read or a picture not be drawn.
pub fn run_page<T: Task>(
    folder: &RunFolder,
    config: &SearchConfig<T>,
) -> Result<Page, SearchError> {
    let records: Vec<SearchEpoch> = folder.records()?;
    let place = folder.metrics().display().to_string();
    let last = records.last();
    let genotype = last.map(|last| Genotype::parse(&place, &last.genotype));
    let run = Run {
        folder,
        config,
        genotype: genotype.transpose()?,
        records,
        outcome: folder.outcome()?,
    };
    run.page(&Particulars::of_run(folder)?)
}

/// What lies in a run folder.
struct Run<'a, T: Task> {
    folder: &'a RunFolder,
    config: &'a SearchConfig<T>,
    records: Vec<SearchEpoch>,
    outcome: Option<SearchOutcome>,
    /// The cells of the last epoch.
    genotype: Option<Genotype<T::Op>>,
}

impl<T: Task> Run<'_, T> {
    fn page(&self, particulars: &Particulars) -> Result<Page, SearchError> {
        let search = &self.config.search;
        let done = self.records.len();
        let warning = match self.outcome {
            Some(_) => None,
            None => Some(format!("Not finished: {done} of {} epochs.", search.epochs)),
        };
        let default = SearchConfig::<T>::resolve(None, &[])?.to_toml()?;
        let default = workbench::config::parse_table(&default, "default")?;
        let own = config_table(self.folder)?;
        let path = self.folder.config().display().to_string();
        let repeat = command("search", &["--config", &path]);
        let remarks = remarks(self.config);
        let closing = Closing {
            config: &own,
            default: &default,
            particulars,
            remarks: &remarks,
            repeat: self.config.extension.is_none().then_some(&*repeat),
            genotype: self.records.last().map(|last| last.genotype.as_str()),
        };
        let own_chapters = [
            Chapter::of("Cells", self.cells()?),
            Chapter::of("Scores", self.scores()),
            Chapter::of("Curves", self.curves()),
            Chapter::of("Gap", self.gap()),
            Chapter::of("Probabilities", self.probabilities()?),
        ];
        let chapters = own_chapters.into_iter().flatten();
        let chapters = chapters.chain(particulars.answers.iter().cloned());
        Ok(Page {
            title: self.config.name.clone(),
            kind: "search".into(),
            warning,
            lead: self.lead(),
            figures: self.figures(),
            facts: self.facts(),
            chapters: chapters.chain(closing.chapters()).collect(),
            made_by: format!("{MADE_BY} Run folder: {}", self.folder.path().display()),
        })
    }

    fn seconds(&self) -> f64 {
        let timings = self.records.iter().map(|record| &record.timing);
        timings
            .map(|timing| timing.search_seconds + timing.validation_seconds)
            .sum()
    }

    fn lead(&self) -> String {
        let config = self.config;
        let what = format!(
            "A search by {} for cells of the task {}, on {}, with seed {}.",
            config.search.method,
            T::NAME,
            T::data_name(config),
            config.seed
        );
        let Some(last) = self.records.last() else {
            return format!("{what} No epoch is finished yet.");
        };
        let metric = &last.metric;
        let end = match &self.outcome {
            Some(outcome) => format!(
                "on test {}, {} {}",
                T::Problem::EXAMPLES,
                metric.show(outcome.child_test),
                metric.name
            ),
            None => format!(
                "so far {} validation {}",
                metric.show(last.child.value),
                metric.name
            ),
        };
        format!("{what} The derived network has, with the weights that it inherits, {end}.")
    }

    fn figures(&self) -> Vec<Headline> {
        let Some(last) = self.records.last() else {
            return Vec::new();
        };
        let metric = &last.metric;
        let name = |of: &str| format!("{of} {}", metric.name);
        let mut figures = Vec::new();
        if let Some(outcome) = &self.outcome {
            let test = metric.show(outcome.child_test);
            figures.push(Headline::new(
                &name("child's test"),
                test,
                "inherited weights",
            ));
        }
        let child = metric.show(last.child.value);
        figures.push(Headline::new(
            &name("child's"),
            child,
            "validation, inherited weights",
        ));
        let supernet = metric.show(last.supernet.value);
        let how = format!("validation, {}", runs_as(self.config));
        figures.push(Headline::new(&name("supernet's"), supernet, how));
        let gap = format!("{:+.2} {}", last.gap, metric.gap_unit());
        figures.push(Headline::new("gap", gap, "child less supernet"));
        if let Some(genotype) = &self.genotype {
            let cells = genotype.cells.iter();
            let operations = cells.map(|cell| cell.operations().count()).sum::<usize>();
            let weights = self
                .outcome
                .as_ref()
                .map(|outcome| outcome.child_weights as u64);
            let note = weights.map(|weights| format!("{} weights in the child", count(weights)));
            let note = note.unwrap_or_default();
            figures.push(Headline::new(
                "genotype",
                format!("{operations} operations"),
                note,
            ));
        }
        let epochs = format!(
            "{} of {} epochs",
            self.records.len(),
            self.config.search.epochs
        );
        figures.push(Headline::new("time", duration(self.seconds()), epochs));
        figures
    }

    fn facts(&self) -> Vec<(String, String)> {
        let config = self.config;
        let mut facts = vec![
            ("task", T::NAME.to_string()),
            ("data", T::data_name(config)),
            ("method", config.search.method.to_string()),
            ("seed", config.seed.to_string()),
        ];
        if let Some(outcome) = &self.outcome {
            facts.push(("backend", outcome.backend.clone()));
            let supernet = count(outcome.supernet_weights as u64);
            let child = count(outcome.child_weights as u64);
            facts.push((
                "weights",
                format!("{supernet} in the supernet, {child} in the child"),
            ));
            if let Some(cost) = &outcome.child_cost {
                let text = format!(
                    "{:.0} {} of the child, budget {:.0}",
                    cost.child, cost.of, cost.budget
                );
                facts.push(("cost", text));
            }
        }
        if let Some(last) = self.records.last() {
            let cells = last.cells.iter();
            let entropies = cells.map(|cell| format!("{:.2} nats {}", cell.entropy, cell.name));
            let entropies: Vec<String> = entropies.collect();
            let undecided = undecided_entropy(config);
            let text = format!(
                "{} (undecided is {undecided:.2}, decided 0)",
                entropies.join(", ")
            );
            facts.push(("entropy", text));
            facts.push(("temperature", format!("{:.2} at the end", last.temperature)));
        }
        let named = |(name, value): (&str, String)| (name.to_string(), value);
        facts.into_iter().map(named).collect()
    }

    fn cells(&self) -> Result<Vec<Block>, SearchError> {
        let Some(genotype) = &self.genotype else {
            return Ok(Vec::new());
        };
        let drawing = Drawing {
            caption: "Every line is an operation; those that are parallel run all together and are added up."
                .into(),
            svg: draw_genotype::<T>(genotype)?,
            folded: false,
        };
        Ok(vec![Block::Drawing(drawing)])
    }

    fn scores(&self) -> Vec<Block> {
        let Some(last) = self.records.last() else {
            return Vec::new();
        };
        let metric = &last.metric;
        let row = |what: &str, loss: Option<f64>, value: f64| {
            let loss = loss.map_or("-".into(), |loss| format!("{loss:.4}"));
            vec![what.to_string(), loss, format!("{value:.2}")]
        };
        let of =
            |what: &str, score: workbench::record::Score| row(what, Some(score.loss), score.value);
        let mut rows = vec![
            of("supernet, training steps", last.train),
            of(
                &format!("supernet, validation, {}", runs_as(self.config)),
                last.supernet,
            ),
            of("child, validation, inherited weights", last.child),
        ];
        if let Some(second) = last.second {
            let how = format!("child, validation, {}", second.scoring.phrase());
            rows.push(row(&how, None, second.child));
        }
        if let Some(outcome) = &self.outcome {
            let what = format!("child, test {}, inherited weights", T::Problem::EXAMPLES);
            rows.push(row(&what, None, outcome.child_test));
        }
        let caption = format!("After epoch {}", last.epoch);
        let head = ["network".to_string(), "loss, nats".into(), metric.heading()];
        vec![Block::Table(Table {
            caption,
            head: head.into(),
            rows,
            folded: false,
        })]
    }

    /// All charts but that of the gap, and the figures of the epochs.
    fn curves(&self) -> Vec<Block> {
        let mut charts: Vec<Block> = charts(self.config, &self.records)
            .into_iter()
            .map(|curves| Block::Chart(curves.chart))
            .collect();
        charts.pop();
        if !charts.is_empty() {
            charts.push(Block::Table(self.epochs()));
        }
        charts
    }

    fn gap(&self) -> Vec<Block> {
        let Some(gap) = charts(self.config, &self.records).pop() else {
            return Vec::new();
        };
        let text = "The score of the derived network, with the weights that it inherits, less that of the \
                    supernet, both on what validates: what is lost when one architecture is cut out of all.";
        vec![Block::text(text), Block::Chart(gap.chart)]
    }

    fn epochs(&self) -> Table {
        let metric = self
            .records
            .last()
            .map_or(Metric::ERROR, |last| last.metric.clone());
        let score = metric.heading();
        let mut head = vec!["epoch".to_string(), "train loss".into()];
        head.push(format!("supernet {score}"));
        head.push(format!("child {score}"));
        head.push(format!("gap, {}", metric.gap_unit()));
        head.extend(T::Op::CELLS.iter().map(|cell| format!("entropy {cell}")));
        head.extend(["temperature".to_string(), "seconds".into()]);
        let row = |record: &SearchEpoch| {
            let mut row = vec![
                record.epoch.to_string(),
                format!("{:.4}", record.train.loss),
            ];
            row.push(format!("{:.2}", record.supernet.value));
            row.push(format!("{:.2}", record.child.value));
            row.push(format!("{:+.2}", record.gap));
            row.extend(
                record
                    .cells
                    .iter()
                    .map(|cell| format!("{:.2}", cell.entropy)),
            );
            row.push(format!("{:.2}", record.temperature));
            let timing = &record.timing;
            row.push(format!(
                "{:.1}",
                timing.search_seconds + timing.validation_seconds
            ));
            row
        };
        Table {
            caption: "Figures of the epochs".into(),
            head,
            rows: evenly(&self.records, MOST_EPOCH_ROWS)
                .into_iter()
                .map(row)
                .collect(),
            folded: true,
        }
    }

    fn probabilities(&self) -> Result<Vec<Block>, SearchError> {
        if self.records.is_empty() {
            return Ok(Vec::new());
        }
        let space = &self.config.space;
        let mut blocks = vec![Block::text(
            "How probable each operation is on each edge, in percent, epoch by epoch.",
        )];
        let kept = evenly(&self.records, MOST_EPOCHS);
        for cell in 0..T::Op::CELLS.len() {
            let percent = |record: &&SearchEpoch| {
                let rows = record.cells.get(cell).map(|cell| cell.probabilities.iter());
                let rows = rows.into_iter().flatten();
                let rounded =
                    |row: &Vec<f64>| row.iter().map(|p| (100.0 * p).round() as u8).collect();
                rows.map(rounded).collect()
            };
            let title = T::Op::cell_title(cell);
            blocks.push(Block::Probabilities(Probabilities {
                caption: workbench::record::capitalised(&title),
                operations: space.operations.iter().map(|op| op.name().into()).collect(),
                edges: edges(self.config)
                    .into_iter()
                    .map(|(_, name)| name)
                    .collect(),
                epochs: kept.iter().map(|record| record.epoch).collect(),
                values: kept.iter().map(percent).collect(),
            }));
            let svg = probabilities_svg(self.config, &self.records, cell)?;
            blocks.push(match svg.len() <= MOST_BYTES {
                true => Block::Drawing(Drawing {
                    caption: format!("Over all epochs, {title}"),
                    svg,
                    folded: true,
                }),
                false => Block::text(format!(
                    "All epochs are drawn in probabilities-{}.svg of the run folder.",
                    T::Op::CELLS[cell]
                )),
            });
        }
        Ok(blocks)
    }
}
