//! What a person looks at: pictures of the cells and curves, and the summary.

use std::fmt::Write as _;

use supernet::{CellGenotype, Genotype, OperationSet, Relaxation, SearchSpace};
use workbench::drawing::{CellDrawing, DrawnEdge, cells_svg};
use workbench::files::{write_atomic, write_json};
use workbench::plot::{Panel, line_chart_svg, small_multiples_svg};
use workbench::problem::Problem;
use workbench::record::{ChildCost, SearchEpoch, SearchOutcome, capitalised};
use workbench::run_folder::RunFolder;

use crate::{SearchConfig, SearchError, Task, weightless};

/// Draws the cells of a genotype as SVG.
///
/// # Errors
///
/// When an operation does not lead forward; a validated genotype always does.
pub fn draw_genotype<T: Task>(genotype: &Genotype<T::Op>) -> Result<String, SearchError> {
    let drawing = |(index, cell): (usize, &CellGenotype<T::Op>)| CellDrawing {
        title: capitalised(&T::cell_title(index)),
        inputs: (0..T::Op::INPUTS).map(T::input_label).collect(),
        nodes: cell.nodes.len(),
        edges: cell
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(node, entries)| {
                entries.iter().map(move |entry| DrawnEdge {
                    from: entry.input,
                    to: node,
                    label: entry.op.name().into(),
                    note: (entry.weight != 1.0).then(|| format!("x {:.2}", entry.weight)),
                })
            })
            .collect(),
        outputs: cell.outputs(),
    };
    let drawings: Vec<_> = genotype.cells.iter().enumerate().map(drawing).collect();
    Ok(cells_svg(&drawings)?)
}

/// Writes `genotype.json`, `cells.svg` and the curves of the epochs so far.
///
/// # Errors
///
/// When a file cannot be written or a picture not be drawn.
pub fn write_reports<T: Task>(
    folder: &RunFolder,
    space: &SearchSpace<T::Op>,
    genotype: &Genotype<T::Op>,
    records: &[SearchEpoch],
) -> Result<(), SearchError> {
    let Some(last) = records.last() else {
        return Ok(());
    };
    write_json(folder.genotype(), "the genotype", genotype)?;
    write_atomic(folder.cells(), draw_genotype::<T>(genotype)?)?;

    let curve = |name: &str, value: &dyn Fn(&SearchEpoch) -> Option<f64>| {
        let points = records
            .iter()
            .filter_map(|record| value(record).map(|value| (record.epoch as f64, value)));
        (name.to_string(), points.collect::<Vec<_>>())
    };
    let loss = [
        curve("weights (training)", &|r| Some(r.train.loss)),
        curve("architecture step", &|r| r.architecture_loss),
        curve("supernet (validation)", &|r| Some(r.supernet.loss)),
        curve("child (validation)", &|r| Some(r.child.loss)),
    ];
    let metric = &last.metric;
    let shown = metric.curve();
    let scores = [
        curve("weights (training)", &|r| Some(shown.value(r.train.value))),
        curve("supernet (validation)", &|r| {
            Some(shown.value(r.supernet.value))
        }),
        curve("child (validation)", &|r| Some(shown.value(r.child.value))),
    ];
    let gap = [
        curve("statistics of the batch", &|r| Some(r.gap)),
        curve("running statistics", &|r| r.gap_running),
    ];
    let mut charts = vec![
        (
            "loss.svg".into(),
            line_chart_svg("Loss", "epoch", "nats", &loss)?,
        ),
        (
            shown.file_name(),
            line_chart_svg(&shown.title, "epoch", &shown.unit, &scores)?,
        ),
        (
            "gap.svg".into(),
            line_chart_svg(
                "Gap between child and supernet",
                "epoch",
                metric.gap_unit(),
                &gap,
            )?,
        ),
    ];
    for (cell, name) in T::Op::CELLS.iter().enumerate() {
        let title = format!("Probabilities, {}", T::cell_title(cell));
        let svg = probabilities::<T>(&title, space, records, cell)?;
        charts.push((format!("probabilities-{name}.svg"), svg));
    }
    for (name, svg) in charts {
        write_atomic(folder.file(&name), svg)?;
    }
    Ok(())
}

fn probabilities<T: Task>(
    title: &str,
    space: &SearchSpace<T::Op>,
    records: &[SearchEpoch],
    cell: usize,
) -> Result<String, SearchError> {
    let names: Vec<String> = space.operations.iter().map(|op| op.name().into()).collect();
    let mut panels = Vec::new();
    for node in 0..space.nodes {
        for input in 0..space.incoming(node) {
            let edge = space.first_edge(node) + input;
            let line = |op: usize| {
                let point = |record: &SearchEpoch| {
                    let p = record.cells.get(cell)?.probabilities.get(edge)?.get(op)?;
                    Some((record.epoch as f64, *p))
                };
                records.iter().filter_map(point).collect()
            };
            panels.push(Panel {
                title: format!("{} to node {node}", source::<T>(input)),
                lines: (0..space.ops()).map(line).collect(),
            });
        }
    }
    Ok(small_multiples_svg(title, "epoch", &names, &panels)?)
}

fn source<T: Task>(input: usize) -> String {
    match input.checked_sub(T::Op::INPUTS) {
        Some(node) => format!("node {node}"),
        None => T::input_label(input),
    }
}

/// The summary of a run for a terminal: scores, gap and cells, from its log, and the result where the
/// run is finished.
pub fn summary<T: Task>(
    folder: &RunFolder,
    config: &SearchConfig<T>,
    records: &[SearchEpoch],
    outcome: Option<&SearchOutcome>,
) -> String {
    let mut text = format!("run       {}\n", folder.path().display());
    let Some(last) = records.last() else {
        text.push_str("no epoch finished yet\n");
        return text;
    };
    let (search, metric) = (&config.search, &last.metric);
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
        if let Some(ChildCost { of, child, budget }) = &outcome.child_cost {
            let _ = writeln!(
                text,
                "cost      {child:.0} {of} of the child, budget {budget:.0}"
            );
        }
    }
    let _ = writeln!(
        text,
        "supernet  {} validation {}, {}",
        metric.show(last.supernet.value),
        metric.name,
        match search.method.rules().relaxation {
            Relaxation::Code => "sampled codes",
            Relaxation::Relaxed => "relaxed samples",
            Relaxation::Mixture => "mixture of all operations",
        }
    );
    let _ = write!(
        text,
        "child     {} validation {}, inherited weights",
        metric.show(last.child.value),
        metric.name
    );
    match outcome {
        Some(outcome) => {
            let _ = writeln!(
                text,
                " ({} on the test {})",
                metric.show(outcome.child_test),
                T::Problem::EXAMPLES
            );
        }
        None => text.push('\n'),
    }
    let unit = metric.gap_unit();
    let _ = writeln!(text, "gap       {:+.2} {unit} (child - supernet)", last.gap);
    if let (Some(child), Some(gap)) = (last.child_running, last.gap_running) {
        let _ = writeln!(
            text,
            "running   {} child {} with inherited running statistics, gap {gap:+.2} {unit}",
            metric.show(child),
            metric.name
        );
    }
    let entropies: Vec<String> = last
        .cells
        .iter()
        .enumerate()
        .map(|(index, cell)| format!("{:.2} nats {}", cell.entropy, short_title::<T>(index)))
        .collect();
    let _ = writeln!(
        text,
        "entropy   {}, temperature {:.2}",
        entropies.join(", "),
        last.temperature
    );
    if let Ok(genotype) = last.genotype.parse::<Genotype<T::Op>>() {
        for line in weightless::lines::<T>(&genotype) {
            let _ = writeln!(text, "{line}");
        }
    }
    let _ = writeln!(text, "{}", last.genotype);
    text
}

/// The title of a kind of cell without the word.
fn short_title<T: Task>(cell: usize) -> String {
    let title = T::cell_title(cell);
    title.strip_suffix(" cell").unwrap_or(&title).to_string()
}
