use serde::{Deserialize, Serialize};

use super::layer::OperationLayer;
use super::{NetworkConfig, Operation, SearchSpace};
use crate::architecture::OperationSet;

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

impl Operation {
    /// What the operation's convolutions cost on `channels` channels of an image of these sides.
    fn cost(self, channels: usize, stride: usize, image: [usize; 2], cost: Cost) -> usize {
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
        let zeros = vec![vec![0.0; space.ops()]; space.edges()];
        let mut tables = vec![zeros; Operation::CELLS.len()];
        let mut sides = [height, width];
        for cell in self.plan(space.nodes).0 {
            let before = sides;
            sides = sides.map(|side| side.div_ceil(cell.stride));
            let inputs = (0..space.nodes).flat_map(|node| 0..space.incoming(node));
            for (row, input) in tables[cell.kind.index()].iter_mut().zip(inputs) {
                let stride = cell.edge_stride(input);
                let image = if input < Operation::INPUTS {
                    before
                } else {
                    sides
                };
                for (entry, op) in row.iter_mut().zip(&space.operations) {
                    *entry += op.cost(cell.channels, stride, image, cost) as f64;
                }
            }
        }
        tables
    }
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
