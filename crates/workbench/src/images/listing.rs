//! Names in sentences.

/// At most this many names are listed.
const LISTED: usize = 5;

/// The first of some names, and how many more there are.
pub(super) fn list(names: &[String]) -> String {
    let shown = names.iter().take(LISTED);
    let shown: Vec<String> = shown.map(|name| format!("`{name}`")).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
