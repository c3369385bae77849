use std::fmt;

use crate::convolution::auxiliary::AuxiliaryPlan;
use crate::convolution::cell::edge_stride;
use crate::convolution::stem::stem_convolutions;
use crate::{CellGenotype, CellPlan, DerivedConfig, Form, Operation, SearchSpace, SupernetError};

/// What kind of map a counted layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// A convolution between all channels with a kernel of this side.
    Convolution(usize),
    /// A depthwise convolution with a kernel of this side.
    Depthwise(usize),
    /// A 1x1 convolution.
    Pointwise,
    /// A linear layer.
    Linear,
}

impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convolution(side) => write!(f, "conv {side}x{side}"),
            Self::Depthwise(side) => write!(f, "depthwise {side}x{side}"),
            Self::Pointwise => f.write_str("pointwise"),
            Self::Linear => f.write_str("linear"),
        }
    }
}

impl LayerKind {
    /// Weights of a layer of this kind between so many channels, its input's and its output's; a
    /// channel of a depthwise convolution has one input. Normalisation and biases not counted.
    pub(crate) fn weights(self, [channels_in, channels_out]: [usize; 2]) -> usize {
        channels_out
            * match self {
                Self::Convolution(side) => channels_in * side * side,
                Self::Depthwise(side) => side * side,
                Self::Pointwise | Self::Linear => channels_in,
            }
    }
}

/// A convolution that an operation is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) kind: LayerKind,
    /// Of the input and the output.
    pub(crate) channels: [usize; 2],
    /// Channels of the normalisation that follows; 0 for none.
    norm: usize,
}

impl Operation {
    /// The convolutions of the operation on `channels` channels. All work at the size of its output.
    pub(crate) fn parts(self, channels: usize, stride: usize) -> Vec<Part> {
        let pointwise = Part {
            kind: LayerKind::Pointwise,
            channels: [channels; 2],
            norm: channels,
        };
        let separable = |side| {
            let depthwise = Part {
                kind: LayerKind::Depthwise(side),
                channels: [1, channels],
                norm: 0,
            };
            [depthwise, pointwise]
        };
        match self {
            Operation::None | Operation::MaxPool3x3 | Operation::AvgPool3x3 => vec![],
            // Two 1x1 convolutions of stride 2, each to half of the channels.
            Operation::SkipConnect if stride == 2 => vec![pointwise],
            Operation::SkipConnect => vec![],
            Operation::SepConv3x3 => [separable(3); 2].concat(),
            Operation::SepConv5x5 => [separable(5); 2].concat(),
            Operation::DilConv3x3 => separable(3).to_vec(),
            Operation::DilConv5x5 => separable(5).to_vec(),
        }
    }
}

/// Size and cost of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerCount {
    /// Where the layer is.
    pub place: String,
    /// What it is.
    pub kind: LayerKind,
    /// Its weights, with those of the normalisation that follows it.
    pub weights: usize,
    /// Multiplications of a weight for one image: what the papers call multiply-adds. Pools and
    /// normalisations are not counted.
    pub multiply_adds: u64,
}

impl DerivedConfig {
    /// Weights and multiply-adds of every layer for images of this height and width, from the plan
    /// alone: nothing is allocated. The auxiliary head is listed where there is one; as it is not
    /// run to predict, it has no multiply-adds.
    ///
    /// # Errors
    ///
    /// As [`DerivedConfig::validate`].
    pub fn layers(&self, height: usize, width: usize) -> Result<Vec<LayerCount>, SupernetError> {
        self.validate(height, width)?;
        let mut count = Count { layers: Vec::new() };
        let (plan, features) = self.plan();
        let [mut prev_prev, mut prev] = count.stem(self, [height, width]);
        for (index, cell) in plan.iter().enumerate() {
            let genotype = self.genotype.of(cell.reduction);
            let output = count.cell(&format!("cells.{index}"), cell, genotype, [prev_prev, prev]);
            (prev_prev, prev) = (prev, output);
        }
        let classes = self.network.classes;
        count.linear("classifier", [features, classes], true);
        if self.auxiliary {
            let channels = self.genotype.normal.nodes.len() * plan[self.auxiliary_cell()].channels;
            count.auxiliary(channels, classes, AuxiliaryPlan::of(self.form));
        }
        Ok(count.layers)
    }
}

struct Count {
    layers: Vec<LayerCount>,
}

/// Height and width.
type Sides = [usize; 2];

fn strided(sides: Sides, stride: usize) -> Sides {
    sides.map(|side| side.div_ceil(stride))
}

impl Count {
    /// A convolution followed by `norm` affine normalised channels.
    fn push(
        &mut self,
        place: impl Into<String>,
        kind: LayerKind,
        channels: [usize; 2],
        sides: Sides,
        norm: usize,
    ) {
        let weights = kind.weights(channels);
        self.layers.push(LayerCount {
            place: place.into(),
            kind,
            weights: weights + 2 * norm,
            multiply_adds: (weights * sides[0] * sides[1]) as u64,
        });
    }

    fn linear(&mut self, place: &str, [features, classes]: [usize; 2], runs: bool) {
        self.layers.push(LayerCount {
            place: place.into(),
            kind: LayerKind::Linear,
            weights: (features + 1) * classes,
            multiply_adds: if runs { (features * classes) as u64 } else { 0 },
        });
    }

    fn stem(&mut self, config: &DerivedConfig, sides: Sides) -> [Sides; 2] {
        let network = &config.network;
        let conv = LayerKind::Convolution(3);
        match config.form {
            Form::Cifar => {
                let out = network.stem_channels();
                self.push("stem", conv, [network.image_channels, out], sides, out);
                [sides; 2]
            }
            Form::Imagenet => {
                let mut after = [sides; 3];
                let mut current = sides;
                for (index, channels) in stem_convolutions(network).into_iter().enumerate() {
                    current = strided(current, 2);
                    after[index] = current;
                    self.push(
                        format!("stem.{index}"),
                        conv,
                        channels,
                        current,
                        channels[1],
                    );
                }
                [after[1], after[2]]
            }
        }
    }

    fn cell(
        &mut self,
        place: &str,
        plan: &CellPlan,
        genotype: &CellGenotype,
        [prev_prev, prev]: [Sides; 2],
    ) -> Sides {
        let channels = plan.channels;
        let first = [plan.channels_prev_prev, channels];
        // After a reduction two 1x1 convolutions of stride 2, each to half of the channels: as costly
        // as the one that is there otherwise.
        let from = if plan.reduction_prev {
            strided(prev_prev, 2)
        } else {
            prev_prev
        };
        self.push(
            format!("{place}.preprocess0"),
            LayerKind::Pointwise,
            first,
            from,
            channels,
        );
        let second = [plan.channels_prev, channels];
        self.push(
            format!("{place}.preprocess1"),
            LayerKind::Pointwise,
            second,
            prev,
            channels,
        );
        let out = if plan.reduction {
            strided(prev, 2)
        } else {
            prev
        };
        for (node, entries) in genotype.nodes.iter().enumerate() {
            for entry in entries {
                let stride = edge_stride(plan.reduction, entry.input);
                let from = if entry.input < SearchSpace::INPUTS {
                    prev
                } else {
                    out
                };
                let place = format!("{place}.node{node}.{}@{}", entry.op, entry.input);
                for part in entry.op.parts(channels, stride) {
                    let sides = strided(from, stride);
                    self.push(&place, part.kind, part.channels, sides, part.norm);
                }
            }
        }
        out
    }

    fn auxiliary(&mut self, channels: usize, classes: usize, plan: AuxiliaryPlan) {
        let (narrow, wide) = (AuxiliaryPlan::NARROW, AuxiliaryPlan::WIDE);
        let norm = if plan.wide_norm { wide } else { 0 };
        let conv = LayerKind::Convolution(AuxiliaryPlan::KERNEL);
        let place = "auxiliary_head";
        self.push(
            place,
            LayerKind::Pointwise,
            [channels, narrow],
            [0, 0],
            narrow,
        );
        self.push(place, conv, [narrow, wide], [0, 0], norm);
        self.linear(place, [wide, classes], false);
    }
}
