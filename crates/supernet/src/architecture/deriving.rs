use egs_core::{CodeDistribution, NoiseKey, Normalization};
use serde::{Deserialize, Serialize};

use super::{ArchitectureConfig, CellGenotype, Genotype, GenotypeOp, OperationSet, SearchSpace};
use crate::SupernetError;

/// Which operations of a searched cell the derived one keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeriveRule {
    /// Of each row all operations of its most probable code (Chang et al. 2019, section 3.3).
    MostProbableCode,
    /// Of each node the two edges whose strongest operation besides `none` is strongest, and of each
    /// of these edges that one operation (Liu et al. 2019, section 2.4; Dong and Yang 2019 derive
    /// alike). Equal ones are taken in their order. Cells with another number of inputs keep
    /// [`KEPT_EDGES`](OperationSet::KEPT_EDGES) edges of a node.
    #[serde(rename = "darts-top2")]
    DartsTop2,
    /// Of each edge the most probable operation; where that is `none` the edge is dropped (Xie et
    /// al. 2019, section 2.3).
    ArgmaxPerEdge,
    /// One code drawn from p: an architecture at random.
    SampledCode,
}

impl DeriveRule {
    /// Whether it goes by the law of codes, whose rows sum to 1; the others compare probabilities.
    fn draws_codes(self) -> bool {
        matches!(self, Self::MostProbableCode | Self::SampledCode)
    }
}

/// How an architecture is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deriving {
    /// The rule.
    pub rule: DeriveRule,
    /// Most [skip connections](OperationSet::SKIP) in the first kind of cell, the normal cell of images;
    /// none for any number. As long as the rule keeps more, the least probable of those it keeps is
    /// given probability 0 and the rule applied again (Chen et al. 2019, P-DARTS, section 3.3). One
    /// stays beyond the number only where nothing else has a probability.
    pub max_skips: Option<usize>,
}

impl From<DeriveRule> for Deriving {
    fn from(rule: DeriveRule) -> Self {
        Self {
            rule,
            max_skips: None,
        }
    }
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
    fn new<O: OperationSet>(
        rule: DeriveRule,
        probabilities: &[Vec<f64>],
        space: &SearchSpace<O>,
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
            DeriveRule::DartsTop2 => Ok(Self::ones(strongest(probabilities, space), space.ops())),
            DeriveRule::ArgmaxPerEdge => {
                let best = |row: &Vec<f64>| first_maximum(row.iter().copied().enumerate());
                let kept = probabilities.iter().map(|row| best(row).map(|(op, _)| op));
                Ok(Self::ones(kept.collect(), space.ops()))
            }
        }
    }

    /// The code that `choose` takes of the probabilities of each row, given its number.
    fn by_rows<O: OperationSet>(
        probabilities: &[Vec<f64>],
        space: &SearchSpace<O>,
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

    fn genotype<O: OperationSet>(
        &self,
        probabilities: &[Vec<f64>],
        space: &SearchSpace<O>,
    ) -> CellGenotype<O> {
        let node = |node: usize| {
            let first = space.first_edge(node);
            let entries = |keep: &dyn Fn(usize, usize) -> bool| -> Vec<GenotypeOp<O>> {
                let mut kept = Vec::new();
                for input in 0..space.incoming(node) {
                    for (index, &op) in space.operations.iter().enumerate() {
                        if Some(op) != O::NONE && keep(first + input, index) {
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
            // Nothing useful was chosen: a node needs an input, so it gets its most probable operation.
            let probability = |entry: &GenotypeOp<O>| {
                let op = space.operations.iter().position(|op| *op == entry.op);
                op.map_or(0.0, |op| probabilities[first + entry.input][op])
            };
            entries(&|_, _| true)
                .into_iter()
                .max_by(|a, b| probability(a).total_cmp(&probability(b)))
                .into_iter()
                .collect()
        };
        CellGenotype::new((0..space.nodes).map(node).collect())
    }
}

/// The place of the least probable skip that a derived cell keeps, of those that have a probability, if it
/// keeps more than `most`.
fn weakest_skip<O: OperationSet>(
    cell: &CellGenotype<O>,
    most: usize,
    probabilities: &[Vec<f64>],
    space: &SearchSpace<O>,
) -> Option<(usize, usize)> {
    let op = space
        .operations
        .iter()
        .position(|&op| Some(op) == O::SKIP)?;
    let edges = cell.nodes.iter().enumerate().flat_map(|(node, entries)| {
        let skips = entries.iter().filter(|entry| Some(entry.op) == O::SKIP);
        skips.map(move |entry| space.first_edge(node) + entry.input)
    });
    let edges: Vec<usize> = edges.collect();
    if edges.len() <= most {
        return None;
    }
    let probability = |&edge: &usize| probabilities[edge][op];
    edges
        .into_iter()
        .filter(|edge| probability(edge) > 0.0)
        .min_by(|a, b| probability(a).total_cmp(&probability(b)))
        .map(|edge| (edge, op))
}

/// Makes the probabilities of a row of the estimator sum to 1 again: where nothing is left of them, all
/// operations but `removed` share it.
fn renormalise(row: &mut [Vec<f64>], removed: (usize, usize)) {
    let left: f64 = row.iter().flatten().sum();
    let others = row.iter().flatten().count() - 1;
    for (edge, probabilities) in row.iter_mut().enumerate() {
        for (op, p) in probabilities.iter_mut().enumerate() {
            if left > 0.0 {
                *p /= left;
            } else if (edge, op) != removed {
                *p = 1.0 / others as f64;
            }
        }
    }
}

/// The place and value of the largest number, the first one of several.
fn first_maximum(values: impl Iterator<Item = (usize, f64)>) -> Option<(usize, f64)> {
    values.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The operation that [`DeriveRule::DartsTop2`] keeps of every edge.
fn strongest<O: OperationSet>(
    probabilities: &[Vec<f64>],
    space: &SearchSpace<O>,
) -> Vec<Option<usize>> {
    let mut kept = vec![None; probabilities.len()];
    for node in 0..space.nodes {
        let mut edges: Vec<(usize, usize, f64)> = (space.first_edge(node)
            ..space.first_edge(node + 1))
            .filter_map(|edge| {
                let ops = probabilities[edge].iter().copied().enumerate();
                let useful = ops.filter(|&(op, _)| Some(space.operations[op]) != O::NONE);
                first_maximum(useful).map(|(op, p)| (edge, op, p))
            })
            .collect();
        edges.sort_by(|a, b| b.2.total_cmp(&a.2));
        for (edge, op, _) in edges.into_iter().take(O::KEPT_EDGES) {
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

/// Derives an architecture by a rule; the operation that contributes nothing is left out. A node that
/// keeps nothing gets its most probable operation.
///
/// `probabilities` are those of each kind of cell, `[tables][edges][ops]`, as
/// [`Architecture::probabilities`](crate::Architecture::probabilities) gives them; `key` names the
/// noise of [`DeriveRule::SampledCode`] and means nothing to the others. Also returned are the codes
/// themselves, one for each table.
///
/// # Errors
///
/// The code law's own, when a row is not a probability distribution.
pub fn derive_genotype<O: OperationSet>(
    deriving: impl Into<Deriving>,
    probabilities: &[Vec<Vec<f64>>],
    space: &SearchSpace<O>,
    config: &ArchitectureConfig,
    key: NoiseKey,
) -> Result<(Genotype<O>, Vec<DerivedCodes>), SupernetError> {
    let Deriving { rule, max_skips } = deriving.into();
    let (mut cells, mut codes) = (Vec::new(), Vec::new());
    for (index, table) in probabilities.iter().enumerate() {
        // Rows of noise of its own.
        let first_row = key.first_row + (index * space.edges()) as u32;
        let key = key.with_first_row(first_row);
        let most = max_skips.filter(|_| index == 0).unwrap_or(usize::MAX);
        let (cell, derived) = derive_cell(rule, most, table, space, config, key)?;
        cells.push(cell);
        codes.push(derived);
    }
    Ok((Genotype { cells }, codes))
}

/// A cell of at most so many skips.
fn derive_cell<O: OperationSet>(
    rule: DeriveRule,
    most_skips: usize,
    table: &[Vec<f64>],
    space: &SearchSpace<O>,
    config: &ArchitectureConfig,
    key: NoiseKey,
) -> Result<(CellGenotype<O>, DerivedCodes), SupernetError> {
    let mut table = table.to_vec();
    // Each round takes the skip of another edge away.
    loop {
        let derived = DerivedCodes::new(rule, &table, space, config, key)?;
        let cell = derived.genotype(&table, space);
        let Some((edge, op)) = weakest_skip(&cell, most_skips, &table, space) else {
            return Ok((cell, derived));
        };
        table[edge][op] = 0.0;
        let rows = config.rows(space).into_iter();
        for row in rows.filter(|row| rule.draws_codes() && row.contains(&edge)) {
            let removed = (edge - row.start, op);
            renormalise(&mut table[row], removed);
        }
    }
}

#[cfg(test)]
mod tests;
