use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::derived::{CONCAT, CellGenotype, Genotype, GenotypeOp, concat_field};
use crate::architecture::OperationSet;

impl<O: OperationSet> Serialize for Genotype<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, cell) in self.named_cells() {
            map.serialize_entry(name, &cell.nodes)?;
            if let Some(concat) = &cell.concat {
                map.serialize_entry(&concat_field(name), concat)?;
            }
        }
        map.end()
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
        let place = |name: &str| O::CELLS.iter().position(|cell| *cell == name);
        let mut cells: Vec<Option<Vec<Vec<GenotypeOp<O>>>>> = vec![None; O::CELLS.len()];
        let mut concats: Vec<Option<Vec<usize>>> = vec![None; O::CELLS.len()];
        while let Some(name) = map.next_key::<String>()? {
            let twice = if let Some(index) = place(&name) {
                cells[index].replace(map.next_value()?).is_some()
            } else if let Some(index) = name.strip_suffix(CONCAT).and_then(place) {
                concats[index].replace(map.next_value()?).is_some()
            } else {
                return Err(A::Error::unknown_field(&name, O::CELLS));
            };
            if twice {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
        }
        let cells = cells.into_iter().zip(concats).zip(O::CELLS);
        let cells = cells.map(|((nodes, concat), name)| {
            let nodes = nodes.ok_or_else(|| A::Error::missing_field(name))?;
            Ok(CellGenotype::with_concat(nodes, concat))
        });
        Ok(Genotype {
            cells: cells.collect::<Result<_, _>>()?,
        })
    }
}
