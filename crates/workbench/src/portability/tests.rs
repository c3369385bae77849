use super::*;
use crate::record::{Direction, Metric};

/// A step in which one of two was chosen.
pub(crate) fn step(loss: f64, code: &str, margin: f32) -> TracedStep {
    TracedStep {
        loss,
        architecture_loss: Some(loss),
        choices: vec![TracedChoice {
            what: "logits, normal, edge 0".into(),
            code: code.into(),
            logits: vec![0.5, 0.25],
            margin: Some(margin),
        }],
    }
}

/// A trace of steps with these losses.
pub(crate) fn trace(label: &str, losses: &[f64]) -> Trace {
    Trace {
        label: label.into(),
        hardware: vec![("processor".into(), "a, AVX2 (256 bits)".into())],
        noise: Some(vec![1, 2, 3]),
        metric: Metric {
            name: "error".into(),
            unit: "%".into(),
            direction: Direction::Lower,
        },
        steps: losses.iter().map(|&loss| step(loss, "10", 1e-6)).collect(),
        gradients: vec![TracedGradient {
            step: 1,
            of: "weights".into(),
            values: vec![1.0, 2.0],
        }],
        genotype: Some("cells".into()),
        timing: TraceTiming {
            first_step_seconds: 2.5,
            step_seconds: Some(0.125),
        },
        memory: TraceMemory {
            process: Some(300 << 20),
            device: None,
        },
    }
}

fn result() -> Portability {
    let mut differing = trace("vulkan", &[1.0, 0.5]);
    differing.steps[1] = step(0.5, "01", 1e-6);
    Portability {
        name: "digits".into(),
        kind: "search".into(),
        config: "seed = 3".into(),
        fingerprint: "abc".into(),
        steps: 2,
        versions: crate::machine::versions(),
        command: "search portability".into(),
        contestants: vec![
            Contestant::failed("cuda", "no device works for it".into()),
            Contestant::ran("flex", trace("flex", &[1.0, 0.5])),
            Contestant::ran("vulkan", differing),
        ],
    }
}

#[test]
fn all_are_compared_with_the_first_that_ran() {
    let mut result = result();
    result.compare();
    let agreements: Vec<_> = result
        .contestants
        .iter()
        .map(|contestant| contestant.agreement.as_ref())
        .collect();
    assert!(agreements[0].is_none() && agreements[1].is_none());
    assert_eq!(agreements[2].unwrap().same_choices, 1);

    let text = page::text(&result);
    for line in [
        "failed    no device works for it",
        "same choices 1 of 2 steps",
        "which explains it",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let markdown = page::markdown(&result);
    assert!(markdown.contains("| cuda | failed |"), "{markdown}");
    assert!(markdown.contains("| flex | - | - |"), "{markdown}");
    assert!(markdown.contains("All are compared with flex."));
}

#[test]
fn the_page_has_a_curve_for_each_and_says_what_failed() {
    let mut result = result();
    result.compare();
    let workload = Workload {
        name: "digits",
        binary: "search",
        config: result.config.clone(),
        default: "seed = 0".into(),
        fingerprint: result.fingerprint.clone(),
        made_by: "Made by search.",
    };
    let page = page::page(&result, &workload).unwrap();
    assert_eq!(page.warning, None);
    assert_eq!(page.figures[0].value, "2 of 3");
    let titles: Vec<_> = page
        .chapters
        .iter()
        .map(|chapter| chapter.title.as_str())
        .collect();
    let expected = [
        "Backends",
        "Failures, and choices that differ",
        "Losses",
        "Hardware",
        "Configuration",
        "The command that repeats it",
    ];
    assert_eq!(titles, expected);
    let html = page.html().unwrap();
    assert!(html.contains("no device works for it"));

    result.contestants[2].trace.as_mut().unwrap().steps[1] = step(0.5, "01", 0.5);
    result.contestants[1].trace.as_mut().unwrap().steps[1].choices[0].margin = Some(0.5);
    result.compare();
    let warned = page::page(&result, &workload).unwrap();
    assert!(warned.warning.is_some());
}

#[test]
fn results_of_the_same_workload_stand_beside_each_other_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.json");
    let mut own = result();
    crate::files::write_json(&path, "results", &own).unwrap();
    let theirs = Portability::read_like(&path, &own).unwrap();
    own.add(&path, theirs);
    own.compare();
    assert_eq!(own.contestants.len(), 6);
    let agreement = own.contestants[4].agreement.as_ref().unwrap();
    assert_eq!((agreement.same_choices, agreement.loss), (2, 0.0));
    assert!(page::text(&own).contains("flex, "), "{}", page::text(&own));

    own.steps = 3;
    let refused = Portability::read_like(&path, &own).unwrap_err().to_string();
    assert!(
        refused.contains("theirs.json") && refused.contains("of another workload"),
        "{refused}"
    );
}

#[test]
fn a_tracer_keeps_gradients_of_the_first_middle_and_last_step() {
    let mut tracer = Tracer::begin(5);
    tracer.noise(vec![7]);
    for index in 0..5 {
        tracer.gradient("weights", || vec![index as f32]);
        let done = tracer.step(1.0, None);
        assert_eq!(done, index == 4);
    }
    let metric = trace("x", &[]).metric;
    let trace = tracer.finish("flex", Vec::new(), metric, None, Some(9));
    let steps: Vec<_> = trace
        .gradients
        .iter()
        .map(|gradient| gradient.step)
        .collect();
    assert_eq!(steps, [1, 3, 5]);
    assert_eq!(trace.memory.device, Some(9));
    assert!(trace.timing.step_seconds.is_some());
}
