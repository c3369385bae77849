//! What the commands print and leave behind.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{corpus, fit};
use crate::fit_commands::{printed, train};
use crate::page;

fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    corpus(folder.path(), 60);
    printed(folder.path(), &fit(&["--out", "run", "--quiet"]));
    folder
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_network_is_trained_scored_exported_and_asked() {
    let folder = trained();
    let path = folder.path();
    let result = json(&path.join("run/result.json"));
    assert_eq!(result["task"], "language");
    let value = result["test_perplexity"].as_f64().unwrap();
    let published = result["published_test_perplexity"].as_f64().unwrap();
    assert!(published < value, "{result}");
    let line = format!("test perplexity {value:.2} ({published:.2} as published code counts)");
    let scored = printed(path, &["eval", "run"]);
    assert!(scored.starts_with(&line), "{scored}");
    let page = page::read(&path.join("run/report.html"));
    let headings = page::headings(&page);
    assert!(
        headings.contains(&"Answers") && headings.contains(&"Written by the network"),
        "{headings:?}"
    );
    assert!(page.contains("test, as published code counts") && page.contains("class=\"words\""));

    printed(path, &["export", "run", "--out", "exported"]);
    let again = printed(path, &["eval", "exported", "--data-root", "corpus"]);
    assert_eq!(again, scored);
    let config = json(&path.join("exported/config.json"));
    assert_eq!(
        (&config["format"], &config["task"]),
        (&1.into(), &"language".into())
    );
    assert_eq!(config["vocabulary"].as_array().unwrap().len(), 14);
    assert_eq!(config["text"]["lowercase"], true);
    assert_eq!(config["trained"]["data"], "text");

    // The text for test, as a file and in a folder.
    let answers = printed(
        path,
        &["predict", "exported", "corpus/test.txt", "--top", "2"],
    );
    let line = format!("corpus/test.txt: perplexity {value:.2} over ");
    assert!(answers.starts_with(&line), "{answers}");
    assert_eq!(answers.matches("(probability 0.").count(), 2, "{answers}");
    let answers = printed(path, &["predict", "run", "corpus", "--json"]);
    let lines: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    let of_test = lines[0]["perplexity"].as_f64().unwrap();
    assert!((of_test - value).abs() < 1e-4 * value, "{answers}");
    assert_eq!(lines[0]["unknown"], 0);

    // Text of others is read with the network's words.
    let other = path.join("other");
    fs::create_dir(&other).unwrap();
    for name in ["train", "valid", "test"] {
        fs::write(
            other.join(format!("{name}.txt")),
            "The horse sat .\n\n".repeat(10),
        )
        .unwrap();
    }
    let told = printed(
        path,
        &["eval", "exported", "--data", "text", "--data-root", "other"],
    );
    assert!(told.contains("(49 tokens)"), "{told}");
    assert_eq!(
        printed(
            path,
            &["eval", "run", "--data", "text", "--data-root", "other"]
        ),
        told
    );
    let answers = printed(path, &["predict", "exported", "other/test.txt"]);
    assert!(
        answers.contains("of which it does not know 10"),
        "{answers}"
    );
}

#[test]
fn text_is_written_as_the_seed_says() {
    let folder = trained();
    let sample = |more: &[&str]| {
        let arguments = [&["sample", "run", "--tokens", "30"], more].concat();
        let output = train(folder.path(), &arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (first, told) = sample(&["--prompt", "The cat"]);
    assert!(
        first.starts_with("the cat") && told.is_empty(),
        "{first} {told}"
    );
    assert!(!first.contains(" .") && !first.contains("<"), "{first}");
    assert_eq!(sample(&["--prompt", "The cat"]).0, first);
    assert_ne!(sample(&["--prompt", "The cat", "--seed", "1"]).0, first);

    let cold = |seed| sample(&["--temperature", "0", "--seed", seed]).0;
    assert_eq!(cold("0"), cold("1"));
    let narrow = |seed| sample(&["--top-k", "1", "--seed", seed]).0;
    assert_eq!(narrow("2"), cold("0"));

    let (text, told) = sample(&["--prompt", "the horse and a horse"]);
    assert!(text.starts_with("the <unk> and a <unk>"), "{text}");
    assert_eq!(
        told,
        "note: the network does not know `horse`: read as `<unk>`\n"
    );
}

#[test]
fn an_lstm_of_as_many_weights_is_trained_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 60);
    let lstm = ["--set", "network.cell=lstm", "--quiet"];
    printed(path, &fit(&[&lstm[..], &["--out", "run"]].concat()));
    let config = fs::read_to_string(path.join("run/config.toml")).unwrap();
    assert!(config.contains("name = \"fit-text-lstm\""), "{config}");
    let weights = |run: &str| json(&path.join(run).join("result.json"))["weights"].clone();
    let counted = weights("run").as_u64().unwrap();
    // A derived network has 14 words of 8 units and a bias, and ten matrices of 8 x 16.
    let derived = 14 * 9 + 10 * 128;
    assert!(counted.abs_diff(derived) < derived / 10, "{counted}");

    printed(path, &["export", "run", "--out", "exported"]);
    let scored = printed(path, &["eval", "run"]);
    let again = printed(path, &["eval", "exported", "--data-root", "corpus"]);
    assert_eq!(again, scored);
    let text = |network| printed(path, &["sample", network, "--tokens", "9"]);
    assert_eq!(text("run"), text("exported"));

    let units = ["--set", "network.lstm_hidden=5", "--out", "small"];
    printed(path, &fit(&[&lstm[..], &units].concat()));
    assert_eq!(weights("small"), 14 * 6 + 8 * 25 + 20);
}

#[test]
fn the_task_is_the_one_that_the_cells_are_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 60);
    let cells = "cell: tanh@0 | relu@1 sigmoid@0\n";
    fs::write(path.join("cells.txt"), cells).unwrap();
    // As a search leaves it.
    fs::create_dir(path.join("found")).unwrap();
    fs::write(
        path.join("found/genotype.json"),
        "{\"cell\":[[{\"op\":\"tanh\",\"input\":0}],\
        [{\"op\":\"relu\",\"input\":1},{\"op\":\"sigmoid\",\"input\":0}]]}",
    )
    .unwrap();
    let fitted = |cells: &str| {
        let mut arguments = fit(&["--quiet", "--out"]);
        let out = format!("of-{}", cells.len());
        arguments[1] = cells;
        arguments.push(&out);
        printed(path, &arguments)
    };
    assert_eq!(fitted("cells.txt"), fitted("found"));
    let counted = |cells: &str| printed(path, &["count", cells, "--hidden", "8", "--words", "14"]);
    assert_eq!(counted("cells.txt"), counted("found"));
    assert_eq!(counted("of-5"), counted("cells.txt"));
    let cells = printed(path, &["count", "darts-v2"]);
    assert!(
        cells.contains("multiply-adds") && cells.contains("3349342"),
        "{cells}"
    );

    // Cells at random are of any task.
    let random = |seed: &str| {
        let out = format!("random-{seed}");
        let set = format!("genotype=random-{seed}");
        let more = [
            "--set",
            "task=language",
            "--set",
            &set,
            "--quiet",
            "--out",
            &out,
        ];
        let arguments = [&["fit"], &super::TINY[1..], &more].concat();
        printed(path, &arguments);
        json(&path.join(out).join("result.json"))["genotype"].clone()
    };
    let genotype = random("1");
    assert_ne!(genotype, random("2"));
    let steps: Vec<&str> = genotype.as_str().unwrap().split('|').collect();
    assert_eq!(steps.len(), 8);
    assert!(
        steps.iter().all(|step| step.matches('@').count() == 1),
        "{genotype}"
    );
}

#[test]
fn published_networks_have_the_weights_that_their_papers_count() {
    let folder = tempfile::tempdir().unwrap();
    let count = |more: &[&str]| {
        let arguments = [&["count", "darts-rnn-v2"], more].concat();
        printed(folder.path(), &arguments)
    };
    for (more, weights) in [
        (&["--hidden", "850", "--words", "10000"][..], "22960000"),
        (&["--hidden", "700", "--words", "33278"], "33127878"),
        (&["--task", "language"], "22960000"),
    ] {
        let table = count(more);
        let all = table.lines().last().unwrap();
        let words: Vec<&str> = all.split_whitespace().collect();
        assert_eq!(words[..2], ["all", weights], "{table}");
        assert_eq!(table.lines().count(), 13, "{table}");
    }
    let lstm = count(&["--cell", "lstm"]);
    let all = lstm.lines().last().unwrap().split_whitespace().nth(1);
    let weights: u64 = all.unwrap().parse().unwrap();
    assert!(weights.abs_diff(22_960_000) < 30_000, "{lstm}");
}

#[test]
fn help_lists_the_commands_of_every_task_and_the_options_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let help = |arguments: &[&str]| printed(folder.path(), arguments);
    let all = help(&["--help"]);
    for command in ["sample", "import", "count", "predict"] {
        assert_eq!(all.matches(&format!("\n  {command} ")).count(), 1, "{all}");
    }
    let of_images = help(&["count", "--help"]);
    assert!(of_images.contains("--cells") && of_images.contains("image, language, scene"));
    let of_language = help(&["count", "--task", "language", "--help"]);
    assert!(of_language.contains("--hidden") && !of_language.contains("--cells"));
    assert_eq!(help(&["count", "darts-rnn-v1", "--help"]), of_language);
    assert!(help(&["import", "--task=language", "--help"]).contains("--vocabulary"));
}
