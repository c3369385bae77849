//! Deriving networks that cost no more than a budget.

use egs_core::Normalization;

use super::{ArchitectureConfig, Genotype, GenotypeOp, OperationSet, SearchSpace};

/// What the networks of a space cost.
#[derive(Debug, Clone, PartialEq)]
pub struct CostTable {
    /// What all of them have, beside their operations.
    pub fixed: f64,
    /// What it costs to keep an operation, in all cells that share the table: `[tables][edges][ops]`.
    pub operations: Vec<Vec<Vec<f64>>>,
}

impl CostTable {
    /// The cost of the network that a genotype of the space describes.
    pub fn of<O: OperationSet>(&self, genotype: &Genotype<O>, space: &SearchSpace<O>) -> f64 {
        let cells = genotype.cells.iter().enumerate();
        let entries = cells.flat_map(|(table, cell)| {
            let nodes = cell.nodes.iter().enumerate();
            nodes.flat_map(move |(node, entries)| {
                entries
                    .iter()
                    .map(move |entry| Place::of(entry, table, node, space))
            })
        });
        let costs = entries.map(|place| place.map_or(0.0, |place| place.find(&self.operations)));
        self.fixed + costs.sum::<f64>()
    }

    /// The cost of the cheapest network: every node keeps its cheapest operation.
    pub fn least<O: OperationSet>(&self, space: &SearchSpace<O>) -> f64 {
        let nodes = (0..self.operations.len())
            .flat_map(|table| (0..space.nodes).map(move |node| (table, node)));
        let cheapest = nodes.map(|(table, node)| {
            let costs = choices(table, node, space).map(|(_, place)| place.find(&self.operations));
            costs.fold(f64::INFINITY, f64::min)
        });
        self.fixed + cheapest.sum::<f64>()
    }
}

/// An entry of a table.
#[derive(Debug, Clone, Copy)]
struct Place {
    table: usize,
    edge: usize,
    op: usize,
}

impl Place {
    /// Where an operation of a genotype stands; none where the space lacks it.
    fn of<O: OperationSet>(
        entry: &GenotypeOp<O>,
        table: usize,
        node: usize,
        space: &SearchSpace<O>,
    ) -> Option<Self> {
        let op = space.operations.iter().position(|op| *op == entry.op)?;
        Some(Self {
            table,
            edge: space.first_edge(node) + entry.input,
            op,
        })
    }

    fn find(self, tables: &[Vec<Vec<f64>>]) -> f64 {
        tables[self.table][self.edge][self.op]
    }
}

/// The operations that a node can keep.
fn choices<O: OperationSet>(
    table: usize,
    node: usize,
    space: &SearchSpace<O>,
) -> impl Iterator<Item = (GenotypeOp<O>, Place)> {
    let ops = space.operations.iter().enumerate();
    let useful = ops.filter(|&(_, &op)| Some(op) != O::NONE);
    useful.flat_map(move |(index, &op)| {
        (0..space.incoming(node)).map(move |input| {
            let place = Place {
                table,
                edge: space.first_edge(node) + input,
                op: index,
            };
            (GenotypeOp::new(op, input), place)
        })
    })
}

/// A way to make a genotype cheaper: an operation of a node is dropped, or replaced where it is the only
/// one.
#[derive(Debug, Clone, Copy)]
struct Change<O> {
    table: usize,
    node: usize,
    entry: usize,
    replacement: Option<GenotypeOp<O>>,
    /// Cost that it saves.
    saved: f64,
    /// Probability that it gives up.
    lost: f64,
}

/// The genotype, made to cost no more than `budget`. As long as it costs more, it loses the operation, or
/// has one replaced by a cheaper one where a node has no other, that gives up the least probability for
/// the cost that it saves; a saving beyond the budget counts for nothing. A budget that no network of the
/// space can keep ([`CostTable::least`]) gives the cheapest.
///
/// `probabilities` are `[tables][edges][ops]`. In a row of codes that are normalised, what is left is
/// normalised anew.
pub fn keep_budget<O: OperationSet>(
    genotype: &Genotype<O>,
    probabilities: &[Vec<Vec<f64>>],
    space: &SearchSpace<O>,
    config: &ArchitectureConfig,
    costs: &CostTable,
    budget: f64,
) -> Genotype<O> {
    let mut kept = genotype.clone();
    loop {
        let excess = costs.of(&kept, space) - budget;
        if excess <= 0.0 {
            break;
        }
        let price = |change: &Change<O>| change.lost / change.saved.min(excess);
        let changes = changes(&kept, probabilities, space, costs).into_iter();
        let Some(change) = changes.min_by(|a, b| price(a).total_cmp(&price(b))) else {
            break;
        };
        let entries = &mut kept.cells[change.table].nodes[change.node];
        match change.replacement {
            Some(replacement) => entries[change.entry] = replacement,
            None => drop(entries.remove(change.entry)),
        }
    }
    if config.normalization == Normalization::Sum {
        normalise(&mut kept, genotype, space, config);
    }
    kept
}

/// All changes that save something.
fn changes<O: OperationSet>(
    genotype: &Genotype<O>,
    probabilities: &[Vec<Vec<f64>>],
    space: &SearchSpace<O>,
    costs: &CostTable,
) -> Vec<Change<O>> {
    let mut found = Vec::new();
    for (table, cell) in genotype.cells.iter().enumerate() {
        for (node, entries) in cell.nodes.iter().enumerate() {
            for (entry, kept) in entries.iter().enumerate() {
                let Some(place) = Place::of(kept, table, node, space) else {
                    continue;
                };
                let (cost, p) = (place.find(&costs.operations), place.find(probabilities));
                let change = |replacement, saved, lost| Change {
                    table,
                    node,
                    entry,
                    replacement,
                    saved,
                    lost,
                };
                if entries.len() > 1 {
                    found.push(change(None, cost, p));
                    continue;
                }
                found.extend(choices(table, node, space).map(|(other, place)| {
                    let saved = cost - place.find(&costs.operations);
                    // Among replacements that save as much, the most probable one.
                    change(Some(other), saved, 1.0 + p - place.find(probabilities))
                }));
            }
        }
    }
    found.retain(|change| change.saved > 0.0);
    found
}

/// Gives the operations of each row that lost some the weight of one over their number.
fn normalise<O: OperationSet>(
    kept: &mut Genotype<O>,
    before: &Genotype<O>,
    space: &SearchSpace<O>,
    config: &ArchitectureConfig,
) {
    for (cell, before) in kept.cells.iter_mut().zip(&before.cells) {
        for row in config.rows(space) {
            let in_row = |node: usize, entry: &GenotypeOp<O>| {
                row.contains(&(space.first_edge(node) + entry.input))
            };
            let of_row = |nodes: &[Vec<GenotypeOp<O>>]| -> Vec<(usize, GenotypeOp<O>)> {
                let nodes = nodes.iter().enumerate();
                let entries =
                    nodes.flat_map(|(node, entries)| entries.iter().map(move |e| (node, *e)));
                entries
                    .filter(|(node, entry)| in_row(*node, entry))
                    .collect()
            };
            let left = of_row(&cell.nodes);
            if left == of_row(&before.nodes) {
                continue;
            }
            let weight = 1.0 / left.len() as f64;
            for (node, entries) in cell.nodes.iter_mut().enumerate() {
                let entries = entries.iter_mut().filter(|entry| in_row(node, entry));
                entries.for_each(|entry| entry.weight = weight);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, Sampling};

    const OPS: [Operation; 4] = [
        Operation::None,
        Operation::SkipConnect,
        Operation::DilConv3x3,
        Operation::SepConv3x3,
    ];

    fn space() -> SearchSpace<Operation> {
        SearchSpace {
            nodes: 2,
            operations: OPS.to_vec(),
        }
    }

    /// Both cells have equal tables: skips are free, a dilated convolution costs 2, a separable one 5.
    fn costs() -> CostTable {
        CostTable {
            fixed: 10.0,
            operations: vec![vec![vec![0.0, 0.0, 2.0, 5.0]; 5]; 2],
        }
    }

    /// Separable convolutions are likeliest, but on the last edge.
    fn probabilities() -> Vec<Vec<Vec<f64>>> {
        let mut cell = vec![vec![0.1, 0.2, 0.3, 0.4]; 5];
        cell[4] = vec![0.1, 0.4, 0.3, 0.2];
        vec![cell; 2]
    }

    fn genotype(text: &str) -> Genotype<Operation> {
        text.parse().unwrap()
    }

    fn kept(text: &str, budget: f64) -> Genotype<Operation> {
        let config = ArchitectureConfig::default();
        let before = genotype(text);
        let kept = keep_budget(
            &before,
            &probabilities(),
            &space(),
            &config,
            &costs(),
            budget,
        );
        kept.validate().unwrap();
        kept
    }

    const RICH: &str = "normal: sep_conv_3x3@0 dil_conv_3x3@1 | sep_conv_3x3@1 sep_conv_3x3@2\n\
                        reduce: skip_connect@0 | skip_connect@1";

    #[test]
    fn costs_are_those_of_what_is_kept_and_of_all() {
        assert_eq!(costs().of(&genotype(RICH), &space()), 27.0);
        assert_eq!(costs().least(&space()), 10.0);
        let without_skips = SearchSpace {
            operations: OPS[2..].to_vec(),
            ..space()
        };
        let costs = CostTable {
            fixed: 1.0,
            operations: vec![vec![vec![2.0, 5.0]; 5]; 2],
        };
        assert_eq!(costs.least(&without_skips), 9.0);
    }

    #[test]
    fn what_keeps_the_budget_is_left_alone() {
        assert_eq!(kept(RICH, 27.0), genotype(RICH));
    }

    #[test]
    fn the_least_probable_operations_go_first_and_no_more_than_needed() {
        // Of the separable ones the improbable one on the last edge.
        let expected = "normal: sep_conv_3x3@0 dil_conv_3x3@1 | sep_conv_3x3@1\n\
                        reduce: skip_connect@0 | skip_connect@1";
        assert_eq!(kept(RICH, 22.0), genotype(expected));
        // An excess of 1 is not worth a separable convolution that is likelier than the dilated one.
        let text = "normal: sep_conv_3x3@0 dil_conv_3x3@1 | sep_conv_3x3@1\n\
                    reduce: skip_connect@0 | skip_connect@1";
        let expected = "normal: sep_conv_3x3@0 | sep_conv_3x3@1\n\
                        reduce: skip_connect@0 | skip_connect@1";
        assert_eq!(kept(text, 21.0), genotype(expected));
    }

    #[test]
    fn the_only_operation_of_a_node_is_replaced_by_a_cheaper_one() {
        let text =
            "normal: sep_conv_3x3@0 | sep_conv_3x3@2\nreduce: skip_connect@0 | skip_connect@1";
        let cheaper = kept(text, 15.0);
        assert!(costs().of(&cheaper, &space()) <= 15.0);
        // The last edge prefers a skip to its separable convolution.
        let expected = "normal: sep_conv_3x3@0 | skip_connect@2\n\
                        reduce: skip_connect@0 | skip_connect@1";
        assert_eq!(cheaper, genotype(expected));
    }

    #[test]
    fn every_budget_down_to_the_least_is_kept_and_a_smaller_one_gives_the_cheapest() {
        for budget in 10..=27 {
            let budget = f64::from(budget);
            assert!(costs().of(&kept(RICH, budget), &space()) <= budget);
        }
        assert_eq!(costs().of(&kept(RICH, 1.0), &space()), 10.0);
    }

    #[test]
    fn a_normalised_row_that_loses_operations_is_normalised_anew() {
        let text = "normal: skip_connect@0*0.5 sep_conv_3x3@0*0.5 | sep_conv_3x3@1*0.5\n\
                    reduce: skip_connect@0 | skip_connect@1";
        let config = ArchitectureConfig {
            normalization: Normalization::Sum,
            sampling: Sampling::PerEdge,
            ..Default::default()
        };
        let (before, p) = (genotype(text), probabilities());
        let kept = keep_budget(&before, &p, &space(), &config, &costs(), 15.0);
        // The other row keeps its weight: `none` has a part in it.
        let expected = "normal: skip_connect@0 | sep_conv_3x3@1*0.5\n\
                        reduce: skip_connect@0 | skip_connect@1";
        assert_eq!(kept, genotype(expected));
    }
}
