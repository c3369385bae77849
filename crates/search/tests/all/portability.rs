//! One workload on several backends, each in a process of its own.

use std::path::Path;

use workbench::portability::Portability;

use crate::command_line::{TINY, refused, search};

fn compared(folder: &Path, arguments: &[&str]) -> (Portability, String) {
    let words = [&["portability"], &TINY[..], arguments].concat();
    let output = search(folder, &words);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {message}");
    let text = std::fs::read_to_string(folder.join("out/portability.json")).unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (serde_json::from_str(&text).unwrap(), printed)
}

#[test]
fn a_backend_that_is_missing_is_a_row_and_results_of_two_machines_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let missing = match cfg!(feature = "cuda") {
        true => "wgpu",
        false => "cuda",
    };
    let backends = format!("{missing},flex");
    let options = ["--steps", "3", "--backends", &backends, "--out", "out"];
    let (result, printed) = compared(path, &options);
    let [failed, flex] = &result.contestants[..] else {
        panic!("{printed}");
    };
    assert!(failed.trace.is_none() && flex.error.is_none());
    let told = failed.error.as_deref().unwrap();
    assert!(told.contains("not compiled in"), "{told}");
    let trace = flex.trace.as_ref().unwrap();
    assert_eq!(trace.steps.len(), 3);
    // Two kinds of cells of two nodes have five edges each, and both halves of a step choose.
    let choices = trace.steps.iter().map(|step| step.choices.len());
    assert_eq!(choices.collect::<Vec<_>>(), [20, 20, 20]);
    assert!(trace.steps[0].architecture_loss.is_some());
    // Both halves of the first, the second and the last step.
    assert_eq!(trace.gradients.len(), 6);
    assert!(trace.noise.is_some() && trace.genotype.is_some());
    for file in ["portability.md", "report.html"] {
        assert!(path.join("out").join(file).is_file(), "{file}");
    }
    assert!(!path.join("out/process.json").exists());

    std::fs::rename(path.join("out"), path.join("theirs")).unwrap();
    let theirs = "theirs/portability.json";
    let options = ["--steps", "3", "--backends", "flex", "--out", "out"];
    let (result, printed) = compared(path, &[&options[..], &["--against", theirs]].concat());
    assert_eq!(result.contestants.len(), 3, "{printed}");
    let agreement = result.contestants[2].agreement.as_ref().unwrap();
    assert_eq!(
        (agreement.same_choices, agreement.loss, agreement.genotype),
        (3, 0.0, Some(true))
    );
    assert_eq!(agreement.noise, Some(true));
    assert!(agreement.gradients.iter().all(|g| g.difference == 0.0));
    assert!(
        printed.contains("flex, theirs/portability.json"),
        "{printed}"
    );

    std::fs::remove_dir_all(path.join("out")).unwrap();
    for (arguments, expected) in [
        (vec!["--steps", "0"], "`steps` is 0"),
        (vec!["--steps", "100000"], ""),
        (vec!["--backend", "flex"], "--backends"),
        (vec!["--seeds", "0..2"], "--seed"),
        (vec!["--backends", "flexx"], "flex"),
        (
            vec!["--against", theirs, "--steps", "4"],
            "another workload",
        ),
        (vec!["--against", "none.json"], "none.json"),
    ] {
        let words = [&["portability", "--quiet"], &TINY[..], &arguments].concat();
        let message = match expected {
            // It is the process of the backend that finds out, and so a row, and then none ran.
            "" => {
                let output = search(path, &words);
                assert_eq!(output.status.code(), Some(2));
                String::from_utf8_lossy(&output.stdout).into_owned()
            }
            _ => refused(path, &words),
        };
        let expected = match expected {
            "" => "`steps` is 100000",
            expected => expected,
        };
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}
