use std::collections::HashMap;
use std::rc::Rc;

use super::cursor::Cursor;
use super::id::Id;
use super::rebuild::call;
use super::storage::Storage;
use super::tensor::Tensor;
use super::value::{Heap, Value};
use crate::weights::budget::Budget;
use crate::weights::problem::Problem;

/// What a pickle describes.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    pub(super) heap: Heap<'a>,
    pub(super) root: Id,
}

impl Pickle<'_> {
    pub(super) fn root(&self) -> &Value {
        self.heap.get(self.root)
    }

    /// # Errors
    ///
    /// When the tensor is not of this pickle.
    pub(super) fn storage(&self, tensor: &Tensor) -> Result<&Storage, Problem> {
        match self.heap.get(tensor.storage) {
            Value::Storage(storage) => Ok(storage),
            _ => Err(Problem::damaged("a tensor has no storage")),
        }
    }
}

/// Runs the pickle that begins here, of any protocol up to 5, and leaves the cursor behind it.
///
/// # Errors
///
/// When it is cut short, damaged, or uses what PyTorch does not.
pub(super) fn run<'a>(cursor: &mut Cursor<'_>, budget: &'a Budget) -> Result<Pickle<'a>, Problem> {
    let mut machine = Machine {
        heap: Heap::new(budget),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let code = cursor.u8()?;
        if code == b'.' {
            let root = machine.pop()?;
            let heap = machine.heap;
            return Ok(Pickle { heap, root });
        }
        machine.step(code, cursor)?;
    }
}

/// What a pickle's instructions work on.
pub(super) struct Machine<'a> {
    pub(super) heap: Heap<'a>,
    pub(super) stack: Vec<Id>,
    /// Heights of the stack.
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u64, Id>,
}

impl Machine<'_> {
    pub(super) fn pop(&mut self) -> Result<Id, Problem> {
        // What lies below a mark is out of reach.
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err(empty());
        }
        self.stack.pop().ok_or_else(empty)
    }

    pub(super) fn pop_several(&mut self, count: usize) -> Result<Vec<Id>, Problem> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(height) if height >= floor => Ok(self.stack.split_off(height)),
            _ => Err(empty()),
        }
    }

    pub(super) fn top(&self) -> Result<Id, Problem> {
        self.stack.last().copied().ok_or_else(empty)
    }

    pub(super) fn since_mark(&mut self) -> Result<Vec<Id>, Problem> {
        let mark = self.marks.pop().ok_or_else(empty)?;
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn remember(&mut self, index: u64) -> Result<(), Problem> {
        self.heap.take(2 * size_of::<(u64, Id)>())?;
        self.memo.insert(index, self.top()?);
        Ok(())
    }

    pub(super) fn recall(&mut self, index: u64) -> Result<(), Problem> {
        let recalled = self.memo.get(&index).copied();
        self.stack.push(recalled.ok_or_else(|| {
            Problem::damaged(format!(
                "its pickle recalls value {index} before it is there"
            ))
        })?);
        Ok(())
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), Problem> {
        let id = self.heap.add(value)?;
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn push_plain(&mut self) -> Result<(), Problem> {
        self.stack.push(Heap::PLAIN);
        Ok(())
    }

    pub(super) fn push_int(&mut self, number: Option<i128>) -> Result<(), Problem> {
        match number {
            Some(number) => self.push(Value::Int(number)),
            None => self.push_plain(),
        }
    }

    pub(super) fn push_text(&mut self, text: &[u8]) -> Result<(), Problem> {
        self.push(Value::Text(String::from_utf8_lossy(text).into()))
    }

    pub(super) fn push_global(&mut self, module: &str, name: &str) -> Result<(), Problem> {
        self.heap.take(module.len() + name.len())?;
        self.push(Value::Global(format!("{module}.{name}").into()))
    }

    pub(super) fn push_object(
        &mut self,
        class: &'static str,
        parts: Vec<Id>,
    ) -> Result<(), Problem> {
        let class: Rc<str> = class.into();
        self.push(Value::Object { class, parts })
    }

    pub(super) fn push_call(&mut self, function: Id, arguments: Id) -> Result<(), Problem> {
        let id = call(&mut self.heap, function, arguments)?;
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn extend(&mut self, items: &[Id]) -> Result<(), Problem> {
        let top = self.top()?;
        match self.heap.get_mut(top) {
            Value::Sequence(ids) | Value::Object { parts: ids, .. } => ids.extend(items),
            _ => return Err(Problem::damaged("its pickle appends to what is no list")),
        }
        Ok(())
    }

    pub(super) fn extend_pairs(&mut self, items: &[Id]) -> Result<(), Problem> {
        let top = self.top()?;
        match self.heap.get_mut(top) {
            Value::Dict(own) => own.extend(pairs(items)),
            Value::Object { parts, .. } => parts.extend(items),
            _ => return Err(Problem::damaged("its pickle sets items of what has none")),
        }
        Ok(())
    }
}

/// Keys and values in turn.
pub(super) fn pairs(items: &[Id]) -> Vec<(Id, Id)> {
    let (pairs, _) = items.as_chunks::<2>();
    pairs.iter().map(|&[key, value]| (key, value)).collect()
}

fn empty() -> Problem {
    Problem::damaged("its pickle takes a value where there is none")
}
