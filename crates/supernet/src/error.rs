use crate::Operation;

/// What can be wrong with a search space, a genotype or a network's configuration.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SupernetError {
    /// An operation's name is not one of [`Operation::ALL`].
    #[error(
        "{place}: unknown operation `{found}`{}; valid operations: {}",
        suggestion(found),
        Operation::names()
    )]
    UnknownOperation {
        /// Where the name was read.
        place: String,
        /// The name.
        found: String,
    },
    /// The text or JSON of a genotype cannot be read.
    #[error("{place}: {problem}")]
    Genotype {
        /// Where the problem is, for example `normal cell, node 1`.
        place: String,
        /// What was found and what would be valid.
        problem: String,
    },
    /// A field of a configuration has an impossible value.
    #[error("`{field}` is {found}; valid: {valid}")]
    Config {
        /// The field's name.
        field: &'static str,
        /// The value found.
        found: String,
        /// The values that would be valid.
        valid: String,
    },
    /// A genotype does not fit the network that should supply its weights.
    #[error("the genotype does not fit the supernet: {problem}")]
    Mismatch {
        /// What differs.
        problem: String,
    },
    /// A tensor of a file does not fit the network.
    #[error("tensor `{name}` {problem}; valid are the tensors of a DARTS network of this shape")]
    State {
        /// The tensor's name in DARTS' code.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The estimator refused its settings or its input.
    #[error(transparent)]
    Egs(#[from] egs_core::EgsError),
}

impl SupernetError {
    pub(crate) fn genotype(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Genotype {
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn state(name: &str, problem: impl Into<String>) -> Self {
        Self::State {
            name: name.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn config(
        field: &'static str,
        found: impl ToString,
        valid: impl Into<String>,
    ) -> Self {
        Self::Config {
            field,
            found: found.to_string(),
            valid: valid.into(),
        }
    }
}

/// `; did you mean ...` when a valid operation's name is close to `found`.
fn suggestion(found: &str) -> String {
    Operation::ALL
        .iter()
        .map(|op| (strsim::jaro_winkler(found, op.name()), op.name()))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.8)
        .map(|(_, name)| format!(", did you mean `{name}`?"))
        .unwrap_or_default()
}
