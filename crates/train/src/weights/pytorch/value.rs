use std::rc::Rc;

use super::id::Id;
use super::storage::Storage;
use super::tensor::Tensor;
use crate::weights::budget::Budget;
use crate::weights::problem::Problem;

/// A value of a pickle, as far as it matters to tensors.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A value that neither is nor holds a tensor: `None`, a float, bytes.
    Plain,
    Flag(bool),
    /// A whole number; those beyond 128 bits are plain.
    Int(i128),
    Text(Rc<str>),
    /// A class or a function by its full name, `torch._utils._rebuild_tensor_v2`.
    Global(Rc<str>),
    /// A tuple or a list.
    Sequence(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Storage(Storage),
    Tensor(Box<Tensor>),
    /// A tensor of a kind that is not read, by the function or class that makes it.
    Unreadable(Rc<str>),
    /// Any other object: what was given to its class, and its state.
    Object {
        class: Rc<str>,
        parts: Vec<Id>,
    },
}

/// All values of a pickle, which refer to each other by their places. They may do so in circles and to
/// any depth, so that nothing here follows them by recursion.
#[derive(Debug)]
pub(super) struct Heap<'a> {
    values: Vec<Value>,
    budget: &'a Budget,
}

impl<'a> Heap<'a> {
    /// The place of the one plain value.
    pub(super) const PLAIN: Id = 0;

    pub(super) fn new(budget: &'a Budget) -> Self {
        let values = vec![Value::Plain];
        Self { values, budget }
    }

    /// Adds a value.
    ///
    /// # Errors
    ///
    /// When there are more than a file of its size may hold.
    pub(super) fn add(&mut self, value: Value) -> Result<Id, Problem> {
        self.take(size_of::<Value>())?;
        self.values.push(value);
        Ok(self.values.len() - 1)
    }

    /// Accounts for memory of values.
    ///
    /// # Errors
    ///
    /// When there is more than a file of its size may take.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Problem> {
        self.budget.take(bytes, "the values of its pickle")
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value {
        &mut self.values[id]
    }

    /// All storages.
    pub(super) fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.values.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some(storage),
            _ => None,
        })
    }

    /// The values of a sequence.
    pub(super) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(ids) => Some(ids),
            _ => None,
        }
    }

    pub(super) fn text(&self, id: Id) -> Option<&Rc<str>> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number that is a size or a position.
    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A sequence of sizes.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.sequence(id)?.iter().map(|&id| self.size(id)).collect()
    }

    /// Whether each value is a tensor or leads to one.
    pub(super) fn hold_tensors(&self) -> Vec<bool> {
        let mut holders: Vec<Vec<Id>> = vec![Vec::new(); self.values.len()];
        let mut open = Vec::new();
        for (id, value) in self.values.iter().enumerate() {
            match value {
                Value::Sequence(parts) | Value::Object { parts, .. } => {
                    parts.iter().for_each(|&part| holders[part].push(id));
                }
                Value::Dict(pairs) => {
                    pairs.iter().for_each(|&(_, part)| holders[part].push(id));
                }
                Value::Tensor(_) | Value::Unreadable(_) => open.push(id),
                _ => {}
            }
        }
        let mut hold = vec![false; self.values.len()];
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut hold[id], true) {
                open.append(&mut holders[id]);
            }
        }
        hold
    }
}
