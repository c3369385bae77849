use egs_core::{CodeDistribution, NoiseKey, Normalization};
use serde::{Deserialize, Serialize};

use crate::{
    ArchitectureConfig, CellCodes, CellGenotype, CodeTable, Genotype, GenotypeOp, Operation,
    SearchSpace, SupernetError,
};
use burn::tensor::backend::Backend;

/// Which operations of a searched cell the derived one keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeriveRule {
    /// Of each row all operations of its most probable code (Chang et al. 2019, section 3.3).
    MostProbableCode,
    /// Of each node the two edges whose strongest operation besides `none` is strongest, and of each
    /// of these edges that one operation (Liu et al. 2019, section 2.4; Dong and Yang 2019 derive
    /// alike). Equal ones are taken in their order.
    #[serde(rename = "darts-top2")]
    DartsTop2,
    /// Of each edge the most probable operation; where that is `none` the edge is dropped (Xie et
    /// al. 2019, section 2.3).
    ArgmaxPerEdge,
    /// One code drawn from p: an architecture at random.
    SampledCode,
}

/// What deriving decided for one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct DerivedCodes {
    /// The operations kept of every edge, `[edges][ops]`, `none` among them where it was chosen.
    pub active: Vec<Vec<bool>>,
    /// Weight of the operations of each edge that are on: 1, or one over the number of operations on
    /// in the edge's row where codes are derived that are normalised.
    pub weight: Vec<f64>,
}

impl DerivedCodes {
    fn new(
        rule: DeriveRule,
        probabilities: &[Vec<f64>],
        space: &SearchSpace,
        config: &ArchitectureConfig,
        key: NoiseKey,
    ) -> Result<Self, SupernetError> {
        match rule {
            DeriveRule::MostProbableCode => {
                Self::by_rows(probabilities, space, config, |row, _| {
                    // Under the exact law of the code, not by sampling.
                    Ok(CodeDistribution::of_sampler(row, config.draws)?.mode())
                })
            }
            DeriveRule::SampledCode => Self::by_rows(probabilities, space, config, |row, index| {
                let key = key.with_first_row(key.first_row + index as u32);
                Ok(sampled_code(row, config.draws, key))
            }),
            DeriveRule::DartsTop2 => Ok(Self::ones(top_two(probabilities, space), space.ops())),
            DeriveRule::ArgmaxPerEdge => {
                let best = |row: &Vec<f64>| first_maximum(row.iter().copied().enumerate());
                let kept = probabilities.iter().map(|row| best(row).map(|(op, _)| op));
                Ok(Self::ones(kept.collect(), space.ops()))
            }
        }
    }

    /// The code that `choose` takes of the probabilities of each row, given its number.
    fn by_rows(
        probabilities: &[Vec<f64>],
        space: &SearchSpace,
        config: &ArchitectureConfig,
        choose: impl Fn(&[f64], usize) -> Result<Vec<bool>, SupernetError>,
    ) -> Result<Self, SupernetError> {
        let (mut active, mut weight) = (Vec::new(), Vec::new());
        for (index, edges) in config.rows(space).into_iter().enumerate() {
            let row: Vec<f64> = edges
                .clone()
                .flat_map(|edge| probabilities[edge].clone())
                .collect();
            let code = choose(&row, index)?;
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

    /// At most one operation on each edge, of weight 1.
    fn ones(kept: Vec<Option<usize>>, ops: usize) -> Self {
        let row = |kept: &Option<usize>| (0..ops).map(|op| *kept == Some(op)).collect();
        Self {
            active: kept.iter().map(row).collect(),
            weight: vec![1.0; kept.len()],
        }
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

/// The place and value of the largest number, the first one of several.
fn first_maximum(values: impl Iterator<Item = (usize, f64)>) -> Option<(usize, f64)> {
    values.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The operation that [`DeriveRule::DartsTop2`] keeps of every edge.
fn top_two(probabilities: &[Vec<f64>], space: &SearchSpace) -> Vec<Option<usize>> {
    let mut kept = vec![None; probabilities.len()];
    for node in 0..space.nodes {
        let mut strongest: Vec<(usize, usize, f64)> = (space.first_edge(node)
            ..space.first_edge(node + 1))
            .filter_map(|edge| {
                let ops = probabilities[edge].iter().copied().enumerate();
                let useful = ops.filter(|&(op, _)| space.operations[op] != Operation::None);
                first_maximum(useful).map(|(op, p)| (edge, op, p))
            })
            .collect();
        strongest.sort_by(|a, b| b.2.total_cmp(&a.2));
        for (edge, op, _) in strongest.into_iter().take(SearchSpace::INPUTS) {
            kept[edge] = Some(op);
        }
    }
    kept
}

/// A code of `draws` draws from the probabilities of a row, by the Gumbel-max trick.
fn sampled_code(row: &[f64], draws: usize, key: NoiseKey) -> Vec<bool> {
    let mut code = vec![false; row.len()];
    for noise in key.gumbel(1, draws, row.len()).chunks(row.len()) {
        let scores = row.iter().zip(noise).map(|(p, g)| p.ln() + f64::from(*g));
        if let Some((op, _)) = first_maximum(scores.enumerate()) {
            code[op] = true;
        }
    }
    code
}

/// Derives an architecture by a rule, `none` left out. A node that keeps nothing gets its most
/// probable operation.
///
/// `probabilities` are those of the normal and the reduction cell, `[edges][ops]`, as
/// [`Architecture::probabilities`](crate::Architecture::probabilities) gives them; `key` names the
/// noise of [`DeriveRule::SampledCode`] and means nothing to the others. Also returned are the codes
/// themselves, normal and reduction.
///
/// # Errors
///
/// The code law's own, when a row is not a probability distribution.
pub fn derive_genotype(
    rule: DeriveRule,
    probabilities: &[Vec<Vec<f64>>; 2],
    space: &SearchSpace,
    config: &ArchitectureConfig,
    key: NoiseKey,
) -> Result<(Genotype, [DerivedCodes; 2]), SupernetError> {
    let [normal_p, reduce_p] = probabilities;
    let normal = DerivedCodes::new(rule, normal_p, space, config, key)?;
    // Rows of noise of its own.
    let other = key.with_first_row(key.first_row + space.edges() as u32);
    let reduce = DerivedCodes::new(rule, reduce_p, space, config, other)?;
    let genotype = Genotype {
        normal: normal.genotype(normal_p, space),
        reduce: reduce.genotype(reduce_p, space),
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

    fn derived(rule: DeriveRule, p: &[Vec<Vec<f64>>; 2], seed: u64) -> Genotype {
        let config = config(Sampling::PerEdge, Normalization::None);
        let key = NoiseKey::new(seed, 0);
        let (genotype, _) = derive_genotype(rule, p, &space(), &config, key).unwrap();
        genotype.validate().unwrap();
        genotype
    }

    fn most_probable(
        p: &[Vec<Vec<f64>>; 2],
        config: &ArchitectureConfig,
    ) -> (Genotype, [DerivedCodes; 2]) {
        let (rule, key) = (DeriveRule::MostProbableCode, NoiseKey::new(0, 0));
        derive_genotype(rule, p, &space(), config, key).unwrap()
    }

    /// Rows of edges 0 and 1 of node 0, then 0, 1 and 2 of node 1; none, skip, sep.
    fn by_hand() -> [Vec<Vec<f64>>; 2] {
        let rows = vec![
            vec![0.8, 0.15, 0.05],
            vec![0.2, 0.35, 0.45],
            vec![0.1, 0.5, 0.4],
            vec![0.7, 0.2, 0.1],
            vec![0.9, 0.0, 0.1],
        ];
        let tied = vec![
            vec![0.5, 0.25, 0.25],
            vec![0.5, 0.25, 0.25],
            vec![0.5, 0.2, 0.3],
            vec![0.4, 0.3, 0.3],
            vec![0.0, 0.3, 0.7],
        ];
        [rows, tied]
    }

    #[test]
    fn the_rule_of_darts_keeps_two_edges_of_a_node_and_ignores_none() {
        let genotype = derived(DeriveRule::DartsTop2, &by_hand(), 0);
        let normal = "skip_connect@0 sep_conv_3x3@1 | skip_connect@0 skip_connect@1";
        assert_eq!(genotype.normal.to_string(), normal);
        // Equal ones in their order: skip before sep, edge 0 before edge 1.
        let reduce = "skip_connect@0 skip_connect@1 | sep_conv_3x3@0 sep_conv_3x3@2";
        assert_eq!(genotype.reduce.to_string(), reduce);
    }

    #[test]
    fn the_argmax_drops_the_edges_of_none_and_never_empties_a_node() {
        let genotype = derived(DeriveRule::ArgmaxPerEdge, &by_hand(), 0);
        let normal = "sep_conv_3x3@1 | skip_connect@0";
        assert_eq!(genotype.normal.to_string(), normal);
        assert_eq!(genotype.reduce.nodes[0].len(), 1);
        assert_eq!(
            genotype.reduce.nodes[1],
            [GenotypeOp::new(Operation::SepConv3x3, 2)]
        );
    }

    #[test]
    fn sampled_codes_follow_the_law_and_the_seed() {
        let p = by_hand();
        let sample = |seed| derived(DeriveRule::SampledCode, &p, seed);
        assert_eq!(sample(3), sample(3));
        // Node 1, edge 0: skip is on in a code of two draws with probability 1 - 0.5^2.
        let kept = (0..2_000).filter(|&seed| {
            let skip = GenotypeOp::new(Operation::SkipConnect, 0);
            sample(seed).normal.nodes[1].contains(&skip)
        });
        // Five standard deviations of a binomial: 2000 trials, probability 0.75.
        assert!((kept.count() as f64 - 1_500.0).abs() < 97.0);
    }

    #[test]
    fn an_edge_keeps_every_operation_of_its_most_probable_code() {
        // P({1,2}) = 2 * 0.5 * 0.45 = 0.45 is more than 0.25 and 0.2025.
        let row = vec![0.05, 0.5, 0.45];
        let p = [vec![row.clone(); 5], vec![row; 5]];
        let config = config(Sampling::PerEdge, Normalization::None);
        let (genotype, _) = most_probable(&p, &config);
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
        let (genotype, _) = most_probable(&p, &config);
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
        let (genotype, _) = most_probable(&p, &config);
        let text = "skip_connect@0*0.5 sep_conv_3x3@1*0.5 | sep_conv_3x3@1";
        assert_eq!(genotype.normal.to_string(), text);
    }
}
