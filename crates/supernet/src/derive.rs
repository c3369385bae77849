use egs_core::{CodeDistribution, Normalization};

use crate::{
    ArchitectureConfig, CellCodes, CellGenotype, CodeTable, Genotype, GenotypeOp, Operation,
    SearchSpace, SupernetError,
};
use burn::tensor::backend::Backend;

/// What deriving decided for one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct DerivedCodes {
    /// The most probable code of every edge, `[edges][ops]`.
    pub active: Vec<Vec<bool>>,
    /// Weight of the operations of each edge that are on: 1, or one over the number of operations on
    /// in the edge's row where codes are normalised.
    pub weight: Vec<f64>,
}

impl DerivedCodes {
    /// The most probable code under the exact law of the code (not a sample).
    fn most_probable(
        probabilities: &[Vec<f64>],
        space: &SearchSpace,
        config: &ArchitectureConfig,
    ) -> Result<Self, SupernetError> {
        let (mut active, mut weight) = (Vec::new(), Vec::new());
        for edges in config.rows(space) {
            let row: Vec<f64> = edges
                .clone()
                .flat_map(|edge| probabilities[edge].clone())
                .collect();
            let code = CodeDistribution::new(&row, config.draws)?.mode();
            let on = code.iter().filter(|&&on| on).count();
            let share = match config.normalization {
                Normalization::None => 1.0,
                Normalization::Sum => 1.0 / on as f64,
            };
            active.extend(code.chunks(space.ops()).map(<[bool]>::to_vec));
            weight.extend(edges.map(|_| share));
        }
        Ok(Self { active, weight })
    }

    /// The code as constants to run a supernet with.
    fn codes<B: Backend>(&self, device: &B::Device) -> CodeTable<B> {
        if self.weight.iter().all(|&weight| weight == 1.0) {
            return CodeTable::constant(self.active.clone());
        }
        let ops = self.active[0].len();
        let values: Vec<f32> = self
            .active
            .iter()
            .zip(&self.weight)
            .flat_map(|(row, &weight)| {
                row.iter()
                    .map(move |&on| if on { weight as f32 } else { 0.0 })
            })
            .collect();
        let data = burn::tensor::TensorData::new(values, [self.active.len(), ops]);
        CodeTable {
            weights: Some(burn::tensor::Tensor::from_data(data, device)),
            active: self.active.clone(),
        }
    }

    fn genotype(&self, probabilities: &[Vec<f64>], space: &SearchSpace) -> CellGenotype {
        let node = |node: usize| {
            let first = space.first_edge(node);
            let entries = |keep: &dyn Fn(usize, usize) -> bool| -> Vec<GenotypeOp> {
                let mut kept = Vec::new();
                for input in 0..space.incoming(node) {
                    for (index, &op) in space.operations.iter().enumerate() {
                        if op != Operation::None && keep(first + input, index) {
                            let weight = self.weight[first + input];
                            kept.push(GenotypeOp { op, input, weight });
                        }
                    }
                }
                kept
            };
            let kept = entries(&|edge, op| self.active[edge][op]);
            if !kept.is_empty() {
                return kept;
            }
            // Nothing but `none` was most probable: a node needs an input, so it gets its most
            // probable operation.
            let probability = |entry: &GenotypeOp| {
                let op = space.operations.iter().position(|op| *op == entry.op);
                op.map_or(0.0, |op| probabilities[first + entry.input][op])
            };
            entries(&|_, _| true)
                .into_iter()
                .max_by(|a, b| probability(a).total_cmp(&probability(b)))
                .into_iter()
                .collect()
        };
        CellGenotype {
            nodes: (0..space.nodes).map(node).collect(),
        }
    }
}

/// Derives an architecture: of each row the most probable code, `none` left out, with all operations
/// of the code kept (method of Chang et al. 2019, section 3.3). A node whose code keeps nothing gets
/// its most probable operation.
///
/// `probabilities` are those of the normal and the reduction cell, `[edges][ops]`, as
/// [`Architecture::probabilities`](crate::Architecture::probabilities) gives them. Also returned are
/// the codes themselves, normal and reduction.
///
/// # Errors
///
/// The code law's own, when a row is not a probability distribution.
pub fn derive_genotype(
    probabilities: &[Vec<Vec<f64>>; 2],
    space: &SearchSpace,
    config: &ArchitectureConfig,
) -> Result<(Genotype, [DerivedCodes; 2]), SupernetError> {
    let normal = DerivedCodes::most_probable(&probabilities[0], space, config)?;
    let reduce = DerivedCodes::most_probable(&probabilities[1], space, config)?;
    let genotype = Genotype {
        normal: normal.genotype(&probabilities[0], space),
        reduce: reduce.genotype(&probabilities[1], space),
    };
    Ok((genotype, [normal, reduce]))
}

impl<B: Backend> CellCodes<B> {
    /// The constant codes that deriving chose.
    pub fn from_derived([normal, reduce]: &[DerivedCodes; 2], device: &B::Device) -> Self {
        Self {
            normal: normal.codes(device),
            reduce: reduce.codes(device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sampling;

    fn space() -> SearchSpace {
        SearchSpace {
            nodes: 2,
            operations: vec![
                Operation::None,
                Operation::SkipConnect,
                Operation::SepConv3x3,
            ],
        }
    }

    fn config(sampling: Sampling, normalization: Normalization) -> ArchitectureConfig {
        ArchitectureConfig {
            draws: 2,
            sampling,
            normalization,
            ..Default::default()
        }
    }

    #[test]
    fn an_edge_keeps_every_operation_of_its_most_probable_code() {
        // P({1,2}) = 2 * 0.5 * 0.45 = 0.45 is more than 0.25 and 0.2025.
        let row = vec![0.05, 0.5, 0.45];
        let p = [vec![row.clone(); 5], vec![row; 5]];
        let config = config(Sampling::PerEdge, Normalization::None);
        let (genotype, _) = derive_genotype(&p, &space(), &config).unwrap();
        let both = "skip_connect@0 sep_conv_3x3@0 skip_connect@1 sep_conv_3x3@1";
        assert_eq!(
            genotype.normal.to_string().split(" | ").next().unwrap(),
            both
        );
        genotype.validate().unwrap();
    }

    #[test]
    fn a_node_of_nones_gets_its_most_probable_operation() {
        let mut rows = vec![vec![0.98, 0.01, 0.01]; 5];
        rows[1] = vec![0.97, 0.01, 0.02];
        let p = [rows.clone(), rows];
        let config = config(Sampling::PerEdge, Normalization::None);
        let (genotype, _) = derive_genotype(&p, &space(), &config).unwrap();
        assert_eq!(
            genotype.normal.nodes[0],
            [GenotypeOp::new(Operation::SepConv3x3, 1)]
        );
    }

    #[test]
    fn a_node_row_shares_its_weight_among_all_its_operations() {
        // Node 0: one row of 6 entries; node 1: one row of 9.
        let mut rows = vec![vec![0.0, 0.5, 0.0], vec![0.0, 0.0, 0.5]];
        rows.extend([
            vec![0.0, 0.0, 0.0],
            vec![0.0, 0.0, 1.0],
            vec![0.0, 0.0, 0.0],
        ]);
        let p = [rows.clone(), rows];
        let config = config(Sampling::PerNode, Normalization::Sum);
        let (genotype, _) = derive_genotype(&p, &space(), &config).unwrap();
        let text = "skip_connect@0*0.5 sep_conv_3x3@1*0.5 | sep_conv_3x3@1";
        assert_eq!(genotype.normal.to_string(), text);
    }
}
