use std::collections::BTreeMap;

/// A value of a checkpoint in which there are tensors.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// A tensor, by its number in the reader's list.
    Tensor {
        index: usize,
        /// Whether it has no axes: a number such as an accuracy.
        scalar: bool,
    },
    /// Values by name.
    Group(Group),
    /// A value that is not looked into; the text says what it is.
    Opaque(String),
}

/// Values by name.
pub(super) type Group = BTreeMap<String, Item>;
