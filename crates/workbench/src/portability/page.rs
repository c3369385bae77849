//! How far backends agree, for a person.

use super::{Agreement, Contestant, Portability, Trace, Workload};
use crate::Result;
use crate::columns::field;
use crate::config::parse_table;
use crate::machine::Bytes;
use crate::report::{Block, Chapter, Chart, Headline, Page, Series, Table, duration, settings};

const HEAD: [&str; 11] = [
    "backend",
    "noise",
    "same choices",
    "first loss",
    "gradients",
    "loss",
    "logits",
    "cells",
    "first step",
    "step",
    "memory",
];

/// A row of the table.
fn row(result: &Portability, contestant: &Contestant) -> Vec<String> {
    let Some(trace) = &contestant.trace else {
        let mut row = vec![contestant.label(), "failed".into()];
        row.resize(HEAD.len(), String::new());
        return row;
    };
    let cells = [
        contestant.label(),
        noise(contestant),
        choices(result, trace, contestant.agreement.as_ref()),
        said(contestant, |agreement| {
            Some(scientific(agreement.first_loss))
        }),
        said(contestant, |agreement| {
            agreement.first_gradient().map(scientific)
        }),
        said(contestant, |agreement| Some(scientific(agreement.loss))),
        said(contestant, |agreement| {
            Some(scientific(agreement.logits.into()))
        }),
        said(contestant, |agreement| agreement.genotype.map(same)),
        duration(trace.timing.first_step_seconds),
        trace
            .timing
            .step_seconds
            .map_or(String::new(), |seconds| format!("{:.0} ms", 1e3 * seconds)),
        memory(trace),
    ];
    cells.into()
}

fn noise(contestant: &Contestant) -> String {
    said(contestant, |agreement| agreement.noise.map(same))
}

/// What the agreement says; of the first backend, with which all are compared, a dash.
fn said(contestant: &Contestant, say: impl Fn(&Agreement) -> Option<String>) -> String {
    let said = contestant.agreement.as_ref().and_then(say);
    said.unwrap_or_else(|| "-".into())
}

fn choices(result: &Portability, trace: &Trace, agreement: Option<&Agreement>) -> String {
    match agreement {
        None => "-".into(),
        Some(_) if trace.steps.iter().all(|step| step.choices.is_empty()) => "-".into(),
        Some(agreement) => format!("{} of {} steps", agreement.same_choices, result.steps),
    }
}

fn same(equal: bool) -> String {
    match equal {
        true => "same".into(),
        false => "others".into(),
    }
}

fn scientific(value: f64) -> String {
    match value == 0.0 {
        true => "0".into(),
        false => format!("{value:.1e}"),
    }
}

fn memory(trace: &Trace) -> String {
    let process = trace.memory.process.map(|bytes| Bytes(bytes).to_string());
    let device = trace
        .memory
        .device
        .map(|bytes| format!("{} on the device", Bytes(bytes)));
    let both: Vec<String> = process.into_iter().chain(device).collect();
    match both.is_empty() {
        true => "-".into(),
        false => both.join(", "),
    }
}

/// What the columns mean.
fn legend(result: &Portability) -> String {
    let first = result
        .contestants
        .iter()
        .find(|contestant| contestant.trace.is_some());
    let first = first.map_or(String::new(), Contestant::label);
    format!(
        "All are compared with {first}. The first loss and gradients are relative differences in the first step, \
         which tell rounding alone; losses and logits are the largest differences, relative and absolute, of all \
         steps before a choice differs: Adam moves a logit by its rate however small the gradient is, so what was \
         rounding grows. The first step includes reading data, compiling and tuning; a step is the median of the \
         others."
    )
}

/// A line for each backend of what the table does not hold.
fn remarks(result: &Portability) -> Vec<(String, String)> {
    let remark = |contestant: &Contestant| {
        if let Some(error) = &contestant.error {
            return Some((contestant.label(), error.clone()));
        }
        let divergence = contestant.agreement.as_ref()?.divergence.as_ref()?;
        Some((contestant.label(), divergence.sentence()))
    };
    result.contestants.iter().filter_map(remark).collect()
}

fn rows(result: &Portability) -> Vec<Vec<String>> {
    let contestants = result.contestants.iter();
    contestants
        .map(|contestant| row(result, contestant))
        .collect()
}

/// The results as they are printed.
pub(super) fn text(result: &Portability) -> String {
    let mut text = String::new();
    for contestant in &result.contestants {
        text += &format!("{}\n", contestant.label());
        let Some(_) = &contestant.trace else {
            text += &field("failed", contestant.error.as_deref().unwrap_or_default());
            continue;
        };
        for (name, value) in HEAD.iter().zip(row(result, contestant)).skip(1) {
            if value != "-" && !value.is_empty() {
                text += &field(name, &value);
            }
        }
        let divergence = contestant
            .agreement
            .as_ref()
            .and_then(|agreement| agreement.divergence.as_ref());
        if let Some(divergence) = divergence {
            text += &field("differs", &divergence.sentence());
        }
    }
    text
}

/// The results as Markdown.
pub(super) fn markdown(result: &Portability) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = format!(
        "# {}: {} steps on {} backends\n\n{}\n\n",
        result.name,
        result.steps,
        result.contestants.len(),
        legend(result)
    );
    text += &line(&HEAD.map(String::from));
    text += &line(&HEAD.map(|_| "---".into()));
    for row in rows(result) {
        text += &line(&row);
    }
    for (name, remark) in remarks(result) {
        text += &format!("\n- {name}: {remark}");
    }
    text += "\n\n## What ran where\n";
    for contestant in &result.contestants {
        if let Some(trace) = &contestant.trace {
            let hardware = trace.hardware.iter();
            let hardware: Vec<_> = hardware
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            text += &format!("\n- {}: {}", contestant.label(), hardware.join("; "));
        }
    }
    let versions = result.versions.iter();
    let versions: Vec<_> = versions
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    text += &format!("\n- versions: {}\n\n", versions.join(", "));
    text += &format!("```sh\n{}\n```\n", result.command);
    text
}

/// The results as a page.
///
/// # Errors
///
/// When a configuration is no TOML.
pub(super) fn page(result: &Portability, workload: &Workload<'_>) -> Result<Page> {
    let ran = result
        .contestants
        .iter()
        .filter(|contestant| contestant.trace.is_some());
    let ran = ran.count();
    let agreements = || {
        result
            .contestants
            .iter()
            .filter_map(|contestant| contestant.agreement.as_ref())
    };
    let least = agreements().map(|agreement| agreement.same_choices).min();
    let loss = agreements()
        .map(|agreement| agreement.loss)
        .reduce(f64::max);
    let figures = [
        Some(Headline::new(
            "backends that ran",
            format!("{ran} of {}", result.contestants.len()),
            "each in a process of its own",
        )),
        least.map(|least| {
            let value = format!("{least} of {}", result.steps);
            Headline::new("steps with the same choices", value, "the fewest of all")
        }),
        loss.map(|loss| {
            let note = "relative, while choices are the same";
            Headline::new("largest difference of losses", scientific(loss), note)
        }),
    ];
    let explained = agreements().filter_map(|agreement| agreement.divergence.as_ref());
    let unexplained = explained.filter(|divergence| !divergence.explained).count();
    let warning = (unexplained > 0).then(|| {
        format!("{unexplained} of the backends chose otherwise where the distance of their logits does not explain it.")
    });
    Ok(Page {
        title: format!("{} on several backends", result.name),
        kind: "portability".into(),
        warning,
        lead: format!(
            "{} steps of one {}, with the same seed on every backend. {}",
            result.steps,
            match result.kind.as_str() {
                "train" => "training",
                other => other,
            },
            legend(result)
        ),
        figures: figures.into_iter().flatten().collect(),
        facts: result.versions.clone(),
        chapters: chapters(result, workload)?,
        made_by: workload.made_by.into(),
    })
}

fn chapters(result: &Portability, workload: &Workload<'_>) -> Result<Vec<Chapter>> {
    let table = Table {
        caption: String::new(),
        head: HEAD.map(String::from).into(),
        rows: rows(result),
        folded: false,
    };
    let facts = |facts: Vec<(String, String)>| match facts.is_empty() {
        true => Vec::new(),
        false => vec![Block::Facts { facts }],
    };
    let hardware = result.contestants.iter().flat_map(|contestant| {
        let trace = contestant.trace.as_ref()?;
        let rows = trace.hardware.iter();
        let rows = rows.map(|(name, value)| vec![name.clone(), value.clone()]);
        Some(Block::Table(Table {
            caption: contestant.label(),
            head: vec!["part".into(), "found".into()],
            rows: rows.collect(),
            folded: false,
        }))
    });
    let config = parse_table(&result.config, "the workload")?;
    let settings = settings(&config, &parse_table(&workload.default, "default")?);
    let code = |text: &str| Block::Code { text: text.into() };
    let chapters = [
        Chapter::of("Backends", vec![Block::Table(table)]),
        Chapter::of("Failures, and choices that differ", facts(remarks(result))),
        Chapter::of("Losses", charts(result)),
        Chapter::of("Hardware", hardware.collect()),
        Chapter::of("Configuration", vec![Block::Settings { settings }]),
        Chapter::of("The command that repeats it", vec![code(&result.command)]),
    ];
    Ok(chapters.into_iter().flatten().collect())
}

fn charts(result: &Portability) -> Vec<Block> {
    let Some(first) = result.first() else {
        return Vec::new();
    };
    let curve = |name: String, points: Vec<f64>| Series {
        name,
        points: (1..)
            .zip(points)
            .map(|(step, value)| (f64::from(step), value))
            .collect(),
    };
    let traces = || {
        result
            .contestants
            .iter()
            .filter_map(|contestant| Some((contestant.label(), contestant.trace.as_ref()?)))
    };
    let losses = traces()
        .map(|(name, trace)| curve(name, trace.steps.iter().map(|step| step.loss).collect()));
    let apart = traces().skip(1).map(|(name, trace)| {
        let pairs = trace.steps.iter().zip(&first.steps);
        // A loss that is the same to the last bit has no logarithm.
        let apart = pairs.map(|(step, first)| {
            let apart = (step.loss - first.loss).abs() / first.loss.abs().max(f64::MIN_POSITIVE);
            apart.max(1e-9).log10()
        });
        curve(name, apart.collect())
    });
    let chart = |title: &str, y_label: &str, series: Vec<Series>| {
        let drawn = series.iter().any(|series| series.points.len() > 1);
        drawn.then(|| {
            Block::Chart(Chart {
                title: title.into(),
                x_label: "step".into(),
                y_label: y_label.into(),
                shaded: None,
                baseline: None,
                series,
            })
        })
    };
    [
        chart("Loss of the weights", "loss", losses.collect()),
        chart(
            "Distance from the first backend",
            "log10 of the relative difference",
            apart.collect(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
