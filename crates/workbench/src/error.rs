//! The one error type of this crate.

use std::{io, path::PathBuf};

/// A `Result` whose error is [`WorkbenchError`] unless another is named.
pub type Result<T, E = WorkbenchError> = std::result::Result<T, E>;

/// What can go wrong with the files, data and settings of a run.
///
/// Every message is one sentence that names the file or field, what was found and what is valid.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// The operating system refused to read or write a file.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// A data file does not have the layout of its data set.
    #[error("data file `{file}`, {place}: found {found}; valid is {valid}")]
    Data {
        /// The file, or the name of the bundled copy.
        file: String,
        /// The line or record, counted from 1.
        place: String,
        /// What is there.
        found: String,
        /// What should be there.
        valid: String,
    },

    /// An image file that cannot be used.
    #[error(
        "image file `{}`: {problem}; valid is a complete JPEG, PNG, WebP or BMP image of at most 512 MiB \
         when it is decoded",
        path.display()
    )]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A data set that is not bundled was asked for without saying where its files are.
    #[error(
        "data set `{dataset}` is not bundled and no folder was given: set the data root option or \
         the environment variable DATA_DIR to the folder that holds {files}"
    )]
    DataRootMissing {
        /// The data set.
        dataset: &'static str,
        /// The files that are looked for.
        files: &'static str,
    },

    /// A name that is not one of a closed list.
    #[error("unknown {what} `{found}`{}; valid: {}", did_you_mean(suggestion), valid.join(", "))]
    UnknownName {
        /// What kind of name was expected.
        what: &'static str,
        /// The name that was given.
        found: String,
        /// The nearest valid name, where one is near.
        suggestion: Option<String>,
        /// All valid names.
        valid: Vec<String>,
    },

    /// A number or choice outside its valid range.
    #[error("`{field}` is {found}; valid is {valid}")]
    InvalidValue {
        /// The setting.
        field: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are accepted.
        valid: String,
    },

    /// A field of a configuration with an impossible value.
    #[error("configuration: `{field}` is {found}; valid: {valid}")]
    Field {
        /// The field, with its section.
        field: &'static str,
        /// The value found.
        found: String,
        /// What would be valid.
        valid: String,
    },

    /// A checkpoint that does not belong to the configuration beside it.
    #[error(
        "run folder `{}`: its checkpoint was made with another configuration than its config.toml \
         (fingerprint {found}, expected {expected}); restore that file or start a new run",
        run.display()
    )]
    OtherConfig {
        /// The run folder.
        run: PathBuf,
        /// Beginning of the fingerprint in the checkpoint.
        found: String,
        /// Beginning of the configuration's fingerprint.
        expected: String,
    },

    /// A data set that is not the one a run began with or a network was trained on.
    #[error("data set `{name}` has {found}; valid is what the network was trained on, {expected}")]
    OtherData {
        /// The data set.
        name: String,
        /// What it has.
        found: String,
        /// What it had.
        expected: String,
    },

    /// A configuration that cannot be read.
    #[error("configuration {source_name}: {message}")]
    Config {
        /// The file, or another name for where the text came from.
        source_name: String,
        /// The field, what was found and what is valid.
        message: String,
    },

    /// A line of a JSON-lines log that is not a record of the expected form.
    #[error("log `{}`, line {line}: found {found}; valid is one complete JSON record a line", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        found: String,
    },

    /// A file of one JSON record, such as a result, that is not of the expected form.
    #[error("result `{}`: {problem}; valid is a file as a finished run writes it", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A run whose figures are no numbers any more.
    #[error(
        "the {figure} of the {what} became {value} in epoch {epoch}; nothing of that epoch was written; \
         lower the learning rate, then start again"
    )]
    NotFinite {
        /// What ran.
        what: &'static str,
        /// Which figure.
        figure: &'static str,
        /// Its value.
        value: f64,
        /// The epoch, counted from 1.
        epoch: usize,
    },

    /// A run that Ctrl-C ended, in good order.
    #[cfg(feature = "burn")]
    #[error("ended by Ctrl-C after {done}; to go on: {resume}")]
    Interrupted {
        /// What was finished last.
        done: String,
        /// The command that goes on from there.
        resume: String,
    },

    /// A set of examples that a data set lacks.
    #[cfg(feature = "burn")]
    #[error(
        "data set `{name}` has no {examples} for {split}; valid is a configuration that sets some aside"
    )]
    MissingSplit {
        /// The data set.
        name: String,
        /// What the examples would be for.
        split: crate::problem::Split,
        /// What they are.
        examples: &'static str,
    },

    /// A checkpoint that is cut short or altered.
    #[error("checkpoint `{}`: {problem}; valid is a complete file as `save` wrote it", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// Tensors that have no form as a file.
    #[error("weights file `{}` cannot be made ({problem})", path.display())]
    Tensors {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },

    /// A run folder that is not what was asked for.
    #[error("run folder `{}` {problem}", path.display())]
    RunFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it and what would be valid.
        problem: String,
    },

    /// A value that has no JSON form.
    #[error("{what} cannot be written as JSON: {source}")]
    Json {
        /// What was being written.
        what: &'static str,
        /// The reason.
        source: serde_json::Error,
    },

    /// A backend that cannot be used.
    #[error("backend `{backend}`: {problem}")]
    Backend {
        /// The backend.
        backend: String,
        /// Why, and what else there is.
        problem: String,
    },

    /// A step that needs more memory than there is.
    #[cfg(feature = "burn")]
    #[error(
        "a step would need about {needed} of memory, and {available} are available; valid: {advice}, \
         or --no-memory-check to go on nevertheless"
    )]
    Memory {
        /// What the step is expected to need.
        needed: crate::machine::Bytes,
        /// What there is.
        available: crate::machine::Bytes,
        /// What would fit.
        advice: String,
    },

    /// A drawing or chart that cannot be made.
    #[error("{what}: found {found}; valid is {valid}")]
    Drawing {
        /// What was being drawn.
        what: String,
        /// What was found.
        found: String,
        /// What is valid.
        valid: String,
    },
}

impl WorkbenchError {
    /// Attaches the file and the attempted action to an [`io::Error`].
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// A field of a configuration with an impossible value.
    pub fn field(field: &'static str, found: impl ToString, valid: &str) -> Self {
        Self::Field {
            field,
            found: found.to_string(),
            valid: valid.into(),
        }
    }

    /// An unknown name, with the nearest of `valid` as the suggestion.
    pub fn unknown_name(what: &'static str, found: &str, valid: &[&str]) -> Self {
        Self::UnknownName {
            what,
            found: found.to_string(),
            suggestion: nearest(found, valid.iter().copied()).map(str::to_string),
            valid: valid.iter().map(|name| name.to_string()).collect(),
        }
    }
}

/// The candidate nearest to `found`, unless even that one is unlikely to be what was meant. A name
/// that begins with `found` is always near.
pub fn nearest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase();
    let allowed = found.chars().count().max(3) / 2;
    candidates
        .into_iter()
        .map(|name| {
            let lower = name.to_lowercase();
            let begun = found.chars().count() >= 3 && lower.starts_with(&found);
            let distance = strsim::damerau_levenshtein(&found, &lower);
            (if begun { distance.min(1) } else { distance }, name)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion
        .as_ref()
        .map(|name| format!(" (did you mean `{name}`?)"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest_valid_one() {
        let error = WorkbenchError::unknown_name("data set", "cifar", &["digits", "cifar10"]);
        assert_eq!(
            error.to_string(),
            "unknown data set `cifar` (did you mean `cifar10`?); valid: digits, cifar10"
        );
    }

    #[test]
    fn a_name_unlike_all_others_gets_no_suggestion() {
        assert_eq!(nearest("imagenet", ["digits", "cifar10"]), None);
    }
}
