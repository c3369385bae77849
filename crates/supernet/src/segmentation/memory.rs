//! What a step of a segmentation network needs of memory, from the plan alone: what a classifier's does,
//! and the maps of the head and the logits of every pixel. Peaks of the CPU's backend in searches are met
//! within a tenth.

use super::network::EncoderPlan;
use super::plain::PlainPlan;
use super::stem::{classifier_form, strided_convolutions};
use super::{SegmentationConfig, SegmentationNetworkConfig, SegmentationSupernetConfig};
use crate::SupernetError;
use crate::architecture::Trained;
use crate::convolution::memory::{
    FULL, Half, Pass, derived_cell_bytes, placed, probabilities_on, weight_gradient_bytes,
};
use crate::convolution::{
    FitStep, Form, OperationForm, SearchStep, Sides, stem_convolutions, strided,
};

impl SegmentationSupernetConfig {
    /// Bytes that an alternating step needs at its peak, for images of this height and width, where all
    /// operations of a row are equally probable, as at the start of a search. What the process holds
    /// besides, such as the data, is not part of it. The graph is kept whole.
    pub fn step_bytes(&self, image: [usize; 2], step: &SearchStep<'_>) -> u64 {
        let on = probabilities_on(&self.space, step);
        let half = |trained| Half {
            pass: Pass {
                batch: step.batch,
                value: step.value_bytes as f64,
                form: OperationForm::Searched,
            },
            space: &self.space,
            execution: step.execution,
            trained,
            on: &on,
        };
        let weights = self.half_bytes(image, half(Trained::Weights));
        let logits = match step.learns {
            true => self.half_bytes(image, half(Trained::Logits)),
            false => 0.0,
        };
        (weights.max(logits) + self.weights() as f64 * FULL * step.copies as f64) as u64
    }

    fn half_bytes(&self, image: Sides, half: Half<'_>) -> f64 {
        let by_weights = half.trained == Trained::Weights;
        let (plan, features) = self.network.plan([self.space.nodes; 2]);
        let cells = placed(&plan, self.network.stem_sides(image));
        let of_cells = cells.iter().enumerate().map(|(index, cell)| {
            let tracked = [1, 0].map(|before| by_weights || index > before);
            half.cell(cell, tracked)
        });
        let mut bytes: f64 = of_cells.sum();
        if by_weights {
            bytes += self.network.stem_bytes(half.pass, image);
            bytes += weight_gradient_bytes(half.pass, &cells);
        }
        let output = cells.last().map_or(image, |cell| cell.output);
        bytes + self.network.head_bytes(half.pass, features, output, image)
    }
}

impl SegmentationNetworkConfig {
    /// Bytes that a training step needs at its peak, for images of this height and width. What the process
    /// holds besides, such as the data, is not part of it.
    ///
    /// # Errors
    ///
    /// As [`SegmentationNetworkConfig::validate`].
    pub fn step_bytes(&self, image: [usize; 2], step: &FitStep) -> Result<u64, SupernetError> {
        self.validate(image[0], image[1])?;
        let pass = Pass {
            batch: step.batch,
            value: step.value_bytes as f64,
            form: OperationForm::Retrained,
        };
        let network = &self.network;
        let inputs = network.stem_sides(image);
        let (plan, features) = self.plan();
        let mut bytes = network.stem_bytes(pass, image);
        let mut outputs = Vec::new();
        match &plan {
            EncoderPlan::Cells(genotype, plan) => {
                let cells = placed(plan, inputs);
                bytes += weight_gradient_bytes(pass, &cells);
                for cell in &cells {
                    bytes += derived_cell_bytes(pass, cell, genotype.cell(cell.plan.kind));
                    outputs.push(cell.output);
                }
            }
            EncoderPlan::Plain(stages) => {
                let mut sides = inputs[1];
                for stage in stages {
                    let output = strided(sides, stage.spacing.stride.factor());
                    bytes += stage_bytes(pass, stage, [sides, output]);
                    sides = output;
                    outputs.push(output);
                }
            }
        }
        let output = outputs.last().copied().unwrap_or(image);
        bytes += network.head_bytes(pass, features, output, image);
        if let Some(&sides) = outputs
            .get(network.auxiliary_cell())
            .filter(|_| self.auxiliary)
        {
            let width = super::auxiliary::auxiliary_width(plan.channels(network.auxiliary_cell()));
            bytes += pass.numbers(width, sides) * 3.0 * FULL + network.logit_bytes(pass, image);
        }
        Ok((bytes + self.count_weights() as f64 * step.copies as f64 * FULL) as u64)
    }
}

/// What a stage of the plain encoder keeps: what it reads, between its convolutions where it is not one
/// operation, and the normalised map.
fn stage_bytes(pass: Pass, stage: &PlainPlan, [input, output]: [Sides; 2]) -> f64 {
    let [channels_in, channels_out] = stage.channels;
    let mut read = pass.numbers(channels_in, input);
    if pass.value != FULL {
        read += pass.numbers(channels_in, output);
    }
    read * pass.value + pass.numbers(channels_out, output) * FULL
}

impl SegmentationConfig {
    /// What the first layers keep.
    fn stem_bytes(&self, pass: Pass, image: Sides) -> f64 {
        let network = self.cells();
        let stride = self.size.stem_stride;
        if classifier_form(stride) == Some(Form::Cifar) {
            return pass.numbers(network.stem_channels(), image) * FULL;
        }
        let convolutions = match classifier_form(stride) {
            Some(_) => stem_convolutions(&network).to_vec(),
            None => strided_convolutions(&network, stride),
        };
        let mut sides = image;
        let of = |[_, channels]: [usize; 2]| {
            sides = strided(sides, 2);
            pass.numbers(channels, sides) * (FULL + 2.0 * pass.value)
        };
        convolutions.into_iter().map(of).sum()
    }

    /// What the head keeps on features of these sides, logits included.
    fn head_bytes(&self, pass: Pass, features: usize, sides: Sides, image: Sides) -> f64 {
        let pyramid = &self.size.pyramid;
        // Maps of the pyramid's width that are normalised, scaled and rectified: all branches but the
        // pooled one, the projection and the last convolution.
        let maps = (self.size.rates().len() + 3) as f64 * (2.0 * FULL + pass.value);
        let joined = (self.size.rates().len() + 2) as f64 * pass.value;
        let dropped = 2.0 * FULL;
        pass.numbers(features, sides) * pass.value
            + pass.numbers(pyramid.channels, sides) * (maps + joined + dropped)
            + pass.numbers(self.classes, sides) * 2.0 * FULL
            + self.logit_bytes(pass, image)
    }

    /// What the logits of every pixel, their loss and its gradient take.
    fn logit_bytes(&self, pass: Pass, image: Sides) -> f64 {
        pass.numbers(self.classes, image) * 4.0 * FULL
    }
}
