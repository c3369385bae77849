//! Fields whose names depend on what a record is of.

use std::collections::BTreeSet;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{self, Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// Writes fields in the order in which they come.
pub(super) struct FieldWriter<S: Serializer> {
    map: S::SerializeMap,
    names: BTreeSet<String>,
}

impl<S: Serializer> FieldWriter<S> {
    pub(super) fn new(serializer: S) -> Result<Self, S::Error> {
        Ok(Self {
            map: serializer.serialize_map(None)?,
            names: BTreeSet::new(),
        })
    }

    /// Fails where a cell or a figure has the name of another field.
    pub(super) fn put(
        &mut self,
        name: impl Into<String>,
        value: impl Serialize,
    ) -> Result<(), S::Error> {
        let name = name.into();
        if self.names.contains(&name) {
            let message = format!("two fields of a record are called `{name}`");
            return Err(ser::Error::custom(message));
        }
        self.map.serialize_entry(&name, &value)?;
        self.names.insert(name);
        Ok(())
    }

    pub(super) fn end(self) -> Result<S::Ok, S::Error> {
        self.map.end()
    }
}

/// Fields that were read and not used yet.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }

    /// A field that must be there.
    pub(super) fn take<T: DeserializeOwned, E: de::Error>(&mut self, name: &str) -> Result<T, E> {
        self.take_optional(name)?
            .ok_or_else(|| E::custom(format!("missing field `{name}`")))
    }

    /// A field that may be absent or null.
    pub(super) fn take_optional<T: DeserializeOwned, E: de::Error>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, E> {
        let value = self.0.remove(name).unwrap_or_default();
        serde_json::from_value(value).map_err(|error| E::custom(format!("`{name}`: {error}")))
    }

    /// The names and values of all fields that were not taken.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.0
    }
}
