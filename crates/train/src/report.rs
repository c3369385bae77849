use supernet::{CellGenotype, Genotype, GenotypeOp, OperationSet};
use workbench::files::write_atomic;
use workbench::record::{FitEpoch, Metric};
use workbench::report::{Chart, Series};
use workbench::run_folder::RunFolder;
use workbench::session::{PresentCell, PresentInput, PresentNode};

use crate::TrainError;

/// Curves of the epochs so far.
pub(crate) struct Curves {
    /// Name of their picture in the run folder.
    pub(crate) file: String,
    pub(crate) chart: Chart,
}

/// Writes `loss.svg` and the picture of the metric: the curves of the epochs so far, of which the first
/// `warmup_epochs` are shaded.
///
/// # Errors
///
/// When a file cannot be written or a picture not be drawn.
pub fn write_curves(
    folder: &RunFolder,
    metric: &Metric,
    warmup_epochs: usize,
    records: &[FitEpoch],
) -> Result<(), TrainError> {
    for Curves { file, chart } in charts(metric, warmup_epochs, records) {
        write_atomic(folder.file(&file), chart.svg()?)?;
    }
    Ok(())
}

/// The loss and the score.
pub(crate) fn charts(metric: &Metric, warmup_epochs: usize, records: &[FitEpoch]) -> Vec<Curves> {
    let curve = |name: &str, value: &dyn Fn(&FitEpoch) -> Option<f64>| {
        Series::over_epochs(name, records, |record: &FitEpoch| {
            Some((record.epoch, value(record)?))
        })
    };
    let held_out = records.iter().any(|record| record.validation.is_some());
    let shown = metric.curve();
    let mut loss = vec![curve("training", &|r| Some(r.train.loss))];
    let mut scores = vec![curve("training", &|r| Some(shown.value(r.train.value)))];
    if held_out {
        loss.push(curve("validation", &|r| r.validation.map(|s| s.loss)));
        let value = |r: &FitEpoch| r.validation.map(|score| shown.value(score.value));
        scores.push(curve("validation", &value));
    }
    // Between its last epoch and the next.
    let shaded = (warmup_epochs > 0).then(|| ("warm-up".to_string(), warmup_epochs as f64 + 0.5));
    let curves = |file: String, title: &str, unit: &str, series| Curves {
        file,
        chart: Chart {
            title: title.into(),
            x_label: "epoch".into(),
            y_label: unit.into(),
            shaded: shaded.clone(),
            baseline: None,
            series,
        },
    };
    vec![
        curves("loss.svg".into(), "Loss", "nats", loss),
        curves(shown.file_name(), &shown.title, &shown.unit, scores),
    ]
}

/// The cells of a genotype as a view shows them.
pub(crate) fn present_cells<O: OperationSet>(genotype: &Genotype<O>) -> Vec<PresentCell> {
    let input = |entry: &GenotypeOp<O>| PresentInput {
        from: match entry.input.checked_sub(O::INPUTS) {
            Some(node) => (O::FIRST_NODE + node).to_string(),
            None => O::input_label(entry.input),
        },
        operation: entry.op.name().into(),
        probability: None,
    };
    let node = |(node, entries): (usize, &Vec<GenotypeOp<O>>)| PresentNode {
        name: (O::FIRST_NODE + node).to_string(),
        inputs: entries.iter().map(input).collect(),
    };
    let cell = |(kind, cell): (usize, &CellGenotype<O>)| PresentCell {
        title: O::cell_title(kind),
        nodes: cell.nodes.iter().enumerate().map(node).collect(),
    };
    genotype.cells.iter().enumerate().map(cell).collect()
}
