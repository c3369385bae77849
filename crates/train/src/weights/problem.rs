/// What keeps a file of weights from being read, as the end of a sentence that the file's name begins.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Problem {
    /// The file ends too early or contradicts itself.
    #[error("is cut short or damaged ({0})")]
    Damaged(String),
    /// The file may be whole, but is not one that is read.
    #[error("{0}")]
    Refused(String),
}

impl Problem {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    pub(super) fn refused(what: impl Into<String>) -> Self {
        Self::Refused(what.into())
    }
}
