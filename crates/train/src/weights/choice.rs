use std::collections::{BTreeMap, BTreeSet};

use super::budget::Budget;
use super::flatten::{flatten, joined, plain};
use super::item::{Group, Item};
use super::problem::Problem;

/// Where training scripts keep the state dict of the network in a checkpoint.
const KEYS: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "network"];
/// Keys within keys that are followed.
const MOST_KEYS: usize = 8;
/// What a checkpoint should be.
const VALID: &str = "a state dict, as `torch.save(network.state_dict(), ..)` writes it, or one \
                     under a key of a checkpoint";

/// Finds the state dict in a file and gives its tensors by their plain names. Without `key` that is
/// what lies under one of [`KEYS`] or, without those, the file as a whole.
///
/// # Errors
///
/// When there is none, there are several, a value in it is not a tensor but holds some, or the names
/// take more memory than a file of its size may.
pub(super) fn choose(
    root: &Item,
    key: Option<&str>,
    budget: &Budget,
) -> Result<BTreeMap<String, usize>, Problem> {
    let root = match root {
        Item::Group(group) if !group.is_empty() => group,
        Item::Group(_) => return Err(Problem::refused(format!("holds no tensor; valid: {VALID}"))),
        Item::Tensor { .. } => {
            let problem = format!("holds one tensor and no name for it; valid: {VALID}");
            return Err(Problem::refused(problem));
        }
        Item::Opaque(what) => {
            return Err(Problem::refused(format!("is {what}; valid: {VALID}")));
        }
    };
    let mut found = Vec::new();
    match key {
        Some(key) => {
            let group = named(root, key)?;
            search(&group, key, &mut found);
            if found.is_empty() {
                found.push((key.to_string(), group));
            }
        }
        None => {
            search(root, "", &mut found);
            if found.is_empty() {
                found.push((String::new(), whole(root)?.clone()));
            }
        }
    }
    if let [(path, group)] = &found[..] {
        return flatten(group, path, budget);
    }
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    Err(Problem::refused(format!(
        "holds tensors under {}; `import --key` chooses one of them",
        list(&paths)
    )))
}

/// The state dicts under the known keys of a group, by their paths.
fn search(group: &Group, path: &str, found: &mut Vec<(String, Group)>) {
    if path.split('.').count() > MOST_KEYS {
        return;
    }
    for key in KEYS {
        let Some(inner) = under(group, key) else {
            continue;
        };
        let path = joined(path, key);
        let before = found.len();
        search(&inner, &path, found);
        if found.len() == before {
            found.push((path, inner));
        }
    }
}

/// What lies under a key: a group of that name or, in a file without groups, the tensors whose names
/// begin with it and a dot.
fn under(group: &Group, key: &str) -> Option<Group> {
    if let Some(Item::Group(inner)) = group.get(key) {
        return Some(inner.clone());
    }
    let inner: Group = group
        .iter()
        .filter_map(|(name, item)| {
            let rest = plain(name)
                .strip_prefix(key)?
                .strip_prefix('.')?
                .to_string();
            Some((rest, item.clone()))
        })
        .collect();
    (!inner.is_empty()).then_some(inner)
}

/// What lies under a key that the user named.
fn named(root: &Group, key: &str) -> Result<Group, Problem> {
    let problem = match root.get(key) {
        Some(Item::Tensor { .. }) => format!("has one tensor under `{key}`, and no state dict"),
        Some(Item::Opaque(what)) => format!("has no state dict under `{key}`, but {what}"),
        Some(Item::Group(_)) | None => {
            if let Some(group) = under(root, key) {
                return Ok(group);
            }
            if let Some((first, rest)) = key.split_once('.')
                && let Some(inner) = under(root, first)
            {
                return named(&inner, rest);
            }
            format!("has no tensor under `{key}`")
        }
    };
    Err(Problem::refused(format!(
        "{problem}; tensors are under {}",
        list(&heads(root))
    )))
}

/// A file that has none of the known keys, as a state dict.
fn whole(root: &Group) -> Result<&Group, Problem> {
    let named = |item: &Item| matches!(item, Item::Tensor { scalar: false, .. });
    if root.values().any(named) {
        return Ok(root);
    }
    let opaque = KEYS.iter().find_map(|key| match root.get(*key) {
        Some(Item::Opaque(what)) => Some(format!("holds under `{key}` {what}; valid: {VALID}")),
        _ => None,
    });
    Err(Problem::refused(opaque.unwrap_or_else(|| {
        format!(
            "has no state dict under {}, but tensors under {}; `import --key` chooses",
            list(&KEYS),
            list(&heads(root))
        )
    })))
}

/// The first parts of the names in a group.
fn heads(group: &Group) -> Vec<&str> {
    let heads: BTreeSet<&str> = group
        .iter()
        .map(|(name, item)| match item {
            Item::Tensor { .. } => name.split('.').next().unwrap_or(name),
            Item::Group(_) | Item::Opaque(_) => name,
        })
        .collect();
    heads.into_iter().collect()
}

fn list(names: &[&str]) -> String {
    const MOST: usize = 8;
    let quoted: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect();
    let mut text = quoted.join(", ");
    if names.len() > MOST {
        text += &format!(" and {} more", names.len() - MOST);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(index: usize) -> Item {
        let scalar = false;
        Item::Tensor { index, scalar }
    }

    fn group<const N: usize>(items: [(&str, Item); N]) -> Item {
        Item::Group(items.map(|(name, item)| (name.to_string(), item)).into())
    }

    fn names(root: &Item, key: Option<&str>) -> Vec<(String, usize)> {
        choose(root, key, &Budget::of_file(0))
            .unwrap()
            .into_iter()
            .collect()
    }

    fn refusal(root: &Item, key: Option<&str>) -> String {
        choose(root, key, &Budget::of_file(0))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn prefixes_are_taken_off_in_any_order() {
        let root = group([
            ("module._orig_mod.a", tensor(0)),
            ("_orig_mod.module.b", tensor(1)),
            ("module.module.c._orig_mod.d", tensor(2)),
            ("modules.e", tensor(3)),
        ]);
        let expected = [("a", 0), ("b", 1), ("c.d", 2), ("modules.e", 3)];
        assert_eq!(
            names(&root, None),
            expected.map(|(n, i)| (n.to_string(), i))
        );
        let twice = group([("module.a", tensor(0)), ("a", tensor(1))]);
        assert!(refusal(&twice, None).contains("two tensors that are called `a`"));
    }

    #[test]
    fn known_keys_come_before_the_whole() {
        let accuracy = Item::Tensor {
            index: 9,
            scalar: true,
        };
        for key in KEYS {
            let inner = group([("module.a.b", tensor(1))]);
            let nested = group([(key, inner), ("best", accuracy.clone())]);
            let flat_name = format!("{key}.a.b");
            let flat = group([(&flat_name, tensor(1)), ("optimizer.c", tensor(2))]);
            // As Lightning writes it.
            let double = group([("state_dict", group([(&flat_name, tensor(1))]))]);
            for root in [nested, flat, double] {
                assert_eq!(names(&root, None), [("a.b".to_string(), 1)], "{root:?}");
            }
        }
    }

    #[test]
    fn nested_groups_join_their_names() {
        let root = group([
            ("a", tensor(0)),
            ("b", group([("0", group([("c", tensor(1))]))])),
        ]);
        let expected = [("a", 0), ("b.0.c", 1)];
        assert_eq!(
            names(&root, None),
            expected.map(|(n, i)| (n.to_string(), i))
        );
    }

    #[test]
    fn a_key_chooses() {
        let of = |index| group([("w", tensor(index))]);
        let root = group([
            ("ema", group([("state_dict", of(1))])),
            ("model", of(2)),
            ("net", of(3)),
            ("loss", tensor(4)),
        ]);
        let both = refusal(&root, None);
        assert!(both.contains("`model`, `net`; `import --key`"), "{both}");
        for (key, index) in [("ema", 1), ("ema.state_dict", 1), ("model", 2), ("net", 3)] {
            assert_eq!(names(&root, Some(key)), [("w".to_string(), index)]);
        }
        for (key, part) in [
            (
                "none",
                "no tensor under `none`; tensors are under `ema`, `loss`, `model`, `net`",
            ),
            ("loss", "one tensor under `loss`"),
            ("ema.none", "no tensor under `none`"),
        ] {
            let message = refusal(&root, Some(key));
            assert!(message.contains(part), "{message}");
        }
        let other = group([("ema", of(1)), ("optimizer", of(2))]);
        let message = refusal(&other, None);
        assert!(
            message.contains("tensors under `ema`, `optimizer`"),
            "{message}"
        );
    }

    #[test]
    fn what_is_not_looked_into_is_refused_by_name_where_it_matters() {
        let class = || Item::Opaque("an object of class `a.B`, whose code is not run".into());
        let beside = group([
            ("state_dict", group([("w", tensor(0))])),
            ("optimizer", class()),
        ]);
        assert_eq!(names(&beside, None), [("w".to_string(), 0)]);
        let within = group([("net", group([("w", tensor(0)), ("x", class())]))]);
        assert!(refusal(&within, None).contains("under `net.x` an object of class `a.B`"));
        let module = group([("model", class()), ("epoch", tensor(1))]);
        for (root, part) in [
            (class(), "is an object of class `a.B`"),
            (
                group([("model", class())]),
                "under `model` an object of class `a.B`",
            ),
            (tensor(0), "one tensor"),
            (group([]), "no tensor"),
        ] {
            let message = refusal(&root, None);
            assert!(
                message.contains(part) && message.contains("valid: a state dict"),
                "{message}"
            );
        }
        assert!(refusal(&module, Some("model")).contains("a.B"));
    }

    #[test]
    fn keys_within_keys_end() {
        let name = "model.".repeat(10_000) + "w";
        let long = names(&group([(&name, tensor(0))]), None);
        assert_eq!(long.len(), 1);
    }
}
