use burn::tensor::{Tensor, TensorData, backend::Backend};
use serde::{Deserialize, Serialize};

use super::RecurrentOperation;
use crate::architecture::SearchSpace;

/// What the weights of a step's pairs are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepNormalization {
    /// Their sum over the whole step, `none` included, where it is more than 1. A step is then a convex
    /// combination of what its pairs make; without it, or batch normalisation, a cell grows without
    /// bound. A sum of less than 1 is left as it is: what it lacks is the share of `none`.
    #[default]
    StepSum,
    /// Their sum over the pairs of one predecessor, `none` included, where it is more than 1.
    EdgeSum,
    /// Nothing.
    None,
}

impl StepNormalization {
    /// Divides weights `[edges, ops]` of a space.
    pub(super) fn apply<B: Backend>(
        self,
        weights: Tensor<B, 2>,
        space: &SearchSpace<RecurrentOperation>,
    ) -> Tensor<B, 2> {
        if self == Self::None {
            return weights;
        }
        let [edges, ops] = weights.dims();
        // With an axis behind that of the operations, which are so added up in their order.
        let rows = weights.reshape([edges, ops, 1]);
        let mut sums = rows.clone().sum_dim(1);
        if self == Self::StepSum {
            let steps = same_step(space, &rows.device());
            sums = steps
                .matmul(sums.reshape([edges, 1]))
                .reshape([edges, 1, 1]);
        }
        (rows / sums.clamp_min(1.0)).reshape([edges, ops])
    }
}

/// 1 for each pair of edges that lead into one step, `[edges, edges]`.
fn same_step<B: Backend>(
    space: &SearchSpace<RecurrentOperation>,
    device: &B::Device,
) -> Tensor<B, 2> {
    let edges = space.edges();
    let steps: Vec<usize> = (0..space.nodes)
        .flat_map(|node| std::iter::repeat_n(node, space.incoming(node)))
        .collect();
    let pair = |at: usize| f32::from(u8::from(steps[at / edges] == steps[at % edges]));
    let values: Vec<f32> = (0..edges * edges).map(pair).collect();
    Tensor::from_data(TensorData::new(values, [edges, edges]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    fn applied(normalization: StepNormalization, weights: [[f32; 2]; 3]) -> Vec<f32> {
        let space = SearchSpace {
            nodes: 2,
            operations: vec![RecurrentOperation::None, RecurrentOperation::Tanh],
        };
        let weights = Tensor::<Flex, 2>::from_data(weights, &Default::default());
        normalization
            .apply(weights, &space)
            .into_data()
            .to_vec()
            .unwrap()
    }

    #[test]
    fn sums_of_more_than_one_are_divided_by_and_smaller_ones_left() {
        let weights = [[0.0, 0.25], [1.0, 1.0], [0.0, 2.0]];
        let by_step = [0.0, 0.25, 0.25, 0.25, 0.0, 0.5];
        assert_eq!(applied(StepNormalization::StepSum, weights), by_step);
        let by_edge = [0.0, 0.25, 0.5, 0.5, 0.0, 1.0];
        assert_eq!(applied(StepNormalization::EdgeSum, weights), by_edge);
        let plain = [0.0, 0.25, 1.0, 1.0, 0.0, 2.0];
        assert_eq!(applied(StepNormalization::None, weights), plain);
    }
}
