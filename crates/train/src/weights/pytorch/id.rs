/// The place of a value in a [`Heap`](super::value::Heap).
pub(super) type Id = usize;
