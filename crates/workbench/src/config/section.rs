//! What a section of a configuration is.

use std::fmt::Debug;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A section of a configuration; any plain struct is one. It should refuse unknown fields
/// (`serde(deny_unknown_fields)`).
pub trait Section:
    Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> Section for T where
    T: Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// A section without fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}
