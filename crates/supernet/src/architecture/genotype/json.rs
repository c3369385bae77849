use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::derived::{CellGenotype, Genotype, label};
use crate::SupernetError;
use crate::architecture::{OperationSet, find};

impl<O: OperationSet> Genotype<O> {
    pub(super) fn from_json(text: &str) -> Result<Self, SupernetError> {
        let invalid = |error: serde_json::Error| SupernetError::genotype("JSON", error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(invalid)?;
        // Operations are looked up first: serde's own message would not say where.
        for &name in O::CELLS {
            let nodes = value.get(name).and_then(|nodes| nodes.as_array());
            for (node, ops) in nodes.into_iter().flatten().enumerate() {
                for entry in ops.as_array().into_iter().flatten() {
                    if let Some(op) = entry.get("op").and_then(|op| op.as_str()) {
                        find::<O>(&format!("{}, node {node}", label(name)), op)?;
                    }
                }
            }
        }
        let genotype: Self = serde_json::from_value(value).map_err(invalid)?;
        genotype.validate()?;
        Ok(genotype)
    }
}

impl<O: OperationSet> Serialize for Genotype<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.named_cells())
    }
}

impl<'de, O: OperationSet> Deserialize<'de> for Genotype<O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Cells(PhantomData))
    }
}

/// Reads the cells by their names: all of them, and no other.
struct Cells<O>(PhantomData<O>);

impl<'de, O: OperationSet> Visitor<'de> for Cells<O> {
    type Value = Genotype<O>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a genotype with the cells {}", O::CELLS.join(" and "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut cells: Vec<Option<CellGenotype<O>>> = vec![None; O::CELLS.len()];
        while let Some(name) = map.next_key::<String>()? {
            let Some(index) = O::CELLS.iter().position(|cell| *cell == name) else {
                return Err(A::Error::unknown_field(&name, O::CELLS));
            };
            if cells[index].replace(map.next_value()?).is_some() {
                return Err(A::Error::duplicate_field(O::CELLS[index]));
            }
        }
        let cells = cells.into_iter().zip(O::CELLS);
        let cells = cells.map(|(cell, name)| cell.ok_or_else(|| A::Error::missing_field(name)));
        Ok(Genotype {
            cells: cells.collect::<Result<_, _>>()?,
        })
    }
}
