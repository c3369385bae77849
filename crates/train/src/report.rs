use workbench::files::write_atomic;
use workbench::plot::{LineChart, Shaded};
use workbench::record::{FitEpoch, Metric};
use workbench::run_folder::RunFolder;

use crate::TrainError;

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
    let shaded = (warmup_epochs > 0).then_some(Shaded {
        name: "warm-up",
        // Between its last epoch and the next.
        until: warmup_epochs as f64 + 0.5,
    });
    for (name, title, unit, curves) in [
        ("loss.svg", "Loss", "nats", loss),
        (&shown.file_name(), &shown.title, &shown.unit, scores),
    ] {
        let chart = LineChart {
            title,
            x_label: "epoch",
            y_label: unit,
            shaded,
            baseline: None,
        };
        write_atomic(folder.file(name), chart.svg(&curves)?)?;
    }
    Ok(())
}
