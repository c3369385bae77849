use serde::{Deserialize, Serialize};

use super::layer::OperationLayer;
use super::{
    CellGenotype, CellPlan, DerivedConfig, Genotype, GenotypeOp, NetworkConfig, Operation,
    SearchSpace, Stride,
};
use crate::SupernetError;
use crate::architecture::{CostTable, OperationSet};

/// What an operation costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// Multiplications of a weight for one image, as the papers count multiply-adds: pools,
    /// normalisation and sums are free.
    #[default]
    MultiplyAdds,
    /// Weights of convolutions; in the supernet no other part of an operation has any.
    Parameters,
}

impl Cost {
    /// What is counted, as a plural noun.
    pub fn name(self) -> &'static str {
        match self {
            Self::MultiplyAdds => "multiply-adds",
            Self::Parameters => "parameters",
        }
    }
}

impl Operation {
    /// What the operation's convolutions cost on `channels` channels of an image of these sides.
    pub(crate) fn cost(
        self,
        channels: usize,
        stride: Stride,
        image: [usize; 2],
        cost: Cost,
    ) -> usize {
        let layers = self.layers(channels, stride).into_iter();
        let of_layer = |layer: OperationLayer| match cost {
            Cost::Parameters => layer.weights(),
            Cost::MultiplyAdds => {
                let [height, width] = layer.sides(image, stride);
                layer.weights() * height * width
            }
        };
        layers.map(of_layer).sum()
    }

    /// Weights of the normalisations that the operation is retrained with.
    pub(crate) fn affine_weights(self, channels: usize, stride: Stride) -> usize {
        let layers = self.layers(channels, stride).into_iter();
        layers.map(|layer| 2 * layer.normalized).sum()
    }
}

impl NetworkConfig {
    /// What it costs to switch an operation on, in all cells that share the table,
    /// `[tables][edges][ops]`, for images of `height` by `width`. Stem, preprocessing and
    /// classifier are the same for every architecture and not part of it.
    ///
    /// The multiply-adds of a convolution are its weights times the pixels of its output.
    pub fn operation_costs(
        &self,
        space: &SearchSpace,
        [height, width]: [usize; 2],
        cost: Cost,
    ) -> Vec<Vec<Vec<f64>>> {
        let (plan, _) = self.plan(space.nodes);
        searched_costs(&plan, space, [height, width], cost)
    }

    /// What the derived networks of this size cost that are retrained, for images of `height` by `width`, as
    /// [`DerivedConfig::layers`] counts them in the CIFAR form: normalisation is affine, and all layers are
    /// part of it.
    ///
    /// # Errors
    ///
    /// As [`DerivedConfig::validate`].
    pub fn child_costs(
        &self,
        space: &SearchSpace,
        [height, width]: [usize; 2],
        cost: Cost,
    ) -> Result<CostTable, SupernetError> {
        let (plan, _) = self.plan(space.nodes);
        let operations = retrained_costs(&plan, space, [height, width], cost);
        let derived = DerivedConfig::new(self.clone(), free_genotype(space));
        let layers = derived.layers(height, width)?;
        let fixed = layers.iter().map(|layer| layer.cost(cost)).sum();
        Ok(CostTable { fixed, operations })
    }
}

/// What it costs to switch an operation on, in all of these cells that share a table,
/// `[tables][edges][ops]`; the first cell's input has these sides.
pub(crate) fn searched_costs(
    plan: &[CellPlan],
    space: &SearchSpace,
    sides: [usize; 2],
    cost: Cost,
) -> Vec<Vec<Vec<f64>>> {
    sum_operations(plan, space, sides, |op, channels, stride, image| {
        op.cost(channels, stride, image, cost)
    })
}

/// As [`searched_costs`], of operations that are retrained: their normalisation is affine.
pub(crate) fn retrained_costs(
    plan: &[CellPlan],
    space: &SearchSpace,
    sides: [usize; 2],
    cost: Cost,
) -> Vec<Vec<Vec<f64>>> {
    sum_operations(plan, space, sides, |op, channels, stride, image| {
        let convolutions = op.cost(channels, stride, image, cost);
        match cost {
            Cost::MultiplyAdds => convolutions,
            Cost::Parameters => convolutions + op.affine_weights(channels, stride),
        }
    })
}

/// Cells of this space whose operations cost nothing: a network of them has the layers that any
/// architecture has.
pub(crate) fn free_genotype(space: &SearchSpace) -> Genotype {
    let node = vec![GenotypeOp::new(Operation::AvgPool3x3, 0)];
    let cell = CellGenotype::new(vec![node; space.nodes]);
    Genotype {
        cells: vec![cell; Operation::CELLS.len()],
    }
}

/// The sum over all cells that share a table of what `count(operation, channels, stride, sides of its
/// input)` gives, `[tables][edges][ops]`.
fn sum_operations(
    plan: &[CellPlan],
    space: &SearchSpace,
    mut sides: [usize; 2],
    count: impl Fn(Operation, usize, Stride, [usize; 2]) -> usize,
) -> Vec<Vec<Vec<f64>>> {
    let zeros = vec![vec![0.0; space.ops()]; space.edges()];
    let mut tables = vec![zeros; Operation::CELLS.len()];
    for cell in plan {
        let before = sides;
        sides = sides.map(|side| side.div_ceil(cell.spacing.stride.factor()));
        let inputs = (0..space.nodes).flat_map(|node| 0..space.incoming(node));
        for (row, input) in tables[cell.kind.index()].iter_mut().zip(inputs) {
            let stride = cell.edge_spacing(input).stride;
            let image = if input < Operation::INPUTS {
                before
            } else {
                sides
            };
            for (entry, &op) in row.iter_mut().zip(&space.operations) {
                *entry += count(op, cell.channels, stride, image) as f64;
            }
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Supernet, SupernetConfig, WeightInit, count_weights};
    use burn_flex::Flex;

    fn network() -> NetworkConfig {
        NetworkConfig {
            image_channels: 1,
            classes: 3,
            channels: 4,
            cells: 4,
        }
    }

    fn weights(operations: &[Operation]) -> usize {
        let space = SearchSpace {
            nodes: 2,
            operations: operations.to_vec(),
        };
        let network = network();
        let config = SupernetConfig { network, space };
        let mut init = WeightInit::new(0);
        let net: Supernet<Flex> = config.init(&mut init, &Default::default()).unwrap();
        count_weights(&net)
    }

    #[test]
    fn the_parameters_are_those_of_the_modules() {
        let pools = [Operation::MaxPool3x3, Operation::AvgPool3x3];
        let bare = weights(&pools);
        let space = SearchSpace {
            nodes: 2,
            operations: Operation::ALL.to_vec(),
        };
        let costs = network().operation_costs(&space, [9, 9], Cost::Parameters);
        for (index, &op) in space.operations.iter().enumerate() {
            let total: f64 = costs.iter().flatten().map(|row| row[index]).sum();
            let expected = match op {
                Operation::None => 0,
                op if Operation::POOLS.contains(&op) => 0,
                op => weights(&[pools[0], pools[1], op]) - bare,
            };
            assert_eq!(total, expected as f64, "{op}");
        }
    }

    #[test]
    fn children_cost_what_their_layers_do() {
        let space = SearchSpace {
            nodes: 2,
            ..Default::default()
        };
        for text in [
            "normal: sep_conv_5x5@0 dil_conv_3x3@1 | skip_connect@2 max_pool_3x3@0\n\
             reduce: skip_connect@0 sep_conv_3x3@1 | dil_conv_5x5@2",
            "normal: skip_connect@0 | avg_pool_3x3@1\nreduce: skip_connect@0 | skip_connect@2",
        ] {
            let genotype: Genotype = text.parse().unwrap();
            let derived = DerivedConfig::new(network(), genotype.clone());
            let layers = derived.layers(9, 11).unwrap();
            let of = |cost| {
                let costs = network().child_costs(&space, [9, 11], cost).unwrap();
                costs.of(&genotype, &space)
            };
            let weights: usize = layers.iter().map(|layer| layer.weights).sum();
            assert_eq!(of(Cost::Parameters), weights as f64);
            let multiply_adds: u64 = layers.iter().map(|layer| layer.multiply_adds).sum();
            assert_eq!(of(Cost::MultiplyAdds), multiply_adds as f64);
        }
    }

    #[test]
    fn multiply_adds_count_the_pixels_of_each_cell() {
        let space = SearchSpace {
            nodes: 1,
            operations: vec![Operation::SkipConnect, Operation::DilConv3x3],
        };
        let costs = network().operation_costs(&space, [9, 7], Cost::MultiplyAdds);
        // Four cells: normal 9x7 with 4 channels, reducing to 5x4 with 8 and to 3x2 with 16, and
        // normal again. A dilated convolution has 9 c + c^2 weights, a reducing skip c^2.
        let dilated = |channels: f64| 9.0 * channels + channels * channels;
        let expected = 63.0 * dilated(4.0) + 6.0 * dilated(16.0);
        assert_eq!(costs[0], vec![vec![0.0, expected]; 2]);
        let skip = 20.0 * 64.0 + 6.0 * 256.0;
        let expected = 20.0 * dilated(8.0) + 6.0 * dilated(16.0);
        assert_eq!(costs[1], vec![vec![skip, expected]; 2]);
    }

    #[test]
    fn the_first_of_two_strips_works_on_all_rows() {
        let space = SearchSpace {
            nodes: 1,
            operations: vec![Operation::SkipConnect, Operation::Conv7x1And1x7],
        };
        let costs = network().operation_costs(&space, [9, 7], Cost::MultiplyAdds);
        let strip = |channels: f64| 7.0 * channels * channels;
        // The reducing cells make 5x4 of 9x7 and 3x2 of 5x4, along the width first.
        let expected = (36.0 + 20.0) * strip(8.0) + (10.0 + 6.0) * strip(16.0);
        assert_eq!(costs[1][0][1], expected);
    }
}
