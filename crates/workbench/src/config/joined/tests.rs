use serde::{Deserialize, Serialize};

use super::*;
use crate::config::tests::{Rule, parse};
use crate::config::{Empty, to_toml};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Loop {
    epochs: usize,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Images {
    drop_path: f64,
    #[serde(default)]
    crop: Option<Crop>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Crop {
    padding: u16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<Own> {
    name: String,
    fit: Joined<Loop, Own>,
}

const JOINED: &str =
    "name = \"a\"\n[fit]\nepochs = 3\nrule = \"sgd\"\ndrop_path = 0.2\n[fit.crop]\npadding = 4\n";

fn joined(old: &str, new: &str) -> crate::Result<Whole<Images>> {
    assert!(JOINED.contains(old));
    parse(&JOINED.replace(old, new), "a.toml")
}

#[test]
fn a_joined_section_has_the_fields_of_both_and_is_written_as_one() {
    let mut whole = joined("", "").unwrap();
    assert_eq!((whole.fit.epochs, whole.fit.own.drop_path), (3, 0.2));
    assert_eq!(whole.fit.own.crop, Some(Crop { padding: 4 }));
    whole.fit.epochs = 5;
    let text = to_toml(&whole, "x").unwrap();
    assert!(text.contains("[fit]\nepochs = 5\n"), "{text}");
    assert_eq!(parse::<Whole<Images>>(&text, "x").unwrap(), whole);
    let json = serde_json::to_string(&whole).unwrap();
    let fields =
        r#"{"name":"a","fit":{"epochs":5,"rule":"sgd","drop_path":0.2,"crop":{"padding":4}}}"#;
    assert_eq!(json, fields);
    assert_eq!(serde_json::from_str::<Whole<Images>>(&json).unwrap(), whole);
    // Other formats refuse unknown fields too.
    let json = json.replace("drop_path", "drop_pat");
    let message = serde_json::from_str::<Whole<Images>>(&json).unwrap_err();
    assert!(
        message.to_string().contains("did you mean `drop_path`"),
        "{message}"
    );
    assert!(toml::from_str::<Whole<Images>>(&text).is_ok());
}

#[test]
fn an_unknown_field_of_a_joined_section_is_answered_with_the_names_of_both() {
    for (new, suggestion) in [("epoch = 3", "epochs"), ("drop_pat = 1.0", "drop_path")] {
        let message = joined("[fit]", &format!("[fit]\n{new}"))
            .unwrap_err()
            .to_string();
        let (found, _) = new.split_once(' ').unwrap();
        assert_eq!(
            message,
            format!(
                "configuration a.toml: unknown field `{found}` in [fit]; did you mean \
                 `{suggestion}`? Valid: epochs, rule, drop_path, crop"
            )
        );
    }
    // Even where the field is called as the section.
    let message = joined("[fit]", "[fit]\nfit = 1").unwrap_err().to_string();
    assert!(
        message.contains("unknown field `fit` in [fit]; "),
        "{message}"
    );
    let message = joined("padding", "paddin").unwrap_err().to_string();
    let expected = "unknown field `paddin` in [fit.crop]; did you mean `padding`? Valid: padding";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn an_error_inside_a_joined_section_names_section_and_field() {
    for (old, new, expected) in [
        (
            "epochs = 3",
            "epochs = -3",
            "`fit.epochs` is -3; valid: a whole number of 0 or more",
        ),
        (
            "0.2",
            "\"much\"",
            "`fit.drop_path` is \"much\"; valid: a number",
        ),
        (
            "\"sgd\"",
            "\"sg\"",
            "unknown value `sg` for `fit.rule`; did you mean `sgd`?",
        ),
        (
            "padding = 4",
            "padding = -4",
            "`fit.crop.padding` is -4; valid: a whole number from 0 to 65535",
        ),
        ("epochs = 3\n", "", "missing field `epochs` in [fit]"),
        (
            "drop_path = 0.2\n",
            "",
            "missing field `drop_path` in [fit]",
        ),
    ] {
        let message = joined(old, new).unwrap_err().to_string();
        let start = format!("configuration a.toml: {expected}");
        assert!(message.starts_with(&start), "{message}");
    }
    let message = parse::<Whole<Images>>("name = \"a\"\nfit = 3", "a.toml").unwrap_err();
    assert!(message.to_string().contains("`fit` is 3; valid: a section"));
}

#[test]
fn a_task_without_fields_joins_an_empty_section() {
    let text = "name = \"a\"\n[fit]\nepochs = 3\nrule = \"adam\"\n";
    let whole: Whole<Empty> = parse(text, "a.toml").unwrap();
    assert_eq!(
        (whole.fit.rule.clone(), whole.fit.own),
        (Rule::Adam, Empty {})
    );
    assert_eq!(
        to_toml(&whole, "x").unwrap(),
        text.replace("[fit]", "\n[fit]")
    );
    let more = format!("{text}drop_path = 0.2");
    let message = parse::<Whole<Empty>>(&more, "a.toml")
        .unwrap_err()
        .to_string();
    assert!(message.ends_with("unknown field `drop_path` in [fit]; valid: epochs, rule"));
}
