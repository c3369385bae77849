//! What a person looks at: pictures of the cells and curves, and the summary.

use std::fmt::Write as _;
use std::path::Path;

use supernet::{CellGenotype, Genotype, Operation, Relaxation, SearchSpace};
use workbench::draw::{CellDrawing, DrawnEdge, cells_svg};
use workbench::files::write_atomic;
use workbench::plot::{Panel, line_chart_svg, small_multiples_svg};
use workbench::run::RunFolder;

use crate::{EpochRecord, Outcome, SearchConfig, SearchError};

/// Draws both cells of a genotype as SVG.
///
/// # Errors
///
/// When an operation does not lead forward; a validated genotype always does.
pub fn draw_genotype(genotype: &Genotype) -> Result<String, SearchError> {
    let drawing = |title: &str, cell: &CellGenotype| CellDrawing {
        title: title.into(),
        inputs: vec!["c_{k-2}".into(), "c_{k-1}".into()],
        nodes: cell.nodes.len(),
        edges: cell
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(node, entries)| {
                entries.iter().map(move |entry| DrawnEdge {
                    from: entry.input,
                    to: node,
                    label: entry.op.to_string(),
                    note: (entry.weight != 1.0).then(|| format!("x {:.2}", entry.weight)),
                })
            })
            .collect(),
        output: true,
    };
    Ok(cells_svg(&[
        drawing("Normal cell", &genotype.normal),
        drawing("Reduction cell", &genotype.reduce),
    ])?)
}

/// Writes `genotype.json`, `cells.svg` and the curves of the epochs so far.
///
/// # Errors
///
/// When a file cannot be written or a picture not be drawn.
pub fn write_reports(
    folder: &RunFolder,
    space: &SearchSpace,
    records: &[EpochRecord],
) -> Result<(), SearchError> {
    let Some(last) = records.last() else {
        return Ok(());
    };
    let genotype = Genotype::parse("metrics.jsonl", &last.genotype)?;
    write_json(&folder.genotype(), &genotype)?;
    write_atomic(folder.cells(), draw_genotype(&genotype)?)?;

    let curve = |name: &str, value: &dyn Fn(&EpochRecord) -> Option<f64>| {
        let points = records
            .iter()
            .filter_map(|record| value(record).map(|value| (record.epoch as f64, value)));
        (name.to_string(), points.collect::<Vec<_>>())
    };
    let loss = [
        curve("weights (training)", &|r| Some(r.train_loss)),
        curve("architecture step", &|r| r.architecture_loss),
        curve("supernet (validation)", &|r| Some(r.supernet_loss)),
        curve("child (validation)", &|r| Some(r.child_loss)),
    ];
    let accuracy = [
        curve("weights (training)", &|r| Some(100.0 - r.train_error)),
        curve("supernet (validation)", &|r| Some(100.0 - r.supernet_error)),
        curve("child (validation)", &|r| Some(100.0 - r.child_error)),
    ];
    let gap = [
        curve("statistics of the batch", &|r| Some(r.gap)),
        curve("running statistics", &|r| Some(r.gap_running)),
    ];
    let charts = [
        ("loss.svg", line_chart_svg("Loss", "epoch", "nats", &loss)?),
        (
            "accuracy.svg",
            line_chart_svg("Accuracy", "epoch", "percent", &accuracy)?,
        ),
        (
            "gap.svg",
            line_chart_svg("Gap between child and supernet", "epoch", "points", &gap)?,
        ),
        (
            "probabilities-normal.svg",
            probabilities("Probabilities, normal cell", space, records, |r| &r.normal)?,
        ),
        (
            "probabilities-reduce.svg",
            probabilities("Probabilities, reduction cell", space, records, |r| {
                &r.reduce
            })?,
        ),
    ];
    for (name, svg) in charts {
        write_atomic(folder.file(name), svg)?;
    }
    Ok(())
}

fn probabilities(
    title: &str,
    space: &SearchSpace,
    records: &[EpochRecord],
    table: impl Fn(&EpochRecord) -> &Vec<Vec<f64>>,
) -> Result<String, SearchError> {
    let names: Vec<String> = space.operations.iter().map(Operation::to_string).collect();
    let mut panels = Vec::new();
    for node in 0..space.nodes {
        for input in 0..space.incoming(node) {
            let edge = space.first_edge(node) + input;
            let line = |op: usize| {
                let point = |record: &EpochRecord| (record.epoch as f64, table(record)[edge][op]);
                records.iter().map(point).collect()
            };
            panels.push(Panel {
                title: format!("{} to node {node}", source(input)),
                lines: (0..space.ops()).map(line).collect(),
            });
        }
    }
    Ok(small_multiples_svg(title, "epoch", &names, &panels)?)
}

fn source(input: usize) -> String {
    match input {
        0 => "c_{k-2}".into(),
        1 => "c_{k-1}".into(),
        node => format!("node {}", node - SearchSpace::INPUTS),
    }
}

/// Writes `result.json`.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_outcome(folder: &RunFolder, outcome: &Outcome) -> Result<(), SearchError> {
    write_json(&folder.file("result.json"), outcome)
}

pub(crate) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), SearchError> {
    let text =
        serde_json::to_string_pretty(value).map_err(|source| workbench::WorkbenchError::Json {
            what: "a result",
            source,
        })?;
    Ok(write_atomic(path, text + "\n")?)
}

/// The summary of a run for a terminal: errors, gap and cells, from its log, and the result where
/// the run is finished.
pub fn summary(
    folder: &RunFolder,
    config: &SearchConfig,
    records: &[EpochRecord],
    outcome: Option<&Outcome>,
) -> String {
    let mut text = format!("run       {}\n", folder.path().display());
    let Some(last) = records.last() else {
        text.push_str("no epoch finished yet\n");
        return text;
    };
    let search = &config.search;
    let _ = writeln!(
        text,
        "epochs    {} of {}, method {}",
        last.epoch, search.epochs, search.method
    );
    if let Some(outcome) = outcome {
        let _ = writeln!(
            text,
            "data      {}, seed {}, on {}, {:.0} s",
            outcome.data, outcome.seed, outcome.backend, outcome.seconds
        );
        let _ = writeln!(
            text,
            "weights   {} in the supernet, {} in the child",
            outcome.supernet_weights, outcome.child_weights
        );
    }
    let _ = writeln!(
        text,
        "supernet  {:.2} % validation error, {}",
        last.supernet_error,
        match search.method.rules().relaxation {
            Relaxation::Code => "sampled codes",
            Relaxation::Relaxed => "relaxed samples",
            Relaxation::Mixture => "mixture of all operations",
        }
    );
    let _ = write!(
        text,
        "child     {:.2} % validation error, inherited weights",
        last.child_error
    );
    match outcome {
        Some(outcome) => {
            let _ = writeln!(
                text,
                " ({:.2} % on the test images)",
                outcome.child_test_error
            );
        }
        None => text.push('\n'),
    }
    let _ = writeln!(text, "gap       {:+.2} points (child - supernet)", last.gap);
    let _ = writeln!(
        text,
        "running   {:.2} % child error with inherited running statistics, gap {:+.2} points",
        last.child_error_running, last.gap_running
    );
    let _ = writeln!(
        text,
        "entropy   {:.2} nats normal, {:.2} nats reduction, temperature {:.2}",
        last.entropy_normal, last.entropy_reduce, last.temperature
    );
    let _ = writeln!(text, "{}", last.genotype);
    text
}
