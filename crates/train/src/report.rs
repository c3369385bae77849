use workbench::files::write_atomic;
use workbench::plot::line_chart_svg;
use workbench::run::RunFolder;

use crate::{EpochRecord, TrainError};

/// Writes `loss.svg` and `accuracy.svg`: the curves of the epochs so far.
///
/// # Errors
///
/// When a file cannot be written or a picture not be drawn.
pub fn write_curves(folder: &RunFolder, records: &[EpochRecord]) -> Result<(), TrainError> {
    let curve = |name: &str, value: &dyn Fn(&EpochRecord) -> Option<f64>| {
        let point = |record: &EpochRecord| Some((record.epoch as f64, value(record)?));
        (name.to_string(), records.iter().filter_map(point).collect())
    };
    let held_out = records
        .iter()
        .any(|record| record.validation_loss.is_some());
    let mut loss = vec![curve("training", &|r| Some(r.train_loss))];
    let mut accuracy = vec![curve("training", &|r| Some(100.0 - r.train_error))];
    if held_out {
        loss.push(curve("validation", &|r| r.validation_loss));
        accuracy.push(curve("validation", &|r| {
            r.validation_error.map(|error| 100.0 - error)
        }));
    }
    for (name, title, unit, curves) in [
        ("loss.svg", "Loss", "nats", loss),
        ("accuracy.svg", "Accuracy", "percent", accuracy),
    ] {
        let svg = line_chart_svg(title, "epoch", unit, &curves)?;
        write_atomic(folder.file(name), svg)?;
    }
    Ok(())
}
