/// What can be wrong with a search space, a genotype or a network's configuration.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SupernetError {
    /// An operation's name is none of its set's.
    #[error(
        "{}unknown operation `{found}`{}; valid operations: {valid}",
        prefix(place),
        question(*suggestion)
    )]
    UnknownOperation {
        /// Where the name was read; empty where whoever reads it says so.
        place: String,
        /// The name.
        found: String,
        /// The names of all operations of the set.
        valid: String,
        /// The one that is close to what was found, if one is.
        suggestion: Option<&'static str>,
    },
    /// A genotype's name is none that is published, and no file either.
    #[error("unknown genotype `{found}`{}; valid: {valid}", question(*suggestion))]
    UnknownGenotype {
        /// The name.
        found: String,
        /// What would be valid.
        valid: String,
        /// The name that is close to what was found, if one is.
        suggestion: Option<&'static str>,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`: {problem}")]
    File {
        /// The file.
        path: String,
        /// The reason.
        problem: String,
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
    /// For a name that is none of `valid`.
    pub(crate) fn unknown_operation(
        place: &str,
        found: &str,
        valid: impl Iterator<Item = &'static str> + Clone,
    ) -> Self {
        Self::UnknownOperation {
            place: place.into(),
            found: found.into(),
            suggestion: nearest(found, valid.clone()),
            valid: valid.collect::<Vec<_>>().join(", "),
        }
    }

    /// For a name that is none of `valid`.
    pub(crate) fn unknown_genotype(
        found: &str,
        valid: impl Iterator<Item = &'static str> + Clone,
    ) -> Self {
        let suggestion = nearest(found, valid.clone());
        let valid: Vec<_> = valid.chain(["a file"]).collect();
        Self::UnknownGenotype {
            found: found.into(),
            valid: valid.join(", "),
            suggestion,
        }
    }

    /// The same error, found within a larger place.
    pub(crate) fn within(mut self, larger: &str) -> Self {
        if let Self::Genotype { place, .. } | Self::UnknownOperation { place, .. } = &mut self {
            *place = match place.as_str() {
                "" | "genotype" => larger.into(),
                inner => format!("{larger}: {inner}"),
            };
        }
        self
    }

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

/// The name that is close to what was found, if one is.
fn nearest(found: &str, valid: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    valid
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.8)
        .map(|(_, name)| name)
}

fn prefix(place: &str) -> String {
    if place.is_empty() {
        String::new()
    } else {
        format!("{place}: ")
    }
}

fn question(suggestion: Option<&str>) -> String {
    suggestion.map_or(String::new(), |name| format!(", did you mean `{name}`?"))
}
