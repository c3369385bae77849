//! What a person looks at: pictures of the cells and curves, and the summary.

use supernet::{CellGenotype, Genotype, OperationSet, Relaxation};
use workbench::columns::{field, field_of};
use workbench::drawing::{CellDrawing, DrawnEdge, cells_svg};
use workbench::files::{write_atomic, write_json};
use workbench::plot::{LineName, Panel, Shaded, SmallMultiples};
use workbench::problem::Problem;
use workbench::record::{
    CellRecord, ChildCost, SearchEpoch, SearchOutcome, SecondScore, capitalised,
};
use workbench::report::{Chart, Series};
use workbench::run_folder::RunFolder;
use workbench::session::{Present, PresentCell, PresentInput, PresentNode};

use crate::{SearchConfig, SearchError, Task, weightless};

/// Draws the cells of a genotype as SVG.
///
/// # Errors
///
/// When an operation does not lead forward; a validated genotype always does.
pub fn draw_genotype<T: Task>(genotype: &Genotype<T::Op>) -> Result<String, SearchError> {
    let drawing = |(index, cell): (usize, &CellGenotype<T::Op>)| CellDrawing {
        title: capitalised(&T::Op::cell_title(index)),
        inputs: (0..T::Op::INPUTS).map(T::Op::input_label).collect(),
        nodes: cell.nodes.len(),
        first_node: T::Op::FIRST_NODE,
        edges: (cell.nodes.iter().enumerate())
            .flat_map(|(node, entries)| {
                entries.iter().map(move |entry| {
                    let (op, weight) = (entry.op, entry.weight);
                    DrawnEdge::of_entry(entry.input, node, op.name(), op.place(), weight)
                })
            })
            .collect(),
        outputs: cell.outputs(),
        output: T::Op::OUTPUT.into(),
        joined: T::Op::JOINED.into(),
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
    config: &SearchConfig<T>,
    genotype: &Genotype<T::Op>,
    records: &[SearchEpoch],
) -> Result<(), SearchError> {
    if records.is_empty() {
        return Ok(());
    }
    write_json(folder.genotype(), "the genotype", genotype)?;
    write_atomic(folder.cells(), draw_genotype::<T>(genotype)?)?;

    for Curves { file, chart } in charts(config, records) {
        write_atomic(folder.file(&file), chart.svg()?)?;
    }
    for (cell, name) in T::Op::CELLS.iter().enumerate() {
        let svg = probabilities_svg(config, records, cell)?;
        write_atomic(folder.file(&format!("probabilities-{name}.svg")), svg)?;
    }
    Ok(())
}

/// Curves of the epochs so far.
pub(crate) struct Curves {
    /// Name of their picture in the run folder.
    pub(crate) file: String,
    pub(crate) chart: Chart,
}

/// The loss, the score and the gap; none before the first epoch.
pub(crate) fn charts<T: Task>(config: &SearchConfig<T>, records: &[SearchEpoch]) -> Vec<Curves> {
    let Some(last) = records.last() else {
        return Vec::new();
    };
    let curve = |name: &str, value: &dyn Fn(&SearchEpoch) -> Option<f64>| {
        Series::over_epochs(name, records, |record: &SearchEpoch| {
            Some((record.epoch, value(record)?))
        })
    };
    let metric = &last.metric;
    let shown = metric.curve();
    let loss = vec![
        curve("weights (training)", &|r| Some(r.train.loss)),
        curve("supernet (validation)", &|r| Some(r.supernet.loss)),
        curve("child (validation)", &|r| Some(r.child.loss)),
        // Last, so that what the scores show too has the same colours in both pictures.
        curve("architecture step", &|r| r.architecture_loss),
    ];
    let scores = vec![
        curve("weights (training)", &|r| Some(shown.value(r.train.value))),
        curve("supernet (validation)", &|r| {
            Some(shown.value(r.supernet.value))
        }),
        curve("child (validation)", &|r| Some(shown.value(r.child.value))),
    ];
    let gap = vec![
        curve("statistics of the batch", &|r| Some(r.gap)),
        curve(T::SECOND_SCORING.curve(), &|r| r.second.map(|s| s.gap)),
    ];
    let curves = |file: String, title: &str, unit: &str, baseline, series| Curves {
        file,
        chart: Chart {
            title: title.into(),
            x_label: "epoch".into(),
            y_label: unit.into(),
            shaded: warm_up(config).map(|shaded| (shaded.name.into(), shaded.until)),
            baseline,
            series,
        },
    };
    let (gap_title, gap_unit) = ("Gap between child and supernet", metric.gap_unit());
    vec![
        curves("loss.svg".into(), "Loss", "nats", None, loss),
        curves(shown.file_name(), &shown.title, &shown.unit, None, scores),
        curves("gap.svg".into(), gap_title, gap_unit, Some(0.0), gap),
    ]
}

/// The epochs in which weights are trained alone.
fn warm_up<T: Task>(config: &SearchConfig<T>) -> Option<Shaded<'static>> {
    let epochs = config.search.warmup_epochs;
    let some = epochs > 0 && config.search.method.rules().learns;
    some.then_some(Shaded {
        name: "warm-up",
        // Between its last epoch and the first of the architecture.
        until: epochs as f64 + 0.5,
    })
}

pub(crate) fn probabilities_svg<T: Task>(
    config: &SearchConfig<T>,
    records: &[SearchEpoch],
    cell: usize,
) -> Result<String, SearchError> {
    let space = &config.space;
    let name = |op: &T::Op| LineName {
        name: op.name().into(),
        colour: op.place(),
    };
    let names: Vec<LineName> = space.operations.iter().map(name).collect();
    let mut panels = Vec::new();
    for (edge, title) in edges(config) {
        let line = |op: usize| {
            let point = |record: &SearchEpoch| {
                let p = record.cells.get(cell)?.probabilities.get(edge)?.get(op)?;
                Some((record.epoch as f64, *p))
            };
            records.iter().filter_map(point).collect()
        };
        panels.push(Panel {
            title,
            lines: (0..space.ops()).map(line).collect(),
        });
    }
    let title = format!("Probabilities, {}", T::Op::cell_title(cell));
    let multiples = SmallMultiples {
        title: &title,
        x_label: "epoch",
        names: &names,
        shaded: warm_up(config),
    };
    Ok(multiples.svg(&panels)?)
}

/// The curves of the epochs so far, and which operation is most probable on each edge after the last one.
pub(crate) fn present<T: Task>(config: &SearchConfig<T>, records: &[SearchEpoch]) -> Present {
    let charts = charts(config, records).into_iter();
    let cells = records.last().map(|record| record.cells.iter().enumerate());
    let cell = |(index, cell): (usize, &CellRecord)| PresentCell {
        title: format!("{}, most probable operations", T::Op::cell_title(index)),
        nodes: most_probable(config, &cell.probabilities),
    };
    Present {
        charts: charts.map(|curves| curves.chart).collect(),
        cells: cells.into_iter().flatten().map(cell).collect(),
    }
}

/// Of probabilities `[edges][operations]`.
fn most_probable<T: Task>(
    config: &SearchConfig<T>,
    probabilities: &[Vec<f64>],
) -> Vec<PresentNode> {
    let space = &config.space;
    let of_node = |node: usize| {
        let input = |input: usize| {
            let edge = probabilities.get(space.first_edge(node) + input)?;
            let pairs = space.operations.iter().zip(edge);
            let (op, p) = pairs.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
            Some(PresentInput {
                from: short_source::<T>(input),
                operation: op.name().into(),
                probability: Some(*p),
            })
        };
        PresentNode {
            name: (T::Op::FIRST_NODE + node).to_string(),
            inputs: (0..space.incoming(node)).filter_map(input).collect(),
        }
    };
    (0..space.nodes).map(of_node).collect()
}

fn short_source<T: Task>(input: usize) -> String {
    match input.checked_sub(T::Op::INPUTS) {
        Some(node) => (T::Op::FIRST_NODE + node).to_string(),
        None => T::Op::input_label(input),
    }
}

/// The edges of a cell by their numbers, and what they are called.
pub(crate) fn edges<T: Task>(config: &SearchConfig<T>) -> Vec<(usize, String)> {
    let space = &config.space;
    let of_node = |node: usize| {
        let named = move |input| {
            let edge = space.first_edge(node) + input;
            let from = source::<T>(input);
            (edge, format!("{from} to node {}", T::Op::FIRST_NODE + node))
        };
        (0..space.incoming(node)).map(named)
    };
    (0..space.nodes).flat_map(of_node).collect()
}

fn source<T: Task>(input: usize) -> String {
    match input.checked_sub(T::Op::INPUTS) {
        Some(node) => format!("node {}", T::Op::FIRST_NODE + node),
        None => T::Op::input_label(input),
    }
}

/// The summary of a run for a terminal of 80 columns: scores, gap and what the cells are made of, from
/// its log, and the result where the run is finished.
pub fn summary<T: Task>(
    folder: &RunFolder,
    config: &SearchConfig<T>,
    records: &[SearchEpoch],
    outcome: Option<&SearchOutcome>,
) -> String {
    let mut text = field("run", &folder.path().display().to_string());
    let Some(last) = records.last() else {
        return text + "no epoch finished yet\n";
    };
    let (search, metric) = (&config.search, &last.metric);
    let (name, unit) = (&metric.name, metric.gap_unit());
    text += &field(
        "epochs",
        &format!(
            "{} of {}, method {}",
            last.epoch, search.epochs, search.method
        ),
    );
    if let Some(outcome) = outcome {
        text += &field(
            "data",
            &format!(
                "{}, seed {}, on {}, {:.0} s",
                outcome.data, outcome.seed, outcome.backend, outcome.seconds
            ),
        );
        text += &field(
            "weights",
            &format!(
                "{} in the supernet, {} in the child",
                outcome.supernet_weights, outcome.child_weights
            ),
        );
        if let Some(ChildCost { of, child, budget }) = &outcome.child_cost {
            text += &field(
                "cost",
                &format!("{child:.0} {of} of the child, budget {budget:.0}"),
            );
        }
    }
    let runs_as = runs_as(config);
    let supernet = metric.show(last.supernet.value);
    text += &field(
        "supernet",
        &format!("{supernet} validation {name}, {runs_as}"),
    );
    let tested = outcome.map(|outcome| {
        let tested = metric.show(outcome.child_test);
        format!(" ({tested} on the test {})", T::Problem::EXAMPLES)
    });
    text += &field(
        "child",
        &format!(
            "{} validation {name}, inherited weights{}",
            metric.show(last.child.value),
            tested.unwrap_or_default()
        ),
    );
    text += &field(
        "gap",
        &format!("{:+.2} {unit} (child - supernet)", last.gap),
    );
    let (title, how) = (T::SECOND_SCORING.title(), T::SECOND_SCORING.phrase());
    let second = match last.second {
        Some(SecondScore { child, gap, .. }) => {
            let child = metric.show(child);
            format!("{child} child {name} {how}, gap {gap:+.2} {unit}")
        }
        None => format!("the child has no finite {name} {how}"),
    };
    text += &field(title, &second);
    let entropies: Vec<String> = last
        .cells
        .iter()
        .enumerate()
        .map(|(index, cell)| format!("{:.2} nats {}", cell.entropy, short_title::<T>(index)))
        .collect();
    text += &field(
        "entropy",
        &format!(
            "{} (undecided is {:.2}, decided 0), temperature {:.2}",
            entropies.join(", "),
            undecided_entropy(config),
            last.temperature
        ),
    );
    text + &cells::<T>(&last.genotype)
}

/// What a supernet is run as.
pub(crate) fn runs_as<T: Task>(config: &SearchConfig<T>) -> &'static str {
    match config.search.method.rules().relaxation {
        Relaxation::Code => "sampled codes",
        Relaxation::Relaxed => "relaxed samples",
        Relaxation::Mixture => "mixture of all operations",
    }
}

/// Mean entropy of the estimator's rows while nothing is decided, in nats.
pub(crate) fn undecided_entropy<T: Task>(config: &SearchConfig<T>) -> f64 {
    let rows = config.architecture.rows(&config.space);
    let of = |row: &std::ops::Range<usize>| ((row.len() * config.space.ops()) as f64).ln();
    rows.iter().map(of).sum::<f64>() / rows.len() as f64
}

/// What each kind of cell is made of, the most frequent operation first; the whole is in
/// `genotype.json`. What is no genotype of the task is given as it is.
fn cells<T: Task>(genotype: &str) -> String {
    let Ok(genotype) = genotype.parse::<Genotype<T::Op>>() else {
        return genotype.into();
    };
    let line = |(index, cell): (usize, &CellGenotype<T::Op>)| {
        let entries = cell.nodes.iter().flatten();
        let all = entries.clone().count();
        let times = |op: &T::Op| entries.clone().filter(|entry| entry.op == *op).count();
        let counts = T::Op::ALL.iter().map(|op| (times(op), op.name()));
        let mut counts: Vec<_> = counts.filter(|(count, _)| *count > 0).collect();
        counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let mut pieces = vec![format!("{all} operations:")];
        let last = counts.len().saturating_sub(1);
        pieces.extend(counts.iter().enumerate().map(|(at, (count, name))| {
            let comma = if at < last { "," } else { "" };
            format!("{count} {name}{comma}")
        }));
        field_of(&short_title::<T>(index), pieces.iter().map(String::as_str))
    };
    let mut text: String = genotype.cells.iter().enumerate().map(line).collect();
    for line in weightless::lines::<T>(&genotype) {
        let (name, value) = line.split_once(' ').unwrap_or((&line, ""));
        text += &field(name, value.trim_start());
    }
    text
}

/// The title of a kind of cell without the word.
pub(crate) fn short_title<T: Task>(cell: usize) -> String {
    let title = T::Op::cell_title(cell);
    title.strip_suffix(" cell").unwrap_or(&title).to_string()
}
