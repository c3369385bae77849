//! How two structs of one section are told apart on the way through Serde.

/// Asks for a section that two structs share: the reader of values then gives the same table twice, under the names
/// of [`SIDES`].
pub(super) const SHARED_SECTION: &str = "$workbench::config::Joined";
/// The two structs of a shared section.
pub(super) const SIDES: [&str; 2] = ["$common", "$own"];

/// Whether a name on the way to a field is that of a struct of a shared section, which no file has.
pub(super) fn is_side(name: &str) -> bool {
    SIDES.contains(&name)
}
