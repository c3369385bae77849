use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::*;
use crate::Result;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) weights: Weights,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weights {
    pub(super) learning_rate: f64,
    pub(super) momentum: f64,
    pub(super) steps: u32,
    #[serde(default = "sgd")]
    pub(super) rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Rule {
    Sgd,
    Adam,
}

fn sgd() -> Rule {
    Rule::Sgd
}

pub(super) const TEXT: &str =
    "name = \"a\"\n[weights]\nlearning_rate = 0.1\nmomentum = 0.9\nsteps = 3\n";

fn message_for(old: &str, new: &str) -> String {
    assert!(TEXT.contains(old));
    parse::<Config>(&TEXT.replace(old, new), "a.toml")
        .unwrap_err()
        .to_string()
}

pub(super) fn parse<T: DeserializeOwned>(text: &str, source_name: &str) -> Result<T> {
    from_table(parse_table(text, source_name)?, source_name)
}

fn with_overrides(overrides: &[&str]) -> Result<Config> {
    let table = apply_overrides(parse_table(TEXT, "a.toml")?, overrides)?;
    from_table(table, "a.toml with overrides")
}

fn overridden(text: &str) -> Result<Config> {
    with_overrides(&[text])
}

#[test]
fn an_unknown_field_is_answered_with_section_suggestion_and_choices() {
    assert_eq!(
        message_for("learning_rate", "learning_rat"),
        "configuration a.toml: unknown field `learning_rat` in [weights]; did you mean \
         `learning_rate`? Valid: learning_rate, momentum, steps, rule"
    );
}

#[test]
fn an_unknown_field_at_the_top_names_no_section() {
    assert_eq!(
        message_for("name", "title"),
        "configuration a.toml: unknown field `title`; valid: name, weights"
    );
}

#[test]
fn an_unknown_choice_names_the_field_and_the_choices() {
    assert_eq!(
        message_for("steps = 3", "steps = 3\nrule = \"adm\""),
        "configuration a.toml: unknown value `adm` for `weights.rule`; did you mean `adam`? \
         Valid: sgd, adam"
    );
}

#[test]
fn a_wrong_type_names_the_field() {
    assert_eq!(
        message_for("steps = 3", "steps = \"many\""),
        "configuration a.toml: `weights.steps` is \"many\"; valid: a whole number from 0 to \
         4294967295"
    );
}

#[test]
fn a_value_out_of_range_names_the_field() {
    let message = message_for("steps = 3", "steps = -1");
    assert!(
        message.contains("`weights.steps` is -1; valid: a whole number from 0 to"),
        "{message}"
    );
}

#[test]
fn a_missing_field_names_its_section() {
    assert_eq!(
        message_for("momentum = 0.9\n", ""),
        "configuration a.toml: missing field `momentum` in [weights]"
    );
}

#[test]
fn broken_toml_names_the_line() {
    let message = message_for("momentum = 0.9", "momentum 0.9");
    assert!(
        message.starts_with("configuration a.toml: line 4: "),
        "{message}"
    );
    assert!(!message.contains('\n'));
}

#[test]
fn overrides_set_numbers_and_bare_words() {
    let config = with_overrides(&["weights.steps = 5", "name=b c", "weights.rule=adam"]).unwrap();
    assert_eq!((config.weights.steps, config.name.as_str()), (5, "b c"));
    assert_eq!(
        (config.weights.rule, config.weights.momentum),
        (Rule::Adam, 0.9)
    );
}

#[test]
fn an_override_of_an_unknown_field_gets_the_same_answer() {
    let message = overridden("weights.momentun=0.5").unwrap_err().to_string();
    assert!(message.starts_with("configuration a.toml with overrides: unknown field"));
    assert!(message.contains("did you mean `momentum`?"), "{message}");
}

#[test]
fn a_malformed_override_says_what_is_valid() {
    for text in ["weights.steps", "weights..steps=1", "name.first=1"] {
        let message = overridden(text).unwrap_err().to_string();
        assert!(message.contains(text) && message.ends_with("valid: section.field=value"));
    }
}

#[test]
fn an_override_cannot_smuggle_in_a_second_field() {
    assert_eq!(
        overridden("name=1\nother = 2").unwrap().name,
        "1\nother = 2"
    );
}

#[test]
fn tables_are_laid_section_by_section_and_schedules_replaced_whole() {
    let table = |text: &str| parse_table(text, "x").unwrap();
    let mut base = table(
        r#"name = "a"
weights = { momentum = 0.9, rate = { shape = "linear", from = 1, to = 0 } }"#,
    );
    let overrides = [
        "weights.rate={shape=\"constant\", value=3}".to_string(),
        "weights.decay=2".into(),
        "name=b".into(),
    ];
    merge(&mut base, overrides_table(&overrides).unwrap());
    let expected = table(
        r#"name = "b"
weights = { momentum = 0.9, decay = 2, rate = { shape = "constant", value = 3 } }"#,
    );
    assert_eq!(base, expected);
}

#[test]
fn a_number_that_is_none_or_infinite_is_refused_wherever_it_is() {
    #[derive(Debug, Deserialize)]
    struct Nested {
        #[serde(rename = "rate")]
        _rate: Vec<Config>,
    }
    for (text, field) in [
        ("weights.momentum=nan", "`weights.momentum` is NaN"),
        (
            "weights.learning_rate=-inf",
            "`weights.learning_rate` is -inf",
        ),
        ("weights.steps=nan", "`weights.steps` is NaN"),
    ] {
        let message = overridden(text).unwrap_err().to_string();
        assert!(
            message.contains(field) && message.ends_with("valid is a finite number"),
            "{message}"
        );
    }
    let text = TEXT.replace("momentum = 0.9", "momentum = inf");
    let text = text
        .replace("name", "[[rate]]\nname")
        .replace("[weights]", "[rate.weights]");
    let message = parse::<Nested>(&text, "a").unwrap_err().to_string();
    assert!(
        message.contains("`rate[0].weights.momentum` is inf"),
        "{message}"
    );
}

#[test]
fn numbers_outside_their_range_are_refused_by_name() {
    use super::checks::{below_one, not_negative, positive};
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        for check in [positive, not_negative, below_one] {
            let message = check("a.b", bad).unwrap_err().to_string();
            assert!(message.contains(&format!("`a.b` is {bad}")), "{message}");
        }
    }
    for (good, bad, check) in [
        (
            1e-9,
            0.0,
            positive as fn(&'static str, f64) -> crate::Result<()>,
        ),
        (0.0, -1e-9, not_negative),
        (0.0, 1.0, below_one),
    ] {
        check("a.b", good).unwrap();
        check("a.b", bad).unwrap_err();
    }
}

#[test]
fn a_fingerprint_depends_on_content_alone() {
    let reordered = "[weights]\nsteps = 3\nmomentum = 0.90\nlearning_rate = 1e-1\n";
    let reordered = format!("name = \"a\"\n{reordered}");
    let name = |text: &str| fingerprint(&parse::<Config>(text, "x").unwrap()).unwrap();
    assert_eq!(name(TEXT), name(&reordered));
    assert_ne!(name(TEXT), name(&TEXT.replace("steps = 3", "steps = 4")));
    assert_eq!(name(TEXT).len(), 64);
}
