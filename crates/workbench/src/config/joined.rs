//! Two structs in one section.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

use super::sides::{SHARED_SECTION, SIDES};
use super::table::interpret;

/// A section with the fields of two structs side by side: those that all tasks have and those of one.
/// A field that neither has is refused, where both refuse unknown ones.
///
/// Fields of `Common` are reached directly.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use workbench::config::{Joined, from_table, parse_table};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Loop {
///     epochs: usize,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Images {
///     drop_path: f64,
/// }
///
/// # fn main() -> workbench::Result<()> {
/// let table = parse_table("epochs = 3\ndrop_path = 0.2", "example")?;
/// let fit: Joined<Loop, Images> = from_table(table, "example")?;
/// assert_eq!((fit.epochs, fit.own.drop_path), (3, 0.2));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Joined<Common, Own> {
    /// What all tasks have.
    #[serde(flatten)]
    pub common: Common,
    /// What one task has.
    #[serde(flatten)]
    pub own: Own,
}

impl<Common, Own> Deref for Joined<Common, Own> {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

impl<Common, Own> DerefMut for Joined<Common, Own> {
    fn deref_mut(&mut self) -> &mut Common {
        &mut self.common
    }
}

impl<'de, Common, Own> Deserialize<'de> for Joined<Common, Own>
where
    Common: Deserialize<'de>,
    Own: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde's flatten would no longer refuse unknown fields.
        deserializer.deserialize_struct(SHARED_SECTION, &SIDES, Both(PhantomData))
    }
}

struct Both<Common, Own>(PhantomData<(Common, Own)>);

impl<'de, Common, Own> Visitor<'de> for Both<Common, Own>
where
    Common: Deserialize<'de>,
    Own: Deserialize<'de>,
{
    type Value = Joined<Common, Own>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Table::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == SIDES[0] {
                let common = map.next_value()?;
                map.next_key::<String>()?;
                let own = map.next_value()?;
                return Ok(Joined { common, own });
            }
            fields.insert(name, map.next_value::<Value>()?);
        }
        // Another format than that of configurations: its fields are read once more, as theirs.
        interpret(fields).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests;
