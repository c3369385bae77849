//! Configuration text: parsing, overriding single fields, laying one over another, and errors that name
//! the field.

pub mod checks;
mod errors;
mod fingerprint;
mod joined;
mod overrides;
mod place;
mod resolve;
mod section;
mod sides;
mod table;
mod value;

pub use fingerprint::fingerprint;
pub use joined::Joined;
pub use overrides::{apply_overrides, overrides_table};
pub use place::{make_absolute, set_root};
pub use resolve::{DEFAULT_TASK, Source, resolve, stated, task_name};
pub use section::{Empty, Section};
pub use table::{from_table, merge, parse_table, to_toml};

#[cfg(test)]
mod tests;
