use workbench::files::write_atomic;
use workbench::plot::line_chart_svg;
use workbench::record::FitEpoch;
use workbench::run_folder::RunFolder;

use crate::TrainError;
use crate::recipe::Chart;

/// Writes `loss.svg` and the picture of the metric: the curves of the epochs so far.
///
/// # Errors
///
/// When a file cannot be written or a picture not be drawn.
pub fn write_curves(
    folder: &RunFolder,
    chart: &Chart,
    records: &[FitEpoch],
) -> Result<(), TrainError> {
    let curve = |name: &str, value: &dyn Fn(&FitEpoch) -> Option<f64>| {
        let point = |record: &FitEpoch| Some((record.epoch as f64, value(record)?));
        (name.to_string(), records.iter().filter_map(point).collect())
    };
    let held_out = records.iter().any(|record| record.validation.is_some());
    let shown = chart.value;
    let mut loss = vec![curve("training", &|r| Some(r.train.loss))];
    let mut metric = vec![curve("training", &|r| Some(shown(r.train.value)))];
    if held_out {
        loss.push(curve("validation", &|r| r.validation.map(|s| s.loss)));
        let value = |r: &FitEpoch| r.validation.map(|score| shown(score.value));
        metric.push(curve("validation", &value));
    }
    for (name, title, unit, curves) in [
        ("loss.svg", "Loss", "nats", loss),
        (&chart.file, &chart.title, &chart.unit, metric),
    ] {
        let svg = line_chart_svg(title, "epoch", unit, &curves)?;
        write_atomic(folder.file(name), svg)?;
    }
    Ok(())
}
