use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::tests::{Rule, parse};
use crate::optim::Schedule;

#[test]
fn an_unknown_shape_or_field_of_a_schedule_names_the_schedule() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rates {
        #[serde(rename = "weights")]
        _weights: BTreeMap<String, Schedule>,
    }
    let message = |rate: &str| {
        let text = format!("[weights]\nrate = {rate}");
        let error = parse::<Rates>(&text, "a.toml").unwrap_err();
        error.to_string()
    };
    assert_eq!(
        message("{ shape = \"liner\", from = 1, to = 0 }"),
        "configuration a.toml: unknown value `liner` for `weights.rate.shape`; did you mean \
         `linear`? Valid: constant, linear, cosine, poly"
    );
    assert_eq!(
        message("{ shape = \"linear\", from = 1, too = 0 }"),
        "configuration a.toml: unknown field `too` in [weights.rate]; did you mean `to`? Valid: \
         shape, from, to, value, power, floor"
    );
    assert_eq!(
        message("{ shape = \"constant\" }"),
        "configuration a.toml: missing field `value` in [weights.rate]"
    );
    assert_eq!(
        message("3"),
        "configuration a.toml: `weights.rate` is 3; valid: a schedule such as { shape = \"linear\", \
         from = 1.0, to = 0.1 }"
    );
    assert_eq!(
        message("{ shape = \"cosine\", from = \"high\", to = 0 }"),
        "configuration a.toml: `weights.rate.from` is \"high\"; valid: a number"
    );
    assert_eq!(
        message("{ shape = \"linear\", from = 1, to = 0, value = 2 }"),
        "configuration a.toml: unknown field `value` in [weights.rate]; valid: shape, from, to"
    );
    assert_eq!(
        message("{ shape = \"constant\", value = 1, to = 0 }"),
        "configuration a.toml: unknown field `to` in [weights.rate]; valid: shape, value"
    );
}

#[test]
fn values_of_every_kind_are_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct All {
        pair: (u8, f32),
        list: Vec<Rule>,
        none: Option<u8>,
        some: Option<i64>,
        path: PathBuf,
        wrapped: Wrapped,
        choice: Choice,
        time: String,
        on: bool,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(u16);
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        Of { width: u8 },
    }
    let text = r#"
pair = [3, 4]
list = ["sgd", "adam"]
some = -5
path = "a/b"
wrapped = 9
choice = { of = { width = 7 } }
time = 1979-05-27
on = true
"#;
    let all = All {
        pair: (3, 4.0),
        list: vec![Rule::Sgd, Rule::Adam],
        none: None,
        some: Some(-5),
        path: "a/b".into(),
        wrapped: Wrapped(9),
        choice: Choice::Of { width: 7 },
        time: "1979-05-27".into(),
        on: true,
    };
    assert_eq!(parse::<All>(text, "x").unwrap(), all);
    let message = |old: &str, new: &str| {
        assert!(text.contains(old));
        let text = text.replace(old, new);
        parse::<All>(&text, "x").unwrap_err().to_string()
    };
    let wrong = message("\"adam\"", "\"adm\"");
    assert!(
        wrong.contains("unknown value `adm` for `list[1]`; did you mean `adam`"),
        "{wrong}"
    );
    let wrong = message("[3, 4]", "[3]");
    assert!(
        wrong.ends_with("`pair` is an array of 1 value; valid: an array of 2 values"),
        "{wrong}"
    );
    let wrong = message("{ width = 7 }", "{ width = 700 }");
    assert!(
        wrong.ends_with("`choice.of.width` is 700; valid: a whole number from 0 to 255"),
        "{wrong}"
    );
    let wrong = message("{ of = { width = 7 } }", "3");
    assert!(wrong.ends_with("`choice` is 3; valid: of"), "{wrong}");
    for (old, new, expected) in [
        ("on = true", "on = 1", "`on` is 1; valid: true or false"),
        ("\"a/b\"", "false", "`path` is false; valid: text in quotes"),
        (
            "some = -5",
            "some = 0.5",
            "`some` is 0.5; valid: a whole number",
        ),
        (
            "list = [\"sgd\", \"adam\"]",
            "list = 3",
            "`list` is 3; valid: an array",
        ),
        (
            "time = 1979-05-27",
            "time = [1]",
            "`time` is an array; valid: text in quotes",
        ),
    ] {
        let message = message(old, new);
        assert!(message.ends_with(expected), "{message}");
    }
}
