use super::*;
use crate::config::merge;
use crate::config::tests::{Config, Rule, TEXT};

#[test]
fn defaults_a_file_and_overrides_are_laid_on_each_other_in_turn() {
    let mut laid = 0;
    let mut overlay = |base: &mut Table, over| {
        laid += 1;
        merge(base, over);
        Ok(())
    };
    let file = Source {
        name: "b.toml",
        text: "[weights]\nmomentum = 0.5\nsteps = 4",
    };
    let task = "[weights]\nsteps = 2\nrule = \"adam\"";
    let set = ["weights.steps=5".to_string()];
    let config: Config = resolve(&[TEXT, task], Some(file), &set, &mut overlay).unwrap();
    let weights = &config.weights;
    assert_eq!((weights.momentum, weights.steps), (0.5, 5));
    assert_eq!((&weights.rule, weights.learning_rate), (&Rule::Adam, 0.1));
    assert_eq!(laid, 3, "nothing is below the first");

    let name = |file, set: &[&str]| {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        let plain = |base: &mut Table, over| {
            merge(base, over);
            Ok(())
        };
        let error = resolve::<Config>(&[TEXT], file, &set, plain)
            .unwrap_err()
            .to_string();
        error.split(": ").next().unwrap().to_string()
    };
    let wrong = Source {
        text: "[weights]\nstep = 4",
        ..file
    };
    let broken = Source {
        text: "[weights",
        ..file
    };
    assert_eq!(name(None, &["x=1"]), "configuration default with overrides");
    assert_eq!(name(Some(wrong), &[]), "configuration b.toml");
    assert_eq!(
        name(Some(file), &["x=1"]),
        "configuration b.toml with overrides"
    );
    assert_eq!(name(Some(broken), &["x=1"]), "configuration b.toml");
    assert_eq!(name(None, &["x"]), "configuration override");
}

#[test]
fn the_task_is_that_of_the_overrides_the_file_or_images() {
    let file = |text| {
        Some(Source {
            name: "c.toml",
            text,
        })
    };
    let set = |texts: &[&str]| -> Vec<String> { texts.iter().map(|t| t.to_string()).collect() };
    let name = |source, texts: &[&str]| task_name(source, &set(texts)).unwrap();
    assert_eq!(name(None, &[]), "image");
    assert_eq!(name(file("seed = 1"), &["seed=2"]), "image");
    assert_eq!(name(file("task = \"language\""), &["seed=2"]), "language");
    assert_eq!(name(file("task = \"language\""), &["task=scene"]), "scene");
    let message = task_name(file("task = 3"), &[]).unwrap_err().to_string();
    assert_eq!(
        message,
        "configuration c.toml: `task`: found 3; valid is the name of a task in quotes"
    );
}
