use supernet::NamedTensor;

use super::id::Id;
use super::storage::Storage;
use crate::weights::budget::Budget;
use crate::weights::element::{ByteOrder, Element};
use crate::weights::layout::Layout;
use crate::weights::problem::Problem;

/// A tensor of a pickle: a view of a storage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    /// A [`Storage`] among the values.
    pub(super) storage: Id,
    pub(super) element: Element,
    pub(super) layout: Layout,
    pub(super) sign: Sign,
}

/// Whether the numbers are as they are stored; PyTorch puts off negations (of a conjugate's imaginary
/// part).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    AsStored,
    Negated,
}

impl Tensor {
    /// Its values. `record` is what the file has under the key of `storage`; a tensor without elements
    /// does not look into it.
    ///
    /// # Errors
    ///
    /// When it reaches beyond its storage or the storage beyond the file, or has more elements than a
    /// file of its size may.
    pub(super) fn read(
        &self,
        name: &str,
        storage: &Storage,
        record: &[u8],
        order: ByteOrder,
        budget: &Budget,
    ) -> Result<NamedTensor, Problem> {
        let shape = self.layout.shape().to_vec();
        if self.layout.count() == 0 {
            let values = Vec::new();
            return Ok(NamedTensor { shape, values });
        }
        let beyond = || Problem::damaged(format!("tensor `{name}` reaches beyond its storage"));
        let unit = storage.kind.size();
        let start = storage.offset.checked_mul(unit).ok_or_else(beyond)?;
        let length = storage.len.checked_mul(unit).ok_or_else(beyond)?;
        if self.layout.end() > length / self.element.size() {
            return Err(beyond());
        }
        let bytes = record.get(start..).and_then(|rest| rest.get(..length));
        let bytes = bytes.ok_or_else(|| {
            Problem::damaged(format!("the storage of tensor `{name}` is incomplete"))
        })?;
        let size = self.layout.count().saturating_mul(size_of::<f32>());
        budget.take(size, &format!("tensor `{name}`"))?;
        let values = self.element.gather(bytes, order, &self.layout);
        let mut values = values.ok_or_else(beyond)?;
        if self.sign == Sign::Negated {
            values.iter_mut().for_each(|value| *value = -*value);
        }
        Ok(NamedTensor { shape, values })
    }
}
