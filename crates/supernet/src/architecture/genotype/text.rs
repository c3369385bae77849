use std::fmt;
use std::str::FromStr;

use super::derived::{CONCAT, CellGenotype, Genotype, GenotypeOp, concat_field, label};
use super::scan::uncommented;
use crate::SupernetError;
use crate::architecture::{OperationSet, find};

impl<O: OperationSet> FromStr for Genotype<O> {
    type Err = SupernetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut nodes: Vec<Option<Nodes<O>>> = vec![None; O::CELLS.len()];
        let mut concats: Vec<Option<Vec<usize>>> = vec![None; O::CELLS.len()];
        let all = text.lines().map(|line| uncommented(line).trim());
        for line in all.filter(|line| !line.is_empty()) {
            let place = |name: &str| O::CELLS.iter().position(|cell| *cell == name);
            let (name, rest) = line.split_once(':').unwrap_or((line, ""));
            let name = name.trim();
            let twice = if let Some(index) = place(name) {
                let cell = CellGenotype::parse(&label(name), rest)?;
                nodes[index].replace(cell).is_some()
            } else if let Some(index) = name.strip_suffix(CONCAT).and_then(place) {
                concats[index].replace(concat(name, rest)?).is_some()
            } else {
                let found: String = line.chars().take(40).collect();
                let problem = format!("found `{found}`; valid: {}", forms::<O>());
                return Err(SupernetError::genotype("genotype", problem));
            };
            if twice {
                let problem = format!("line `{name}: ...` stands twice; once is enough");
                return Err(SupernetError::genotype("genotype", problem));
            }
        }
        let cell = |((nodes, concat), name): ((Option<Nodes<O>>, _), &&str)| match nodes {
            Some(nodes) => Ok(CellGenotype::with_concat(nodes, concat)),
            None => {
                let problem = format!("no line `{name}: ...`; needed: {}", lines::<O>());
                Err(SupernetError::genotype("genotype", problem))
            }
        };
        let cells = nodes.into_iter().zip(concats).zip(O::CELLS).map(cell);
        let genotype = Self {
            cells: cells.collect::<Result<_, _>>()?,
        };
        genotype.validate()?;
        Ok(genotype)
    }
}

/// The operations of a cell, node by node.
type Nodes<O> = Vec<Vec<GenotypeOp<O>>>;

/// The nodes of a line `normal_concat: 2 3`.
fn concat(name: &str, text: &str) -> Result<Vec<usize>, SupernetError> {
    let numbers = text
        .split([' ', ',', '[', ']'])
        .filter(|part| !part.is_empty());
    let numbers: Result<_, _> = numbers.map(str::parse).collect();
    numbers.map_err(|_| {
        let problem = format!("`{name}:{text}`; valid: numbers of nodes, such as `{name}: 2 3`");
        SupernetError::genotype("genotype", problem)
    })
}

/// All forms of a genotype, for messages.
fn forms<O: OperationSet>() -> String {
    let first = O::CELLS.first().copied().unwrap_or_default();
    format!(
        "{}, JSON, or `Genotype({first}=[...], ...)` as published codes print it",
        lines::<O>()
    )
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
    /// The nodes of a line.
    fn parse(cell: &str, text: &str) -> Result<Nodes<O>, SupernetError> {
        let nodes = text.split('|').enumerate().map(|(node, entries)| {
            let place = format!("{cell}, node {node}");
            let entries = entries.split_whitespace();
            entries
                .map(|entry| GenotypeOp::parse(&place, entry))
                .collect()
        });
        nodes.collect()
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
        let mut lines = Vec::new();
        for (name, cell) in self.named_cells() {
            lines.push(format!("{name}: {cell}"));
            if let Some(concat) = &cell.concat {
                let nodes: Vec<_> = concat.iter().map(usize::to_string).collect();
                lines.push(format!("{}: {}", concat_field(name), nodes.join(" ")));
            }
        }
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
    fn chosen_nodes_round_trip_and_all_of_them_are_no_choice() {
        let text = "normal: skip_connect@0 | skip_connect@1 | skip_connect@2\nnormal_concat: 4 3\nreduce: max_pool_3x3@1";
        let genotype: Genotype = text.parse().unwrap();
        assert_eq!(genotype.to_string(), text);
        assert_eq!(genotype.cells[0].outputs(), [2, 1]);
        let json = serde_json::to_string(&genotype).unwrap();
        assert!(json.contains(r#""normal_concat":[4,3]"#), "{json}");
        assert_eq!(serde_json::from_str::<Genotype>(&json).unwrap(), genotype);
        assert_eq!(Genotype::parse("file", &json).unwrap(), genotype);
        let all: Genotype = text.replace("4 3", "2 3 4").parse().unwrap();
        assert_eq!(all.cells[0].concat, None);
    }

    #[test]
    fn an_operation_may_read_an_input_twice_and_cells_differ_in_size() {
        let text = "# mine\nnormal: avg_pool_3x3@0 avg_pool_3x3@0 # both\r\n\r\nreduce: skip_connect@0 | max_pool_3x3@2\r\n";
        let genotype: Genotype = text.parse().unwrap();
        assert_eq!(genotype.cells[0].nodes[0].len(), 2);
        assert_eq!(genotype.cells[1].nodes.len(), 2);
        let cells = "skip_connect@0 | ".repeat(16) + "skip_connect@0";
        let error = format!("normal: {cells}\nreduce: skip_connect@0").parse::<Genotype>();
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "normal cell: 17 nodes; a cell has 1 to 16");
        let node = "skip_connect@0 ".repeat(100);
        let error = format!("normal: {node}\nreduce: skip_connect@0").parse::<Genotype>();
        assert!(error.unwrap_err().to_string().contains("100 operations"));
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
                "normal: skip_connect@0\nnormal: skip_connect@0",
                "`normal: ...` stands twice",
            ),
            (
                "normal: skip_connect@0 |\nreduce: skip_connect@0",
                "node 1: no operation",
            ),
            ("normal: skip_connect@0", "no line `reduce"),
            (
                "normal: skip_connect@0\nnormal_concat: 3\nreduce: skip_connect@0",
                "normal cell: its output is made of [3]; valid: different nodes of 2 to 2",
            ),
            (
                "normal: skip_connect@0\nnormal_concat: 2 2\nreduce: skip_connect@0",
                "made of [2, 2]",
            ),
            (
                "normal: skip_connect@0\nnormal_concat: all\nreduce: skip_connect@0",
                "such as `normal_concat: 2 3`",
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
