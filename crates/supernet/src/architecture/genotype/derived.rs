use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Operation, SearchSpace, SupernetError};

fn one() -> f64 {
    1.0
}

fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

/// One operation that a derived cell keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenotypeOp {
    /// The operation; never `none`.
    pub op: Operation,
    /// Where it reads: 0 and 1 are the cell's inputs, 2 is the first intermediate node.
    pub input: usize,
    /// Factor of its output: 1 unless the search normalised its codes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
}

impl GenotypeOp {
    /// An operation of weight 1.
    pub fn new(op: Operation, input: usize) -> Self {
        Self {
            op,
            input,
            weight: 1.0,
        }
    }
}

/// The operations of a derived cell, node by node; several may read the same input. The cell's
/// output is the concatenation of all nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CellGenotype {
    /// `nodes[j]` feeds intermediate node `j`.
    pub nodes: Vec<Vec<GenotypeOp>>,
}

/// A derived architecture: what is kept of each kind of cell.
///
/// The text form has a line for each cell, nodes separated by `|`, operations as `op@input`, or
/// `op@input*weight` where the weight is not 1:
///
/// ```text
/// normal: skip_connect@0 sep_conv_3x3@1 | max_pool_3x3@0 dil_conv_3x3@2
/// reduce: max_pool_3x3@0 | skip_connect@1
/// ```
///
/// The JSON form holds the same as `{"normal": [[{"op": "skip_connect", "input": 0}, ..], ..], ..}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genotype {
    /// The cell that keeps the size of the image.
    pub normal: CellGenotype,
    /// The cell that halves it.
    pub reduce: CellGenotype,
}

impl CellGenotype {
    fn validate(&self, cell: &str) -> Result<(), SupernetError> {
        if self.nodes.is_empty() {
            return Err(SupernetError::genotype(
                cell,
                "no node; a cell has 1 or more",
            ));
        }
        for (node, ops) in self.nodes.iter().enumerate() {
            let place = format!("{cell}, node {node}");
            let inputs = node + SearchSpace::INPUTS;
            if ops.is_empty() {
                let problem = "no operation; every node needs 1 or more";
                return Err(SupernetError::genotype(place, problem));
            }
            for (index, entry) in ops.iter().enumerate() {
                let problem = if entry.op == Operation::None {
                    "`none` is not kept in a genotype; leave the entry out".to_string()
                } else if entry.input >= inputs {
                    let (op, input) = (entry.op, entry.input);
                    format!(
                        "`{op}@{input}` reads input {input}; valid inputs: 0 to {}",
                        inputs - 1
                    )
                } else if ops[..index]
                    .iter()
                    .any(|e| (e.op, e.input) == (entry.op, entry.input))
                {
                    format!(
                        "`{}@{}` stands twice; once is enough",
                        entry.op, entry.input
                    )
                } else if !(entry.weight.is_finite() && entry.weight > 0.0) {
                    format!(
                        "weight {} of `{}`; valid: a positive number",
                        entry.weight, entry.op
                    )
                } else {
                    continue;
                };
                return Err(SupernetError::genotype(place, problem));
            }
        }
        Ok(())
    }

    fn parse(cell: &str, text: &str) -> Result<Self, SupernetError> {
        let nodes = text.split('|').enumerate().map(|(node, entries)| {
            let place = format!("{cell}, node {node}");
            entries
                .split_whitespace()
                .map(|entry| parse_op(&place, entry))
                .collect()
        });
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
        })
    }
}

fn parse_op(place: &str, entry: &str) -> Result<GenotypeOp, SupernetError> {
    let malformed = |what: &str| {
        let problem = format!("`{entry}` {what}; valid: `sep_conv_3x3@0` (operation@input)");
        SupernetError::genotype(place, problem)
    };
    let (name, rest) = entry
        .split_once('@')
        .ok_or_else(|| malformed("has no `@`"))?;
    let (input, weight) = match rest.split_once('*') {
        Some((input, weight)) => (
            input,
            weight
                .parse()
                .map_err(|_| malformed("has no number after `*`"))?,
        ),
        None => (rest, 1.0),
    };
    let op = name.parse().map_err(|_| SupernetError::UnknownOperation {
        place: place.into(),
        found: name.into(),
    })?;
    let input = input
        .parse()
        .map_err(|_| malformed("has no input number after `@`"))?;
    Ok(GenotypeOp { op, input, weight })
}

impl Genotype {
    /// Both cells with their names.
    pub fn cells(&self) -> [(&'static str, &CellGenotype); 2] {
        [("normal", &self.normal), ("reduce", &self.reduce)]
    }

    /// Checks inputs, duplicates and empty nodes, and that both cells have as many nodes.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Genotype`] naming the cell and the node.
    pub fn validate(&self) -> Result<(), SupernetError> {
        for (name, cell) in self.cells() {
            cell.validate(&format!("{name} cell"))?;
        }
        let [normal, reduce] = self.cells().map(|(_, cell)| cell.nodes.len());
        if normal != reduce {
            let problem = format!("{normal} normal and {reduce} reduction nodes; they must agree");
            return Err(SupernetError::genotype("genotype", problem));
        }
        Ok(())
    }

    /// Reads the JSON form, or the text form where the text does not begin with `{`. `source` (a
    /// file's name, say) begins every error.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Genotype`] or [`SupernetError::UnknownOperation`], saying where and what
    /// would be valid.
    pub fn parse(source: &str, text: &str) -> Result<Self, SupernetError> {
        let parsed = if text.trim_start().starts_with('{') {
            Self::from_json(text)
        } else {
            text.parse()
        };
        parsed.map_err(|error| match error {
            SupernetError::Genotype { place, problem } => {
                SupernetError::genotype(format!("{source}: {place}"), problem)
            }
            SupernetError::UnknownOperation { place, found } => SupernetError::UnknownOperation {
                place: format!("{source}: {place}"),
                found,
            },
            other => other,
        })
    }

    fn from_json(text: &str) -> Result<Self, SupernetError> {
        // Operations are read as text first: serde's own message would not suggest a name.
        let value: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| SupernetError::genotype("JSON", error.to_string()))?;
        for cell in ["normal", "reduce"] {
            let nodes = value.get(cell).and_then(|nodes| nodes.as_array());
            for (node, ops) in nodes.into_iter().flatten().enumerate() {
                for entry in ops.as_array().into_iter().flatten() {
                    if let Some(name) = entry.get("op").and_then(|op| op.as_str()) {
                        name.parse::<Operation>()
                            .map_err(|_| SupernetError::UnknownOperation {
                                place: format!("{cell} cell, node {node}"),
                                found: name.into(),
                            })?;
                    }
                }
            }
        }
        let genotype: Self = serde_json::from_value(value)
            .map_err(|error| SupernetError::genotype("JSON", error.to_string()))?;
        genotype.validate()?;
        Ok(genotype)
    }
}

impl FromStr for Genotype {
    type Err = SupernetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut cells = [None, None];
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let slot = match line.split_once(':').map(|(name, rest)| (name.trim(), rest)) {
                Some(("normal", rest)) => (0, "normal cell", rest),
                Some(("reduce", rest)) => (1, "reduce cell", rest),
                _ => {
                    let found: String = line.chars().take(40).collect();
                    let problem =
                        format!("found `{found}`; valid: lines `normal: ...` and `reduce: ...`");
                    return Err(SupernetError::genotype("genotype", problem));
                }
            };
            let (index, name, rest) = slot;
            if cells[index]
                .replace(CellGenotype::parse(name, rest)?)
                .is_some()
            {
                return Err(SupernetError::genotype(
                    name,
                    "stands twice; once is enough",
                ));
            }
        }
        let missing = |name: &str| {
            SupernetError::genotype(
                "genotype",
                format!("no line `{name}: ...`; both cells are needed"),
            )
        };
        let [normal, reduce] = cells;
        let genotype = Self {
            normal: normal.ok_or_else(|| missing("normal"))?,
            reduce: reduce.ok_or_else(|| missing("reduce"))?,
        };
        genotype.validate()?;
        Ok(genotype)
    }
}

impl fmt::Display for GenotypeOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.op, self.input)?;
        if self.weight != 1.0 {
            write!(f, "*{}", self.weight)?;
        }
        Ok(())
    }
}

impl fmt::Display for CellGenotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = |ops: &Vec<GenotypeOp>| {
            let ops: Vec<_> = ops.iter().map(GenotypeOp::to_string).collect();
            ops.join(" ")
        };
        let nodes: Vec<_> = self.nodes.iter().map(node).collect();
        f.write_str(&nodes.join(" | "))
    }
}

impl fmt::Display for Genotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "normal: {}", self.normal)?;
        write!(f, "reduce: {}", self.reduce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "normal: skip_connect@0 sep_conv_3x3@0 | dil_conv_5x5@2*0.5\nreduce: max_pool_3x3@1 | skip_connect@0";

    #[test]
    fn text_and_json_round_trip() {
        let genotype: Genotype = TEXT.parse().unwrap();
        assert_eq!(genotype.to_string(), TEXT);
        assert_eq!(genotype.normal.nodes[1][0].weight, 0.5);
        let json = serde_json::to_string(&genotype).unwrap();
        assert!(
            json.contains(r#"{"op":"skip_connect","input":0}"#),
            "{json}"
        );
        assert_eq!(Genotype::parse("file", &json).unwrap(), genotype);
        assert_eq!(Genotype::parse("file", TEXT).unwrap(), genotype);
    }

    #[test]
    fn every_error_says_where_and_what_would_be_valid() {
        let cases = [
            (
                "normal: sep_conv_3x2@0\nreduce: skip_connect@0",
                "normal cell, node 0: unknown operation `sep_conv_3x2`, did you mean `sep_conv_3x3`",
            ),
            (
                "normal: skip_connect@2\nreduce: skip_connect@0",
                "valid inputs: 0 to 1",
            ),
            ("normal: skip_connect\nreduce: skip_connect@0", "has no `@`"),
            (
                "normal: skip_connect@x\nreduce: skip_connect@0",
                "no input number",
            ),
            (
                "normal: none@0\nreduce: skip_connect@0",
                "`none` is not kept",
            ),
            (
                "normal: skip_connect@0 skip_connect@0\nreduce: skip_connect@0",
                "stands twice",
            ),
            (
                "normal: skip_connect@0 |\nreduce: skip_connect@0",
                "node 1: no operation",
            ),
            ("normal: skip_connect@0", "no line `reduce"),
            (
                "normal: skip_connect@0 | skip_connect@0\nreduce: skip_connect@0",
                "must agree",
            ),
            ("nromal: skip_connect@0", "valid: lines"),
            (
                r#"{"normal": [[{"op": "conv", "input": 0}]], "reduce": []}"#,
                "unknown operation `conv`",
            ),
            (
                r#"{"normal": [[{"op": "skip_connect"}]], "reduce": []}"#,
                "missing field `input`",
            ),
        ];
        for (text, expected) in cases {
            let error = Genotype::parse("cell.txt", text).unwrap_err().to_string();
            assert!(
                error.starts_with("cell.txt: ") && error.contains(expected),
                "{error}"
            );
        }
    }
}
