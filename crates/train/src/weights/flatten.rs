use std::collections::BTreeMap;

use super::budget::Budget;
use super::item::{Group, Item};
use super::problem::Problem;

/// The tensors of a group and of those in it by their plain names. `path` is where the group is in the
/// file.
///
/// # Errors
///
/// When two have the same name, a value is not a tensor but holds some, or the names take more memory
/// than a file of its size may.
pub(super) fn flatten(
    group: &Group,
    path: &str,
    budget: &Budget,
) -> Result<BTreeMap<String, usize>, Problem> {
    let mut flat = Flat {
        path,
        budget,
        tensors: BTreeMap::new(),
    };
    flat.fill(group, "")?;
    Ok(flat.tensors)
}

struct Flat<'a> {
    path: &'a str,
    budget: &'a Budget,
    tensors: BTreeMap<String, usize>,
}

impl Flat<'_> {
    fn fill(&mut self, group: &Group, prefix: &str) -> Result<(), Problem> {
        for (name, item) in group {
            let name = joined(prefix, name);
            match item {
                Item::Tensor { index, .. } => {
                    let plain = plain(&name).replace("._orig_mod.", ".");
                    self.budget.take(plain.len(), "the names of its tensors")?;
                    if self.tensors.insert(plain.clone(), *index).is_some() {
                        return Err(Problem::refused(format!(
                            "holds two tensors that are called `{plain}` without the prefixes of \
                             training scripts"
                        )));
                    }
                }
                Item::Group(inner) => self.fill(inner, &name)?,
                Item::Opaque(what) => {
                    let name = joined(self.path, &name);
                    let problem = format!("holds under `{name}` {what}; valid: a tensor");
                    return Err(Problem::refused(problem));
                }
            }
        }
        Ok(())
    }
}

/// A name within what `path` names.
pub(super) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_string()
    } else {
        format!("{path}.{name}")
    }
}

/// A name without what `DataParallel` and `torch.compile` put before it.
pub(super) fn plain(name: &str) -> &str {
    let mut rest = name;
    while let Some(inner) = ["module.", "_orig_mod."]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))
    {
        rest = inner;
    }
    rest
}
