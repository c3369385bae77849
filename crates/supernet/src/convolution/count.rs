use super::auxiliary::AuxiliaryPlan;
use super::stem::stem_convolutions;
use super::{
    CellGenotype, CellPlan, Cost, DerivedConfig, Form, Genotype, LayerKind, NetworkConfig,
    Operation,
};
use crate::SupernetError;
use crate::architecture::OperationSet;

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

impl LayerCount {
    /// What the layer costs.
    pub fn cost(&self, cost: Cost) -> f64 {
        match cost {
            Cost::MultiplyAdds => self.multiply_adds as f64,
            Cost::Parameters => self.weights as f64,
        }
    }
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
        Ok(self.counted([height, width]))
    }

    /// Number of weights, the auxiliary head's among them, from the plan alone. The network must have
    /// bounds of its own and a valid genotype.
    pub(crate) fn count_weights(&self) -> u64 {
        // Weights do not depend on the size of images.
        let layers = self.counted(PIXEL);
        layers.iter().map(|layer| layer.weights as u64).sum()
    }

    fn counted(&self, sides: Sides) -> Vec<LayerCount> {
        let mut count = Count::default();
        let (plan, features) = self.plan();
        let inputs = count.stem(&self.network, self.form, sides);
        count.cells(&plan, &self.genotype, inputs);
        let classes = self.network.classes;
        let kind = LayerKind::Linear;
        count.push("classifier", kind, [features, classes], PIXEL, classes);
        if self.auxiliary {
            let channels = self.auxiliary_channels(&plan);
            count.auxiliary(channels, classes, AuxiliaryPlan::of(self.form));
        }
        count.layers
    }
}

/// Lists layers.
#[derive(Default)]
pub(crate) struct Count {
    pub(crate) layers: Vec<LayerCount>,
}

/// Height and width of a layer's output.
pub(crate) type Sides = [usize; 2];

/// Of a linear layer.
pub(crate) const PIXEL: Sides = [1, 1];

/// Of a layer that does not run to predict.
pub(crate) const NOTHING: Sides = [0, 0];

/// Weights of an affine normalisation.
fn affine(channels: usize) -> usize {
    2 * channels
}

pub(crate) fn strided(sides: Sides, stride: usize) -> Sides {
    sides.map(|side| side.div_ceil(stride))
}

impl Count {
    /// A layer with so many weights beside those of its map, whose output has these sides.
    pub(crate) fn push(
        &mut self,
        place: impl Into<String>,
        kind: LayerKind,
        channels: [usize; 2],
        sides: Sides,
        further: usize,
    ) {
        let weights = kind.weights(channels);
        self.layers.push(LayerCount {
            place: place.into(),
            kind,
            weights: weights + further,
            multiply_adds: (weights * sides[0] * sides[1]) as u64,
        });
    }

    /// A convolution, followed by affine normalisation.
    pub(crate) fn convolution(
        &mut self,
        place: impl Into<String>,
        kind: LayerKind,
        channels: [usize; 2],
        sides: Sides,
    ) {
        self.push(place, kind, channels, sides, affine(channels[1]));
    }

    /// The layers before the cells of a network of this form, and the sides of what they leave to the
    /// first cell.
    pub(crate) fn stem(&mut self, network: &NetworkConfig, form: Form, sides: Sides) -> [Sides; 2] {
        let conv = LayerKind::Convolution(3);
        match form {
            Form::Cifar => {
                let out = network.stem_channels();
                self.convolution("stem", conv, [network.image_channels, out], sides);
                [sides; 2]
            }
            Form::Imagenet => {
                let mut after = [sides; 3];
                let mut current = sides;
                for (index, channels) in stem_convolutions(network).into_iter().enumerate() {
                    current = strided(current, 2);
                    after[index] = current;
                    self.convolution(format!("stem.{index}"), conv, channels, current);
                }
                [after[1], after[2]]
            }
        }
    }

    /// All cells, the first with inputs of these sides; those of the last one's output.
    pub(crate) fn cells(
        &mut self,
        plan: &[CellPlan],
        genotype: &Genotype,
        [mut prev_prev, mut prev]: [Sides; 2],
    ) -> Sides {
        for (index, cell) in plan.iter().enumerate() {
            let place = format!("cells.{index}");
            let output = self.cell(&place, cell, genotype.cell(cell.kind), [prev_prev, prev]);
            (prev_prev, prev) = (prev, output);
        }
        prev
    }

    fn cell(
        &mut self,
        place: &str,
        plan: &CellPlan,
        genotype: &CellGenotype,
        [prev_prev, prev]: [Sides; 2],
    ) -> Sides {
        let channels = plan.channels;
        let pointwise = LayerKind::Pointwise;
        let first = [plan.channels_prev_prev, channels];
        // Where the image shrank, two 1x1 convolutions of stride 2, each to half of the channels: as
        // costly as the one that is there otherwise.
        let from = strided(prev_prev, plan.prev_spacing.stride.factor());
        self.convolution(format!("{place}.preprocess0"), pointwise, first, from);
        let second = [plan.channels_prev, channels];
        self.convolution(format!("{place}.preprocess1"), pointwise, second, prev);
        let out = strided(prev, plan.spacing.stride.factor());
        for (node, entries) in genotype.nodes.iter().enumerate() {
            for entry in entries {
                let stride = plan.edge_spacing(entry.input).stride;
                let from = if entry.input < Operation::INPUTS {
                    prev
                } else {
                    out
                };
                let place = format!("{place}.node{node}.{}@{}", entry.op, entry.input);
                for layer in entry.op.layers(channels, stride) {
                    let (norm, sides) = (affine(layer.normalized), layer.sides(from, stride));
                    self.push(&place, layer.kind, layer.channels, sides, norm);
                }
            }
        }
        out
    }

    fn auxiliary(&mut self, channels: usize, classes: usize, plan: AuxiliaryPlan) {
        let (narrow, wide) = (AuxiliaryPlan::NARROW, AuxiliaryPlan::WIDE);
        let norm = if plan.wide_norm { affine(wide) } else { 0 };
        let conv = LayerKind::Convolution(AuxiliaryPlan::KERNEL);
        let place = "auxiliary_head";
        self.convolution(place, LayerKind::Pointwise, [channels, narrow], NOTHING);
        self.push(place, conv, [narrow, wide], NOTHING, norm);
        self.push(place, LayerKind::Linear, [wide, classes], NOTHING, classes);
    }
}
