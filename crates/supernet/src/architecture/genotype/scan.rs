//! Finds genotypes in a text: a file of Python, a log, the JSON of another program.

use super::derived::CONCAT;
use super::literal::{Literal, Reader};

/// A genotype in a text, not looked at closely.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// What it is assigned to; empty where that is nothing.
    pub(super) name: String,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Cells by their names.
    Fields(Vec<(String, Literal)>),
    /// The text form.
    Lines(String),
    /// It names cells and cannot be read.
    Broken(String),
}

/// Whether the first line that says something is one of the text form.
pub(super) fn begins_as_lines(text: &str, cells: &[&str]) -> bool {
    let mut lines = text.lines().map(|line| uncommented(line).trim());
    let first = lines.find(|line| !line.is_empty());
    first.is_some_and(|line| is_line(line, cells))
}

/// The lines of the text form in a text that says other things too, such as a summary; none where one
/// of the cells is missing.
pub(super) fn lines_within(text: &str, cells: &[&str]) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| is_line(line, cells))
        .collect();
    let all = cells.iter().all(|cell| {
        let mut lines = lines.iter();
        lines.any(|line| is_line(line, &[cell]) && line.contains('@'))
    });
    all.then(|| lines.join("\n"))
}

/// Whether a line begins as one of the text form does.
fn is_line(line: &str, cells: &[&str]) -> bool {
    let Some((name, rest)) = line.split_once(':') else {
        return false;
    };
    let name = name.trim();
    let is_cell = |name: &str| cells.contains(&name);
    (is_cell(name) && rest.contains('@')) || name.strip_suffix(CONCAT).is_some_and(is_cell)
}

/// A line of the text form without its comment.
pub(super) fn uncommented(line: &str) -> &str {
    line.split('#').next().unwrap_or(line)
}

/// The genotypes in a text that is not of the text form, in their order. `cells` are the names of the
/// kinds of cells.
pub(super) fn scan(text: &str, cells: &[&str]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        at += c.len_utf8();
        let quoted = matches!(c, '\'' | '"');
        if is_word(c) {
            let word = text[start..].find(|c| !is_word(c) && c != '.');
            at = word.map_or(text.len(), |length| start + length);
            if !text[at..].trim_start_matches(' ').starts_with('(') {
                continue;
            }
        } else if c == '#' && is_comment(text, start) {
            at += text[at..].find('\n').unwrap_or(text.len() - at);
            continue;
        } else if !(c == '{' || quoted && is_assigned(&text[..start])) {
            continue;
        }
        let mut reader = Reader::new(text, start);
        let before = found.len();
        match reader.value() {
            Ok(value) => {
                collect(value, "", cells, &mut found);
                // An apostrophe may look like the beginning of a text.
                if !quoted || found.len() > before {
                    at = reader.at;
                }
                for found in found[before..].iter_mut().filter(|f| f.name.is_empty()) {
                    found.name = name_before(&text[..start]);
                }
            }
            Err(error) if reader.keys.iter().any(|key| cells.contains(&key.as_str())) => {
                let line = text[..error.at].matches('\n').count() + 1;
                found.push(Found {
                    name: name_before(&text[..start]),
                    content: Content::Broken(format!("line {line}: {}", error.problem)),
                });
                at = at.max(error.at);
            }
            Err(_) => {}
        }
    }
    found
}

/// `NAME = OTHER` and nothing else in a line, for each such line.
pub(super) fn aliases(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (name, other) = uncommented(line).split_once('=')?;
        let [name, other] = [name.trim(), other.trim()];
        let word = |text: &str| !text.is_empty() && text.chars().all(is_word);
        (word(name) && word(other)).then_some((name, other))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a `#` begins a comment, and is not a number sign of a log.
fn is_comment(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    let next = text[at + 1..].chars().next();
    line.trim().is_empty() || next.is_none_or(|c| c.is_whitespace() || c == '#')
}

/// Whether a text ends with what is assigned to something.
fn is_assigned(before: &str) -> bool {
    before.trim_end().ends_with(['=', ':'])
}

/// What the value behind this text is assigned to; empty for nothing.
fn name_before(before: &str) -> String {
    let opened = |c: char| c.is_whitespace() || matches!(c, '\\' | '(' | '\'' | '"');
    let before = before.trim_end_matches(opened);
    let Some(before) = before.strip_suffix(['=', ':']) else {
        return String::new();
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    // `NAME: Genotype = ..`
    let line = match line.split_once(':') {
        Some((name, kind)) if kind.contains("Genotype") => name,
        _ => line,
    };
    let line = line.trim_end_matches(|c: char| !is_word(c));
    let word = line.rsplit(|c| !is_word(c)).next().unwrap_or_default();
    word.into()
}

/// The genotypes in a value, which is called `name`.
fn collect(value: Literal, name: &str, cells: &[&str], found: &mut Vec<Found>) {
    let is_cell = |(key, value): &(String, Literal)| {
        cells.contains(&key.as_str()) && matches!(value, Literal::List(_))
    };
    let content = match value {
        Literal::Fields(fields) if fields.iter().any(is_cell) => Content::Fields(fields),
        Literal::Fields(fields) => {
            for (key, value) in fields {
                collect(value, &key, cells, found);
            }
            return;
        }
        Literal::List(items) => {
            for item in items {
                collect(item, name, cells, found);
            }
            return;
        }
        Literal::Call {
            name: callee,
            positional,
            named,
        } => {
            let by_place =
                callee.contains("enotype") && matches!(positional.first(), Some(Literal::List(_)));
            if by_place || named.iter().any(is_cell) {
                let fields = cells.iter().flat_map(|cell| {
                    let concat = super::derived::concat_field(cell);
                    [cell.to_string(), concat]
                });
                Content::Fields(fields.zip(positional).chain(named).collect())
            } else {
                let arguments = named.into_iter().map(|(_, value)| value);
                for argument in positional.into_iter().chain(arguments) {
                    collect(argument, name, cells, found);
                }
                return;
            }
        }
        Literal::Text(text) if begins_as_lines(&text, cells) => Content::Lines(text),
        Literal::Text(text) => {
            let before = found.len();
            found.extend(scan(&text, cells));
            for found in found[before..].iter_mut().filter(|f| f.name.is_empty()) {
                found.name = name.into();
            }
            return;
        }
        Literal::Number(_) | Literal::Name(_) => return,
    };
    found.push(Found {
        name: name.into(),
        content,
    });
}
