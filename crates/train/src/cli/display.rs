use workbench::columns::Columns;
use workbench::progress::{EpochTable, Progress};
use workbench::record::{FitEpoch, FitOutcome, Metric};
use workbench::statistics::seeds_table;

/// A training on standard error, its epochs in at most 80 columns; it has this progress, such as
/// [`Progress::of_run`].
pub fn epoch_table(progress: Progress) -> EpochTable<FitEpoch> {
    EpochTable::new(progress, columns, cells)
}

fn columns(record: &FitEpoch) -> Columns {
    let score = record.metric.heading();
    let mut heads = vec![["", "epoch"], ["train", "loss"], ["train", &score]];
    if record.validation.is_some() {
        heads.extend([["validation", "loss"], ["validation", &score]]);
    }
    heads.extend([["learning", "rate"], ["", "seconds"]]);
    Columns::new(heads.iter().map(|head| head.map(String::from)).collect())
}

fn cells(record: &FitEpoch) -> Vec<String> {
    let mut cells = vec![record.epoch.to_string()];
    for score in std::iter::once(record.train).chain(record.validation) {
        cells.push(format!("{:.3}", score.loss));
        cells.push(format!("{:.2}", score.value));
    }
    cells.push(format!("{:.4}", record.learning_rate));
    cells.push(format!("{:.1}", record.seconds));
    cells
}

/// Prints how a training ended.
pub(super) fn print_outcome(outcome: &FitOutcome) {
    let multiply_adds = outcome.multiply_adds;
    let multiply_adds = multiply_adds.map(|count| format!(" {count} multiply-adds,"));
    println!(
        "test {} {}{} on {} (seed {}, {} weights,{} {} epochs{}, {})",
        outcome.metric.name,
        outcome.metric.show(outcome.test.value),
        published_text(&outcome.metric, outcome.test.value, outcome.published),
        outcome.data,
        outcome.seed,
        outcome.weights,
        multiply_adds.unwrap_or_default(),
        outcome.epochs,
        match outcome.result_epoch {
            last if last == outcome.epochs => String::new(),
            best => format!(", weights of epoch {best}"),
        },
        outcome.backend,
    );
}

/// What published code makes of a score, where that shows.
pub(super) fn published_text(metric: &Metric, value: f64, published: Option<f64>) -> String {
    let published = published.map(|published| metric.show(published));
    let differs = published.filter(|published| *published != metric.show(value));
    differs.map_or_else(String::new, |published| {
        format!(" ({published} as published code counts)")
    })
}

/// The trainings of several seeds as a table.
pub(super) fn seeds_text(ends: &[FitOutcome]) -> String {
    let runs: Vec<_> = ends
        .iter()
        .map(|end| (end.seed, seed_figures(end)))
        .collect();
    seeds_table(&seed_heads(ends), &runs)
}

/// Names of the figures of one of several trainings, in two lines each.
pub(super) fn seed_heads(ends: &[FitOutcome]) -> [[String; 2]; 3] {
    let metric = ends.first().map_or(Metric::ERROR, |end| end.metric.clone());
    let score = metric.heading();
    [["test", "loss"], ["test", &score], ["", "seconds"]].map(|head| head.map(String::from))
}

pub(super) fn seed_figures(end: &FitOutcome) -> Vec<f64> {
    vec![end.test.loss, end.test.value, end.seconds]
}

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::columns::WIDTH;
    use workbench::record::Score;

    #[test]
    fn a_line_of_an_epoch_fits_a_terminal() {
        let score = |value| Score {
            loss: 12.345,
            value,
        };
        let perplexity = Metric {
            name: "perplexity".into(),
            unit: "".into(),
            ..Metric::ERROR
        };
        for (metric, train, validation) in [
            (Metric::ERROR, score(100.0), None),
            (perplexity, score(12_345.67), Some(score(12_345.67))),
        ] {
            let record = FitEpoch {
                epoch: 600,
                learning_rate: 0.025,
                metric,
                train,
                validation,
                seconds: 12_345.6,
                extra: Default::default(),
            };
            let table = columns(&record);
            let line = table.line(cells(&record));
            let [top, bottom] = table.head();
            for line in [&line, &top, &bottom] {
                assert!(line.len() <= WIDTH, "{} columns: {line}", line.len());
            }
            assert_eq!(bottom.len(), line.len(), "{bottom}\n{line}");
        }
    }
}
