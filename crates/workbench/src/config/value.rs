//! TOML values as Serde reads them, with errors that keep what was found and what is valid, which those
//! of `toml` say in words alone.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Deserializer;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{IntoDeserializer, Visitor};
use toml::{Table, Value};

use super::errors::ValueError;
use super::sides::{SHARED_SECTION, SIDES};

/// A value that can be read.
pub(super) struct Node {
    value: Value,
    side: Option<Side>,
}

/// One of two structs that share a section; each takes the fields that it has.
#[derive(Clone)]
enum Side {
    Common(Names),
    Own(Names),
}

/// The fields of the common struct, which is read first.
type Names = Rc<RefCell<&'static [&'static str]>>;

impl Node {
    pub(super) fn new(value: Value) -> Self {
        Self { value, side: None }
    }
}

impl Side {
    /// The fields of the table that belong to this struct, whose names are `fields`.
    fn take(&self, mut table: Table, fields: &'static [&'static str]) -> Result<Table, ValueError> {
        match self {
            Self::Common(names) => {
                *names.borrow_mut() = fields;
                table.retain(|name, _| fields.contains(&name));
            }
            Self::Own(names) => {
                let common = *names.borrow();
                table.retain(|name, _| !common.contains(&name) || fields.contains(&name));
                if let Some(found) = table.keys().find(|name| !fields.contains(&name.as_str())) {
                    let valid = common.iter().chain(fields).map(|name| name.to_string());
                    return Err(ValueError::UnknownInShared {
                        found: found.clone(),
                        valid: valid.collect(),
                    });
                }
            }
        }
        Ok(table)
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::String(text) => visitor.visit_string(text),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Datetime(time) => visitor.visit_string(time.to_string()),
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Node::new));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Table(table) => visitor.visit_map(entries(table)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match (self.value, self.side) {
            (Value::Table(table), None) if name == SHARED_SECTION => {
                let names = Names::default();
                let sides = [Side::Common(names.clone()), Side::Own(names)];
                let sides = SIDES.into_iter().zip(sides).map(|(name, side)| {
                    let value = Value::Table(table.clone());
                    let side = Some(side);
                    (name, Node { value, side })
                });
                visitor.visit_map(MapDeserializer::new(sides))
            }
            (Value::Table(table), Some(side)) => {
                visitor.visit_map(entries(side.take(table, fields)?))
            }
            (value, side) => Node { value, side }.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            Value::String(variant) => {
                let variant: serde::de::value::StringDeserializer<ValueError> =
                    variant.into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            Value::Table(table) if table.len() == 1 => {
                MapAccessDeserializer::new(entries(table)).deserialize_enum(name, variants, visitor)
            }
            other => Err(ValueError::Unfit {
                found: other.to_string(),
                valid: variants.join(", "),
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

fn entries(
    table: Table,
) -> MapDeserializer<'static, impl Iterator<Item = (String, Node)>, ValueError> {
    let entries = table.into_iter();
    MapDeserializer::new(entries.map(|(name, value)| (name, Node::new(value))))
}

impl IntoDeserializer<'_, ValueError> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests;
