use std::collections::BTreeMap;

use super::derived::{CONCAT, CellGenotype, Genotype, GenotypeOp, concat_field, label};
use super::literal::{Literal, Reader};
use super::scan::{Content, Found, aliases, begins_as_lines, lines_within, scan};
use crate::SupernetError;
use crate::architecture::{OperationSet, find};

impl<O: OperationSet> Genotype<O> {
    /// Reads a genotype: the text form, JSON, or `Genotype(normal=[('sep_conv_3x3', 1), ..],
    /// normal_concat=range(2, 6), ..)` as published codes print it: flat lists of
    /// [`KEPT_EDGES`](OperationSet::KEPT_EDGES) operations for each node or a list for each, with a
    /// name, a log's date or other text around it, as a call of any name or a dictionary. A third number
    /// of an operation is how strong the search found it; the networks of those codes do not multiply
    /// by it, and neither is it taken for a [weight](GenotypeOp::weight).
    ///
    /// `source` (a file's name, say) begins every error.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Genotype`] or [`SupernetError::UnknownOperation`], saying where and what would be
    /// valid; also where the text holds several that differ.
    pub fn parse(source: &str, text: &str) -> Result<Self, SupernetError> {
        Self::choose(source, text, None)
    }

    /// As [`parse`](Self::parse), the genotype of a name in the text or, by number, the first, second
    /// and so on. Of several of one name that is the last, as in Python.
    pub(super) fn choose(
        source: &str,
        text: &str,
        choice: Option<&str>,
    ) -> Result<Self, SupernetError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let found = find_all::<O>(text);
        let read = |found: &Found| {
            let place = if found.name.is_empty() {
                source.to_string()
            } else {
                format!("{source}, `{}`", found.name)
            };
            Self::of(&found.content).map_err(|error| error.within(&place))
        };
        if let Some(choice) = choice {
            let place = numbered(choice, &found).or_else(|| named(choice, text, &found));
            return match place {
                Some(place) => read(&found[place]),
                None => Err(SupernetError::genotype(
                    source,
                    format!("holds no genotype `{choice}`; {}", choices(source, &found)),
                )),
            };
        }
        let mut genotypes = found.iter().map(read);
        let first = genotypes
            .next()
            .unwrap_or_else(|| Err(SupernetError::genotype(source, "holds no genotype")));
        if found.len() > 1 && (first.is_err() || genotypes.any(|other| other != first)) {
            let problem = format!(
                "holds {} genotypes; {}",
                found.len(),
                choices(source, &found)
            );
            return Err(SupernetError::genotype(source, problem));
        }
        first
    }

    fn of(content: &Content) -> Result<Self, SupernetError> {
        let genotype = match content {
            Content::Lines(text) => return text.parse(),
            Content::Broken(problem) => {
                let valid = "valid: brackets that close, with a comma between two values";
                return Err(SupernetError::genotype(
                    "genotype",
                    format!("{problem}; {valid}"),
                ));
            }
            Content::Fields(fields) => Self::of_fields(fields)?,
        };
        genotype.validate()?;
        Ok(genotype)
    }

    fn of_fields(fields: &[(String, Literal)]) -> Result<Self, SupernetError> {
        let valid = || {
            let names = O::CELLS.iter();
            let names: Vec<_> = names
                .map(|cell| format!("`{cell}`, `{}`", concat_field(cell)))
                .collect();
            names.join(", ")
        };
        let mut by_name = BTreeMap::new();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let name = O::FIELDS
                .iter()
                .find_map(|(theirs, ours)| (theirs == name).then_some(*ours))
                .unwrap_or(name);
            let known = O::CELLS.contains(&name.strip_suffix(CONCAT).unwrap_or(name));
            let problem = if !known {
                "unknown"
            } else if by_name.insert(name, value).is_some() {
                "duplicate"
            } else {
                continue;
            };
            let problem = format!("{problem} field `{name}`; valid: {}", valid());
            return Err(SupernetError::genotype("genotype", problem));
        }
        let cell = |name: &&str| {
            let Some(nodes) = by_name.get(name) else {
                let problem = format!("missing field `{name}`; needed: {}", O::CELLS.join(", "));
                return Err(SupernetError::genotype("genotype", problem));
            };
            let nodes = nodes_of(&label(name), nodes)?;
            let concat = by_name.get(concat_field(name).as_str());
            let concat = concat.map(|value| concat_of(name, value)).transpose()?;
            Ok(CellGenotype::with_concat(nodes, concat))
        };
        Ok(Self {
            cells: O::CELLS.iter().map(cell).collect::<Result<_, _>>()?,
        })
    }
}

/// The genotypes in a text; where there are none, the text as one of the text form, whose errors say
/// what is missing.
fn find_all<O: OperationSet>(text: &str) -> Vec<Found> {
    let lines = |text: &str| Found {
        name: String::new(),
        content: Content::Lines(text.into()),
    };
    if begins_as_lines(text, O::CELLS) {
        return vec![lines(text)];
    }
    let found = scan(text, &cell_fields::<O>());
    if found.is_empty() {
        if let Some(fields) = dictionary(text) {
            return vec![Found {
                name: String::new(),
                content: Content::Fields(fields),
            }];
        }
        let within = lines_within(text, O::CELLS);
        return vec![lines(within.as_deref().unwrap_or(text))];
    }
    found
}

/// The fields that hold a cell: by our names, and by those of published codes.
pub(super) fn cell_fields<O: OperationSet>() -> Vec<&'static str> {
    let theirs = O::FIELDS.iter().filter(|(_, ours)| O::CELLS.contains(ours));
    let theirs = theirs.map(|(theirs, _)| *theirs);
    O::CELLS.iter().copied().chain(theirs).collect()
}

/// The fields of a text that is a dictionary, even one that names no cell.
fn dictionary(text: &str) -> Option<Vec<(String, Literal)>> {
    match Reader::new(text.trim_start(), 0).value() {
        Ok(Literal::Fields(fields)) => Some(fields),
        _ => None,
    }
}

fn numbered(choice: &str, found: &[Found]) -> Option<usize> {
    let number: usize = choice.parse().ok()?;
    number.checked_sub(1).filter(|&place| place < found.len())
}

/// The last genotype of a name, or of the name that this one stands for.
fn named(choice: &str, text: &str, found: &[Found]) -> Option<usize> {
    let place = |name: &str| found.iter().rposition(|found| found.name == name);
    place(choice).or_else(|| {
        let mut aliases = aliases(text);
        aliases.find_map(|(name, other)| (name == choice).then(|| place(other))?)
    })
}

/// What there is to choose from, for messages.
fn choices(source: &str, found: &[Found]) -> String {
    const MOST_NAMES: usize = 20;
    let mut names: Vec<(&str, usize)> = Vec::new();
    for found in found.iter().filter(|found| !found.name.is_empty()) {
        match names.iter_mut().find(|(name, _)| *name == found.name) {
            Some((_, count)) => *count += 1,
            None => names.push((&found.name, 1)),
        }
    }
    let by_number = format!(
        "by number, `{source}#1` to `{source}#{}`",
        found.len().max(1)
    );
    let Some((example, _)) = names.last() else {
        return format!("choose one {by_number}");
    };
    let example = format!("`{source}#{example}`");
    let shown = names.iter().take(MOST_NAMES).map(|(name, count)| {
        if *count == 1 {
            name.to_string()
        } else {
            format!("{name} ({count} times)")
        }
    });
    let mut shown: Vec<String> = shown.collect();
    if names.len() > MOST_NAMES {
        shown.push(format!("and {} more", names.len() - MOST_NAMES));
    }
    let shown = shown.join(", ");
    format!("choose one by name, as in {example}, or {by_number}; names: {shown}")
}

/// The nodes of a cell: a list for each, or one flat list.
fn nodes_of<O: OperationSet>(
    cell: &str,
    value: &Literal,
) -> Result<Vec<Vec<GenotypeOp<O>>>, SupernetError> {
    let Literal::List(items) = value else {
        let problem = format!(
            "found {}; valid: a list of operations such as {}",
            value.shown(),
            example::<O>()
        );
        return Err(SupernetError::genotype(cell, problem));
    };
    let place = |node: usize| format!("{cell}, node {node}");
    if items.first().is_some_and(is_entry) {
        let each = O::KEPT_EDGES;
        if items.len() % each != 0 {
            let problem = format!(
                "{} operations in a flat list, which has {each} for each node; valid for other \
                 numbers: a list for each node",
                items.len()
            );
            return Err(SupernetError::genotype(cell, problem));
        }
        let nodes = items.chunks(each).enumerate();
        return nodes
            .map(|(node, entries)| entries_of(&place(node), entries))
            .collect();
    }
    let node = |(node, item): (usize, &Literal)| match item {
        Literal::List(entries) => entries_of(&place(node), entries),
        other => entries_of(&place(node), std::slice::from_ref(other)),
    };
    items.iter().enumerate().map(node).collect()
}

/// Whether a value is one operation, not a list of them.
fn is_entry(value: &Literal) -> bool {
    match value {
        Literal::List(items) => matches!(items.first(), Some(Literal::Text(_))),
        other => !matches!(other, Literal::List(_)),
    }
}

fn entries_of<O: OperationSet>(
    place: &str,
    entries: &[Literal],
) -> Result<Vec<GenotypeOp<O>>, SupernetError> {
    entries.iter().map(|entry| entry_of(place, entry)).collect()
}

/// `(op, input)`, `(op, input, strength)` or a dictionary of our JSON.
fn entry_of<O: OperationSet>(place: &str, entry: &Literal) -> Result<GenotypeOp<O>, SupernetError> {
    // Some codes have a space in a name.
    let operation = |name: &str| find::<O>(place, &name.trim().replace(' ', "_"));
    match entry {
        Literal::List(items) => match items.as_slice() {
            [Literal::Text(op), input] | [Literal::Text(op), input, Literal::Number(_)] => {
                let op = operation(op)?;
                let input = index(place, "input", input)?;
                Ok(GenotypeOp::new(op, input))
            }
            _ => Err(malformed::<O>(place, entry)),
        },
        Literal::Fields(fields) => {
            let (mut op, mut input, mut weight) = (None, None, 1.0);
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("op", Literal::Text(name)) => op = Some(operation(name)?),
                    ("input", value) => input = Some(index(place, "input", value)?),
                    ("weight", Literal::Number(number)) => weight = *number,
                    _ => {
                        let problem = format!(
                            "field `{name}` is {}; valid: `op`, a name, `input`, a whole number, \
                             and `weight`, a number",
                            value.shown()
                        );
                        return Err(SupernetError::genotype(place, problem));
                    }
                }
            }
            let missing = |field| {
                let problem = format!("missing field `{field}`; needed: `op` and `input`");
                SupernetError::genotype(place, problem)
            };
            Ok(GenotypeOp {
                op: op.ok_or_else(|| missing("op"))?,
                input: input.ok_or_else(|| missing("input"))?,
                weight,
            })
        }
        _ => Err(malformed::<O>(place, entry)),
    }
}

fn index(place: &str, what: &str, value: &Literal) -> Result<usize, SupernetError> {
    value.index().ok_or_else(|| {
        let problem = format!("{what} {}; valid: a whole number", value.shown());
        SupernetError::genotype(place, problem)
    })
}

fn malformed<O: OperationSet>(place: &str, entry: &Literal) -> SupernetError {
    let problem = format!(
        "found {} for an operation; valid: {}, an operation and its input",
        entry.shown(),
        example::<O>()
    );
    SupernetError::genotype(place, problem)
}

/// The nodes that make up the output of a cell.
fn concat_of(cell: &str, value: &Literal) -> Result<Vec<usize>, SupernetError> {
    let nodes = match value {
        Literal::List(items) => items.iter().map(Literal::index).collect(),
        _ => None,
    };
    nodes.ok_or_else(|| {
        let problem = format!(
            "`{}` is {}; valid: the nodes that make up the output, such as [2, 3, 4, 5] or \
             range(2, 6)",
            concat_field(cell),
            value.shown()
        );
        SupernetError::genotype("genotype", problem)
    })
}

/// An operation as published codes print it.
fn example<O: OperationSet>() -> String {
    let op = O::ALL.iter().find(|&&op| Some(op) != O::NONE);
    format!("('{}', 0)", op.map_or("operation", |op| op.name()))
}

#[cfg(test)]
mod tests;
