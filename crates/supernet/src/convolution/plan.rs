use serde::{Deserialize, Serialize};

use super::spacing::{Spacing, Stride};
use super::{CellKind, Operation};
use crate::SupernetError;
use crate::architecture::OperationSet;
use crate::layers::StateDict;

/// The outer shape of a network of cells, the same for a supernet and a derived network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// Channels of the images, 1 or 3.
    pub image_channels: usize,
    /// Number of classes.
    pub classes: usize,
    /// Channels of the first cells; doubled at each reduction.
    pub channels: usize,
    /// Number of cells; those at one and two thirds of the depth reduce.
    pub cells: usize,
}

/// One cell's place in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellPlan {
    /// Channels of the output of the cell before the previous one.
    pub channels_prev_prev: usize,
    /// Channels of the output of the previous cell.
    pub channels_prev: usize,
    /// Channels of every node.
    pub channels: usize,
    /// Which table and genotype the cell shares.
    pub kind: CellKind,
    /// Of the operations on the cell's inputs.
    pub spacing: Spacing,
    /// Of the previous cell, which the first input must be brought down by.
    pub prev_spacing: Spacing,
}

impl CellPlan {
    /// Of the operations on input `input` of a node.
    pub fn edge_spacing(&self, input: usize) -> Spacing {
        if input < Operation::INPUTS {
            self.spacing
        } else {
            self.spacing.next()
        }
    }
}

impl NetworkConfig {
    /// The stem has this many times the channels of the first cells (DARTS).
    pub const STEM_MULTIPLIER: usize = 3;
    /// Smallest height and width of an image: two reductions must leave something to look at.
    pub const MIN_SIZE: usize = 8;
    /// Largest height and width of an image.
    pub const MAX_SIZE: usize = 4096;
    /// Most channels of the first cells.
    pub const MAX_CHANNELS: usize = 1024;
    /// Most weights of a network, searched or derived: 40 GB of them. With [`MAX_SIZE`](Self::MAX_SIZE),
    /// every count of multiply-adds fits 64 bits.
    pub const MAX_WEIGHTS: u64 = 10_000_000_000;
    /// Most classes: a label has 16 bits.
    pub const MAX_CLASSES: usize = 65_535;

    /// Checks that the network can be built.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] naming the field.
    pub fn validate(&self) -> Result<(), SupernetError> {
        if ![1, 3].contains(&self.image_channels) {
            let field = "network.image_channels";
            return Err(SupernetError::config(field, self.image_channels, "1 or 3"));
        }
        for (field, found, [least, most]) in [
            ("network.classes", self.classes, [2, Self::MAX_CLASSES]),
            ("network.channels", self.channels, [2, Self::MAX_CHANNELS]),
            ("network.cells", self.cells, [1, 100]),
        ] {
            if !(least..=most).contains(&found) {
                let valid = format!("{least} to {most}");
                return Err(SupernetError::config(field, found, valid));
            }
        }
        Ok(())
    }

    /// Checks the number of weights of a network.
    pub(crate) fn validate_weights(weights: u64) -> Result<(), SupernetError> {
        let most = Self::MAX_WEIGHTS;
        if weights > most {
            return Err(SupernetError::config(
                "network",
                format!("one of {weights} weights"),
                format!("at most {most} weights: fewer channels, cells or operations"),
            ));
        }
        Ok(())
    }

    /// Checks that `state` can hold so many weights; a small network passes whatever the state.
    pub(crate) fn validate_state(weights: u64, state: &StateDict) -> Result<(), SupernetError> {
        const SMALL: u64 = 1 << 24;
        let numbers: u64 = state.values().map(|t| t.values.len() as u64).sum();
        if weights > numbers.max(SMALL) {
            return Err(SupernetError::config(
                "network",
                format!("one of {weights} weights, and the file holds {numbers} numbers"),
                "the channels, cells, classes and genotype that the weights were trained with",
            ));
        }
        Ok(())
    }

    /// Checks the size of the images.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when a side is shorter than [`NetworkConfig::MIN_SIZE`] or longer
    /// than [`NetworkConfig::MAX_SIZE`].
    pub fn validate_image(&self, height: usize, width: usize) -> Result<(), SupernetError> {
        let (least, most) = (Self::MIN_SIZE, Self::MAX_SIZE);
        if height.min(width) < least || height.max(width) > most {
            return Err(SupernetError::config(
                "image size",
                format!("{height}x{width}"),
                format!("{least}x{least} or larger, up to {most}x{most}"),
            ));
        }
        Ok(())
    }

    /// Channels after the stem.
    pub fn stem_channels(&self) -> usize {
        Self::STEM_MULTIPLIER * self.channels
    }

    /// The cells in order, and the channels of the last one's output, for cells that concatenate
    /// `nodes` nodes.
    pub fn plan(&self, nodes: usize) -> (Vec<CellPlan>, usize) {
        self.plan_after(self.stem_channels(), Stride::One, [nodes; 2])
    }

    /// As [`plan`](Self::plan), for any stem: both its outputs have `stem_channels` channels, and
    /// where the image shrinks by `stem_stride` between them, the first cell must bring the earlier
    /// one down. A cell of a kind concatenates as many nodes as `outputs` has for it, in the order of
    /// [`CellKind::index`].
    pub(crate) fn plan_after(
        &self,
        stem_channels: usize,
        stem_stride: Stride,
        outputs: [usize; 2],
    ) -> (Vec<CellPlan>, usize) {
        let reductions = [self.cells / 3, 2 * self.cells / 3];
        let (mut prev_prev, mut prev) = (stem_channels, stem_channels);
        let (mut channels, mut prev_spacing) = (self.channels, Spacing::from(stem_stride));
        let plan = (0..self.cells)
            .map(|index| {
                let (kind, stride) = if reductions.contains(&index) {
                    channels *= 2;
                    (CellKind::Reduce, Stride::Two)
                } else {
                    (CellKind::Normal, Stride::One)
                };
                let spacing = Spacing::from(stride);
                let cell = CellPlan {
                    channels_prev_prev: prev_prev,
                    channels_prev: prev,
                    channels,
                    kind,
                    spacing,
                    prev_spacing,
                };
                (prev_prev, prev) = (prev, outputs[kind.index()] * channels);
                prev_spacing = spacing;
                cell
            })
            .collect();
        (plan, prev)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(cells: usize) -> NetworkConfig {
        NetworkConfig {
            image_channels: 3,
            classes: 10,
            channels: 16,
            cells,
        }
    }

    #[test]
    fn reductions_sit_at_one_and_two_thirds() {
        let reducing = |cells| {
            let (plan, _) = config(cells).plan(4);
            (0..cells)
                .filter(|&i| plan[i].kind == CellKind::Reduce)
                .collect::<Vec<_>>()
        };
        assert_eq!(reducing(8), [2, 5]);
        assert_eq!(reducing(20), [6, 13]);
        assert_eq!(reducing(1), [0]);
    }

    #[test]
    fn channels_follow_the_cells() {
        let (plan, out) = config(3).plan(4);
        assert_eq!(plan[0].channels_prev, 48);
        assert_eq!(
            (plan[1].channels_prev_prev, plan[1].channels_prev),
            (48, 64)
        );
        assert_eq!((plan[1].channels, plan[2].channels, out), (32, 64, 256));
        let strides = |cell: &CellPlan| [cell.spacing.stride, cell.prev_spacing.stride];
        assert_eq!(strides(&plan[1]), [Stride::Two, Stride::One]);
        assert_eq!(strides(&plan[2]), [Stride::Two, Stride::Two]);
        let edges = [1, 2].map(|input| plan[2].edge_spacing(input).stride);
        assert_eq!(edges, [Stride::Two, Stride::One]);
    }

    #[test]
    fn each_impossible_field_is_named() {
        let base = config(3);
        let cases = [
            (
                "image_channels",
                NetworkConfig {
                    image_channels: 2,
                    ..base.clone()
                },
            ),
            (
                "classes",
                NetworkConfig {
                    classes: 1,
                    ..base.clone()
                },
            ),
            (
                "channels",
                NetworkConfig {
                    channels: 0,
                    ..base.clone()
                },
            ),
            (
                "cells",
                NetworkConfig {
                    cells: 0,
                    ..base.clone()
                },
            ),
        ];
        for (field, config) in cases {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
        assert!(base.validate_image(7, 32).is_err());
        base.validate_image(8, 9).unwrap();
    }
}
