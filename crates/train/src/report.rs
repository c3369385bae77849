use workbench::files::write_atomic;
use workbench::plot::line_chart_svg;
use workbench::record::{FitEpoch, Metric};
use workbench::run_folder::RunFolder;

use crate::TrainError;

/// Writes `loss.svg` and the picture of the metric: the curves of the epochs so far.
///
/// # Errors
///
/// When a file cannot be written or a picture not be drawn.
pub fn write_curves(
    folder: &RunFolder,
    metric: &Metric,
    records: &[FitEpoch],
) -> Result<(), TrainError> {
    let curve = |name: &str, value: &dyn Fn(&FitEpoch) -> Option<f64>| {
        let point = |record: &FitEpoch| Some((record.epoch as f64, value(record)?));
        (name.to_string(), records.iter().filter_map(point).collect())
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
    for (name, title, unit, curves) in [
        ("loss.svg", "Loss", "nats", loss),
        (&shown.file_name(), &shown.title, &shown.unit, scores),
    ] {
        let svg = line_chart_svg(title, "epoch", unit, &curves)?;
        write_atomic(folder.file(name), svg)?;
    }
    Ok(())
}
