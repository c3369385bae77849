use burn::tensor::{Tensor, TensorData, backend::Backend};

use super::{CodeTable, Codes, Genotype, OperationSet, SearchSpace};

impl<O: OperationSet> Genotype<O> {
    /// Weight of every operation of every edge, 0 where it is not kept: `[cells][edges][ops]`.
    fn weights(&self, space: &SearchSpace<O>) -> Vec<Vec<Vec<f64>>> {
        let mut tables = vec![vec![vec![0.0; space.ops()]; space.edges()]; self.cells.len()];
        for (table, cell) in tables.iter_mut().zip(&self.cells) {
            for (node, entries) in cell.nodes.iter().enumerate().take(space.nodes) {
                for entry in entries {
                    let op = space.operations.iter().position(|op| *op == entry.op);
                    let row = table.get_mut(space.first_edge(node) + entry.input);
                    if let (Some(op), Some(row)) = (op, row) {
                        // Twice is double.
                        row[op] += entry.weight;
                    }
                }
            }
        }
        tables
    }

    /// Which operations of every edge of a space it keeps: `[cells][edges][ops]`. What the space lacks
    /// is left out.
    pub fn active(&self, space: &SearchSpace<O>) -> Vec<Vec<Vec<bool>>> {
        let row = |row: Vec<f64>| row.into_iter().map(|weight| weight != 0.0).collect();
        let table = |table: Vec<Vec<f64>>| table.into_iter().map(row).collect();
        self.weights(space).into_iter().map(table).collect()
    }
}

impl<B: Backend> Codes<B> {
    /// The constant codes under which a supernet of this space computes what the genotype describes.
    pub fn of_genotype<O: OperationSet>(
        genotype: &Genotype<O>,
        space: &SearchSpace<O>,
        device: &B::Device,
    ) -> Self {
        let active = genotype.active(space);
        let weights = genotype.weights(space);
        let table = |(active, weights): (Vec<Vec<bool>>, Vec<Vec<f64>>)| {
            let values: Vec<f32> = weights.concat().into_iter().map(|w| w as f32).collect();
            if values.iter().all(|&weight| weight == 0.0 || weight == 1.0) {
                return CodeTable::constant(active);
            }
            let data = TensorData::new(values, [space.edges(), space.ops()]);
            CodeTable {
                weights: Some(Tensor::from_data(data, device)),
                active,
            }
        };
        Self {
            tables: active.into_iter().zip(weights).map(table).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;
    use burn_flex::Flex;

    #[test]
    fn codes_hold_the_kept_operations_and_their_weights() {
        let text = "normal: skip_connect@0 sep_conv_3x3@1 | skip_connect@2\n\
                    reduce: skip_connect@1*0.25 | sep_conv_3x3@0";
        let genotype: Genotype<Operation> = text.parse().unwrap();
        let space = SearchSpace {
            nodes: 2,
            operations: vec![
                Operation::None,
                Operation::SkipConnect,
                Operation::SepConv3x3,
            ],
        };
        let codes = Codes::<Flex>::of_genotype(&genotype, &space, &Default::default());
        let [none, skip, conv] = [
            vec![false; 3],
            vec![false, true, false],
            vec![false, false, true],
        ];
        let normal = vec![
            skip.clone(),
            conv.clone(),
            none.clone(),
            none.clone(),
            skip.clone(),
        ];
        assert_eq!(codes.tables[0].active, normal);
        assert!(codes.tables[0].weights.is_none());
        let reduce = vec![none.clone(), skip, conv, none.clone(), none];
        assert_eq!(codes.tables[1].active, reduce);
        let weights = codes.tables[1].weights.clone().unwrap().into_data();
        let mut expected = [0.0; 15];
        (expected[4], expected[8]) = (0.25, 1.0);
        assert_eq!(weights.to_vec::<f32>().unwrap(), expected);
        assert_eq!(genotype.active(&space), [normal, reduce]);
    }
}
