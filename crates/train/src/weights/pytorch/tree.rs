use std::collections::BTreeMap;
use std::rc::Rc;

use super::id::Id;
use super::machine::Pickle;
use super::value::Value;
use crate::weights::budget::Budget;
use crate::weights::item::Item;
use crate::weights::problem::Problem;

/// The tensors of a pickle by their names, each numbered by its place. Values without a tensor are left
/// out.
///
/// # Errors
///
/// When values hold each other so often that naming their tensors would take more memory than a file of
/// its size may.
pub(super) fn tree(pickle: &Pickle<'_>, budget: &Budget) -> Result<Item, Problem> {
    let hold = pickle.heap.hold_tensors();
    let tree = Tree {
        pickle,
        hold,
        budget,
    };
    let root = tree.item(pickle.root, 0)?;
    Ok(root.unwrap_or(Item::Group(BTreeMap::new())))
}

/// Dictionaries and lists within each other that are looked into.
const MOST_LEVELS: usize = 32;

struct Tree<'a> {
    pickle: &'a Pickle<'a>,
    hold: Vec<bool>,
    budget: &'a Budget,
}

impl Tree<'_> {
    fn item(&self, id: Id, level: usize) -> Result<Option<Item>, Problem> {
        if !self.hold[id] {
            return Ok(None);
        }
        if level > MOST_LEVELS {
            let what = format!("values nested more than {MOST_LEVELS} deep");
            return Ok(Some(Item::Opaque(what)));
        }
        Ok(Some(match self.pickle.heap.get(id) {
            Value::Tensor(tensor) => Item::Tensor {
                index: id,
                scalar: tensor.layout.shape().is_empty(),
            },
            Value::Unreadable(_) => Item::Tensor {
                index: id,
                scalar: false,
            },
            Value::Dict(pairs) => {
                let named = pairs.iter().map(|&(key, value)| (self.name(key), value));
                self.group(named, level)?
            }
            Value::Sequence(ids) => {
                let named = ids.iter().enumerate();
                self.group(
                    named.map(|(index, &id)| (index.to_string().into(), id)),
                    level,
                )?
            }
            Value::Object { class, .. } => Item::Opaque(format!(
                "an object of class `{class}`, whose code is not run"
            )),
            _ => return Ok(None),
        }))
    }

    fn group(
        &self,
        named: impl ExactSizeIterator<Item = (Rc<str>, Id)>,
        level: usize,
    ) -> Result<Item, Problem> {
        // Many may hold the same long list.
        self.budget.take(named.len(), "the names of its tensors")?;
        let mut group = BTreeMap::new();
        for (name, id) in named {
            match self.item(id, level + 1)? {
                Some(item) => {
                    let size = size_of::<(String, Item)>() + name.len();
                    self.budget.take(size, "the names of its tensors")?;
                    group.insert(name.to_string(), item);
                }
                // As in Python the last value of a name counts.
                None => {
                    group.remove(&*name);
                }
            }
        }
        Ok(Item::Group(group))
    }

    fn name(&self, key: Id) -> Rc<str> {
        match self.pickle.heap.get(key) {
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string().into(),
            _ => "(a key that is no text)".into(),
        }
    }
}
