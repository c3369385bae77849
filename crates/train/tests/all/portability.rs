//! One training on several backends, each in a process of its own.

use workbench::portability::Portability;

use crate::fit_commands::{printed, refused};

const TINY: [&str; 9] = [
    "portability",
    "darts-v2",
    "--channels",
    "2",
    "--cells",
    "2",
    "--batch-size",
    "64",
    "--quiet",
];

#[test]
fn a_training_is_compared_with_itself_and_with_another_machines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let run = |out: &str, more: &[&str]| {
        let options = ["--steps", "3", "--backends", "flex", "--out", out];
        let text = printed(path, &[&TINY[..], &options, more].concat());
        let json = std::fs::read_to_string(path.join(out).join("portability.json")).unwrap();
        let result: Portability = serde_json::from_str(&json).unwrap();
        (result, text)
    };
    let (result, _) = run("theirs", &[]);
    let trace = result.contestants[0].trace.as_ref().unwrap();
    assert_eq!((trace.steps.len(), trace.gradients.len()), (3, 3));
    assert!(trace.noise.is_none() && trace.steps[0].choices.is_empty());
    assert!(trace.steps.iter().all(|step| step.loss.is_finite()));

    let (result, text) = run("ours", &["--against", "theirs/portability.json"]);
    let agreement = result.contestants[1].agreement.as_ref().unwrap();
    assert_eq!((agreement.same_choices, agreement.loss), (3, 0.0));
    assert_eq!(agreement.first_gradient(), Some(0.0));
    assert!(!text.contains("same choices"), "{text}");
    let other = ["--seed", "1", "--against", "theirs/portability.json"];
    refused(path, &[&TINY[..], &other].concat(), &["another workload"]);
}
