use std::fmt;
use std::str::FromStr;

use super::derived::{CellGenotype, Genotype, GenotypeOp, label};
use crate::SupernetError;
use crate::architecture::{OperationSet, find};

impl<O: OperationSet> FromStr for Genotype<O> {
    type Err = SupernetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut cells: Vec<Option<CellGenotype<O>>> = vec![None; O::CELLS.len()];
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let found = line.split_once(':').and_then(|(name, rest)| {
                let index = O::CELLS.iter().position(|cell| *cell == name.trim())?;
                Some((index, rest))
            });
            let Some((index, rest)) = found else {
                let found: String = line.chars().take(40).collect();
                let problem = format!("found `{found}`; valid: {}", lines::<O>());
                return Err(SupernetError::genotype("genotype", problem));
            };
            let place = label(O::CELLS[index]);
            let cell = CellGenotype::parse(&place, rest)?;
            if cells[index].replace(cell).is_some() {
                let problem = "stands twice; once is enough";
                return Err(SupernetError::genotype(place, problem));
            }
        }
        let needed = |(cell, name): (Option<_>, &&str)| {
            let problem = || format!("no line `{name}: ...`; needed: {}", lines::<O>());
            cell.ok_or_else(|| SupernetError::genotype("genotype", problem()))
        };
        let cells = cells.into_iter().zip(O::CELLS).map(needed);
        let genotype = Self {
            cells: cells.collect::<Result<_, _>>()?,
        };
        genotype.validate()?;
        Ok(genotype)
    }
}

/// The lines of a genotype, for messages.
fn lines<O: OperationSet>() -> String {
    let lines: Vec<_> = O::CELLS
        .iter()
        .map(|cell| format!("`{cell}: ...`"))
        .collect();
    match lines.as_slice() {
        [line] => format!("a line {line}"),
        lines => format!("lines {}", lines.join(" and ")),
    }
}

impl<O: OperationSet> CellGenotype<O> {
    fn parse(cell: &str, text: &str) -> Result<Self, SupernetError> {
        let nodes = text.split('|').enumerate().map(|(node, entries)| {
            let place = format!("{cell}, node {node}");
            let entries = entries.split_whitespace();
            entries
                .map(|entry| GenotypeOp::parse(&place, entry))
                .collect()
        });
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
        })
    }
}

impl<O: OperationSet> GenotypeOp<O> {
    fn parse(place: &str, entry: &str) -> Result<Self, SupernetError> {
        let malformed = |what: &str| {
            let example = O::ALL.iter().find(|&&op| Some(op) != O::NONE);
            let example = example.map_or("operation", |op| op.name());
            let problem = format!("`{entry}` {what}; valid: `{example}@0` (operation@input)");
            SupernetError::genotype(place, problem)
        };
        let (name, rest) = entry
            .split_once('@')
            .ok_or_else(|| malformed("has no `@`"))?;
        let (input, weight) = match rest.split_once('*') {
            Some((input, weight)) => {
                let weight = weight.parse();
                (
                    input,
                    weight.map_err(|_| malformed("has no number after `*`"))?,
                )
            }
            None => (rest, 1.0),
        };
        let op = find(place, name)?;
        let input = input
            .parse()
            .map_err(|_| malformed("has no input number after `@`"))?;
        Ok(Self { op, input, weight })
    }
}

impl<O: OperationSet> fmt::Display for GenotypeOp<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.op.name(), self.input)?;
        if self.weight != 1.0 {
            write!(f, "*{}", self.weight)?;
        }
        Ok(())
    }
}

impl<O: OperationSet> fmt::Display for CellGenotype<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = |ops: &Vec<GenotypeOp<O>>| {
            let ops: Vec<_> = ops.iter().map(GenotypeOp::to_string).collect();
            ops.join(" ")
        };
        let nodes: Vec<_> = self.nodes.iter().map(node).collect();
        f.write_str(&nodes.join(" | "))
    }
}

impl<O: OperationSet> fmt::Display for Genotype<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.named_cells();
        let lines: Vec<_> = lines
            .map(|(name, cell)| format!("{name}: {cell}"))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Genotype, Operation};

    const TEXT: &str = "normal: skip_connect@0 sep_conv_3x3@0 | dil_conv_5x5@2*0.5\nreduce: max_pool_3x3@1 | skip_connect@0";

    #[test]
    fn text_and_json_round_trip() {
        let genotype: Genotype = TEXT.parse().unwrap();
        assert_eq!(genotype.to_string(), TEXT);
        assert_eq!(genotype.cells[0].nodes[1][0].weight, 0.5);
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
            (
                r#"{"normal": [[{"op": "skip_connect", "input": 0}]]}"#,
                "missing field `reduce`",
            ),
            (
                r#"{"normal": [], "reduce": [], "other": []}"#,
                "unknown field `other`",
            ),
        ];
        for (text, expected) in cases {
            let error = Genotype::<Operation>::parse("cell.txt", text)
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("cell.txt: ") && error.contains(expected),
                "{error}"
            );
        }
    }
}
