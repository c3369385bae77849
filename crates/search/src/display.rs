use workbench::columns::Columns;
use workbench::progress::{EpochTable, Progress};
use workbench::record::SearchEpoch;

/// A search on standard error, its epochs in at most 80 columns; it has this progress, such as
/// [`Progress::of_run`].
pub fn epoch_table(progress: Progress) -> EpochTable<SearchEpoch> {
    EpochTable::new(progress, columns, cells)
}

fn columns(record: &SearchEpoch) -> Columns {
    let score = record.metric.heading();
    let mut heads = vec![
        ["", "epoch"],
        ["train", "loss"],
        ["supernet", &score],
        ["child", &score],
        ["gap", record.metric.gap_unit()],
    ];
    heads.extend(record.cells.iter().map(|cell| ["entropy", &cell.name]));
    heads.extend([["", "temp."], ["", "seconds"]]);
    Columns::new(heads.iter().map(|head| head.map(String::from)).collect())
}

fn cells(record: &SearchEpoch) -> Vec<String> {
    let timing = &record.timing;
    let mut cells = vec![
        record.epoch.to_string(),
        format!("{:.3}", record.train.loss),
        format!("{:.2}", record.supernet.value),
        format!("{:.2}", record.child.value),
        format!("{:+.2}", record.gap),
    ];
    cells.extend(
        record
            .cells
            .iter()
            .map(|cell| format!("{:.2}", cell.entropy)),
    );
    cells.push(format!("{:.2}", record.temperature));
    let seconds = timing.search_seconds + timing.validation_seconds;
    cells.push(format!("{seconds:.1}"));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::columns::WIDTH;
    use workbench::record::{CellRecord, Metric, Score, SearchTiming};

    fn record(metric: Metric, value: f64) -> SearchEpoch {
        let score = Score {
            loss: 12.345,
            value,
        };
        let cell = |name: &str| CellRecord {
            name: name.into(),
            entropy: 2.079,
            probabilities: Vec::new(),
        };
        SearchEpoch {
            epoch: 100,
            temperature: 10.0,
            learning_rate: 0.025,
            metric,
            train: score,
            architecture_loss: None,
            supernet: score,
            child: score,
            gap: -value,
            second: None,
            cells: vec![cell("normal"), cell("reduce")],
            genotype: String::new(),
            timing: SearchTiming {
                search_seconds: 12_345.6,
                validation_seconds: 0.0,
                examples_per_second: 1.0,
            },
        }
    }

    #[test]
    fn a_line_of_an_epoch_fits_a_terminal() {
        let perplexity = Metric {
            name: "perplexity".into(),
            unit: "".into(),
            ..Metric::ERROR
        };
        for (metric, value) in [(Metric::ERROR, 99.99), (perplexity, 12_345.67)] {
            let record = record(metric, value);
            let table = columns(&record);
            let line = table.line(cells(&record));
            let [top, bottom] = table.head();
            for line in [&line, &top, &bottom] {
                assert!(line.len() <= WIDTH, "{} columns: {line}", line.len());
            }
            assert!(
                top.contains("entropy") && bottom.contains("reduce"),
                "{top}"
            );
            assert_eq!(bottom.len(), line.len(), "{bottom}\n{line}");
        }
    }
}
