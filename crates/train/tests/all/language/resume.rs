//! A training of language that is killed and resumed ends as one that was not.

use workbench::optim::non_monotone_trigger;

use super::{corpus, fit};
use crate::fit_commands::printed;
use crate::killed::{kill_after, lines, records, result, spawn};

const EPOCHS: usize = 9;

/// With everything that has state or is drawn: lengths, all dropouts, penalties, averaging, and a rate at
/// which the validation loss soon goes up and down.
fn arguments(out: &str) -> Vec<&str> {
    let set = [
        "--set",
        "network.dropout={embedding=0.1,input=0.1,cell_input=0.2,hidden=0.2,output=0.2}",
        "--set",
        "network.regularisation={activation=0.5,temporal=0.5}",
        "--set",
        "fit.average_after=1",
        "--set",
        "fit.parts=2",
        "--set",
        "fit.epochs=9",
        "--set",
        "weights.learning_rate={shape=\"linear\",from=20.0,to=15.0}",
        "--seed",
        "3",
        "--out",
        out,
    ];
    // `--epochs 1` of the small network is for other tests.
    let small = fit(&[]);
    let small = &small[..small.len() - 2];
    [small, &set].concat()
}

#[test]
fn killed_before_and_after_averaging_begins_it_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 250);
    printed(path, &[&arguments("whole")[..], &["--quiet"]].concat());
    let expected = records(&path.join("whole"));
    assert_eq!(expected.len(), EPOCHS);
    let losses: Vec<f64> = expected
        .iter()
        .map(|record| record.validation.unwrap().loss)
        .collect();
    let since = non_monotone_trigger(&losses, 1).unwrap();
    assert!(
        (3..EPOCHS - 2).contains(&since),
        "averaging since {since}: {losses:?}"
    );

    let run = path.join("broken");
    kill_after(spawn(path, &arguments("broken")), &run, 1);
    assert!(lines(&run) < since);
    kill_after(spawn(path, &["resume", "broken"]), &run, since + 1);
    printed(path, &["resume", "broken", "--quiet"]);
    assert_eq!(records(&run), expected);
    assert_eq!(result(&run), result(&path.join("whole")));
}

#[test]
fn a_step_cut_into_parts_learns_what_it_learns_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 60);
    let trained = |parts: &str| {
        let out = format!("run-{}", parts.len());
        // So slowly that what sums differ in does not grow.
        let set = ["--set", parts, "--set", "weights.learning_rate.from=0.2"];
        printed(
            path,
            &fit(&[&set[..], &["--out", &out, "--quiet"]].concat()),
        );
        records(&path.join(out))[0].train.loss
    };
    let whole = trained("fit.parts=1");
    let cut = trained("fit.parts = 3");
    assert!((whole - cut).abs() < 1e-5, "{whole} {cut}");
}
