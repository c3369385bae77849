//! Values that no search can have, and a budget that a child keeps.

use std::path::Path;
use std::process::{Command, Output};

use search::SearchConfig;
use search::tasks::ImageTask;
use supernet::{DerivedConfig, Genotype, NetworkConfig};
use workbench::config::Source;
use workbench::record::SearchOutcome;

fn search(folder: &Path, set: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_search"));
    command.args(["--out", "run"]);
    for set in set {
        command.args(["--set", set]);
    }
    command.current_dir(folder).output().unwrap()
}

fn refused(set: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = search(folder.path(), set);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{set:?}: {message}");
    assert_eq!(message.trim().lines().count(), 1, "one sentence: {message}");
    assert!(!folder.path().join("run").exists());
    message
}

#[test]
fn a_value_that_means_nothing_is_refused_by_name() {
    for (set, parts) in [
        (
            "search.epochs=nan",
            &["`search.epochs` is NaN", "a finite number"][..],
        ),
        ("search.epochs=NaN", &["search.epochs", "NaN"]),
        ("search.epochs=3.0", &["search.epochs", "3.0"]),
        ("search.batch_size=inf", &["`search.batch_size` is inf"]),
        ("weights.momentum=nan", &["`weights.momentum` is NaN"]),
        (
            "weights.learning_rate.from=nan",
            &["`weights.learning_rate.from` is NaN"],
        ),
        (
            "weights.learning_rate.to=inf",
            &["`weights.learning_rate.to` is inf"],
        ),
        (
            "search.temperature.to=-inf",
            &["`search.temperature.to` is -inf"],
        ),
        ("alpha.betas=[0.5, nan]", &["`alpha.betas[1]` is NaN"]),
        (
            "architecture.draws=5000",
            &["`architecture.draws` is 5000", "up to 1000"],
        ),
        (
            "data.augment.cutout=100",
            &["`data.augment.cutout` is 100", "less than 8", "8x8"],
        ),
        (
            "data.augment.crop_padding=8",
            &["`data.augment.crop_padding` is 8", "less than 8"],
        ),
        (
            "alpha.cost_budget=0",
            &["`alpha.cost_budget` is 0", "positive"],
        ),
        (
            "alpha.cost_budget=10",
            &["`alpha.cost_budget` is 10", "or more, the multiply-adds"],
        ),
    ] {
        let message = refused(&[set]);
        for part in parts {
            assert!(
                message.contains(part),
                "{set} should name `{part}`: {message}"
            );
        }
    }
}

/// Two cells of two nodes for an epoch of five steps.
const TINY: [&str; 6] = [
    "search.epochs=1",
    "network.cells=2",
    "network.channels=2",
    "space.nodes=2",
    "search.warmup_epochs=0",
    "search.batch_size=128",
];

#[test]
fn a_child_keeps_its_budget_and_the_result_says_so() {
    for cost in ["parameters", "multiply-adds"] {
        let cost_set = format!("alpha.cost={cost}");
        let with = |budget: &str| {
            let budget = format!("alpha.cost_budget={budget}");
            let set = [&TINY[..], &[&cost_set, "alpha.cost_penalty=1", &budget]].concat();
            let folder = tempfile::tempdir().unwrap();
            (search(folder.path(), &set), folder)
        };
        // The refusal names the least; a tenth more is little for such cells.
        let (output, _) = with("1");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        let least = message.split("valid: ").nth(1).unwrap();
        let least: f64 = least.split(' ').next().unwrap().parse().unwrap();
        let budget = (1.1 * least).round();
        let (output, folder) = with(&budget.to_string());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{message}");

        let run = folder.path().join("run");
        let outcome = SearchOutcome::read(run.join("result.json")).unwrap();
        let counted = outcome.child_cost.unwrap();
        assert_eq!((counted.of.as_str(), counted.budget), (cost, budget));
        assert!(
            least <= counted.child && counted.child <= budget,
            "{counted:?}"
        );
        let summary = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = format!(
            "{:.0} {cost} of the child, budget {budget:.0}",
            counted.child
        );
        assert!(summary.contains(&line), "{line} in {summary}");

        // The layers of the genotype that was written come to just as much.
        let text = std::fs::read_to_string(run.join("config.toml")).unwrap();
        let source = Source {
            name: "run",
            text: &text,
        };
        let config = SearchConfig::<ImageTask>::resolve(Some(source), &[]).unwrap();
        let network = NetworkConfig {
            image_channels: 1,
            classes: 10,
            channels: config.network.channels,
            cells: config.network.cells,
        };
        let text = std::fs::read_to_string(run.join("genotype.json")).unwrap();
        let genotype: Genotype = Genotype::parse("genotype.json", &text).unwrap();
        let layers = DerivedConfig::new(network, genotype).layers(8, 8).unwrap();
        let total: f64 = layers
            .iter()
            .map(|layer| match cost {
                "parameters" => layer.weights as f64,
                _ => layer.multiply_adds as f64,
            })
            .sum();
        assert_eq!(total, counted.child);
        // The processor is on record.
        assert_eq!(outcome.processor, Some(workbench::machine::processor()));
    }
}
