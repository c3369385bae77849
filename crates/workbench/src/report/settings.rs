//! Configurations field by field.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Setting;

/// The fields of a configuration as TOML, by their names with their chapters. A table with a `shape`, a
/// schedule, is one value.
pub fn fields(table: &Table) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    collect(table, "", &mut fields);
    fields
}

fn collect(table: &Table, section: &str, fields: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let field = match section {
            "" => name.clone(),
            section => format!("{section}.{name}"),
        };
        match value {
            Value::Table(inner) if !inner.contains_key("shape") => collect(inner, &field, fields),
            value => {
                fields.insert(field, value.to_string());
            }
        }
    }
}

/// The fields of a configuration, marked where the default has another value.
pub fn settings(own: &Table, default: &Table) -> Vec<Setting> {
    let default = fields(default);
    let own = fields(own).into_iter();
    own.map(|(field, value)| Setting {
        default: match default.get(&field) {
            Some(default) if *default == value => None,
            other => Some(other.cloned().unwrap_or_default()),
        },
        field,
        value,
    })
    .collect()
}

/// The fields in which configurations differ, each with its value in every one of them; none where one lacks
/// it.
pub(super) fn differing(
    configurations: &[BTreeMap<String, String>],
) -> Vec<(String, Vec<Option<String>>)> {
    let names: BTreeSet<&String> = configurations.iter().flat_map(BTreeMap::keys).collect();
    let rows = names.into_iter().map(|name| {
        let values = configurations.iter().map(|own| own.get(name).cloned());
        (name.clone(), values.collect::<Vec<_>>())
    });
    rows.filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn what_differs_from_the_default_is_marked_and_a_schedule_is_one_value() {
        let own = table("seed = 1\n[a]\nb = 2\nc = { shape = \"constant\", value = 3.0 }\nd = 4");
        let default = table("seed = 0\n[a]\nb = 2\nc = { shape = \"linear\", from = 1.0 }");
        let settings = settings(&own, &default);
        let defaults: Vec<_> = settings
            .iter()
            .map(|setting| (setting.field.as_str(), setting.default.as_deref()))
            .collect();
        let schedule = "{ from = 1.0, shape = \"linear\" }";
        assert_eq!(
            defaults,
            [
                ("a.b", None),
                ("a.c", Some(schedule)),
                ("a.d", Some("")),
                ("seed", Some("0"))
            ]
        );
    }

    #[test]
    fn only_what_differs_is_told_of_several() {
        let all = ["a = 1\nb = 2", "a = 1\nb = 3", "a = 1"].map(|text| fields(&table(text)));
        let value = |text: &str| Some(text.to_string());
        assert_eq!(
            differing(&all),
            [("b".to_string(), vec![value("2"), value("3"), None])]
        );
    }
}
