//! Terms of a sum that are off.

/// A term of kind `T` whose weight is 0: it is computed where the gradient of that weight is needed, and
/// kept nowhere.
pub struct DeferredTerm<T> {
    /// Row and column of its weight.
    pub entry: [usize; 2],
    /// Computes it, without a graph of its own.
    pub compute: Box<dyn FnOnce() -> T + Send>,
}
