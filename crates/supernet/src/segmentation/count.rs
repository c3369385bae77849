use super::auxiliary::auxiliary_width;
use super::network::EncoderPlan;
use super::plain::{PLAIN_KERNEL, PlainPlan};
use super::stem::{classifier_form, strided_convolutions};
use super::{SegmentationConfig, SegmentationNetworkConfig, SegmentationSupernetConfig};
use crate::SupernetError;
use crate::architecture::CostTable;
use crate::convolution::{
    Cost, Count, LayerCount, LayerKind, NOTHING, PIXEL, Sides, free_genotype, retrained_costs,
    searched_costs, strided,
};

impl SegmentationConfig {
    /// The sides of what the stem leaves to the first cell, of images of these.
    pub(super) fn stem_sides(&self, image: Sides) -> [Sides; 2] {
        Count::default().encoder_stem(self, image)
    }
}

impl SegmentationNetworkConfig {
    /// Weights and multiply-adds of every layer for images of this height and width, from the plan alone:
    /// nothing is allocated. The auxiliary head is listed where there is one; as it is not run to predict,
    /// it has no multiply-adds. Pooling and upsampling are not counted.
    ///
    /// # Errors
    ///
    /// As [`SegmentationNetworkConfig::validate`].
    pub fn layers(&self, height: usize, width: usize) -> Result<Vec<LayerCount>, SupernetError> {
        self.validate(height, width)?;
        Ok(self.counted([height, width]))
    }

    /// Number of weights, the auxiliary head's among them, from the plan alone.
    pub(super) fn count_weights(&self) -> u64 {
        // Weights do not depend on the size of images.
        let layers = self.counted(PIXEL);
        layers.iter().map(|layer| layer.weights as u64).sum()
    }

    fn counted(&self, image: Sides) -> Vec<LayerCount> {
        let mut count = Count::default();
        let inputs = count.encoder_stem(&self.network, image);
        let (plan, features) = self.plan();
        let output = match &plan {
            EncoderPlan::Cells(genotype, cells) => count.cells(cells, genotype, inputs),
            EncoderPlan::Plain(stages) => count.plain_stages(stages, inputs[1]),
        };
        count.head(&self.network, features, output);
        if self.auxiliary {
            let channels = plan.channels(self.network.auxiliary_cell());
            count.pixel_auxiliary(channels, self.network.classes);
        }
        count.layers
    }
}

impl Count {
    fn encoder_stem(&mut self, config: &SegmentationConfig, image: Sides) -> [Sides; 2] {
        let (network, stride) = (config.cells(), config.size.stem_stride);
        if let Some(form) = classifier_form(stride) {
            return self.stem(&network, form, image);
        }
        let mut sides = image;
        for (index, channels) in strided_convolutions(&network, stride).iter().enumerate() {
            sides = strided(sides, 2);
            let kind = LayerKind::Convolution(3);
            self.convolution(format!("stem.{index}"), kind, *channels, sides);
        }
        [sides; 2]
    }

    fn plain_stages(&mut self, stages: &[PlainPlan], mut sides: Sides) -> Sides {
        for (index, stage) in stages.iter().enumerate() {
            let place = format!("stages.{index}");
            sides = strided(sides, stage.spacing.stride.factor());
            let kind = LayerKind::Depthwise(PLAIN_KERNEL);
            self.push(&place, kind, [1, stage.channels[0]], sides, 0);
            self.convolution(&place, LayerKind::Pointwise, stage.channels, sides);
        }
        sides
    }

    fn head(&mut self, config: &SegmentationConfig, features: usize, sides: Sides) {
        let (size, classes) = (&config.size, config.classes);
        let (channels, rates) = (size.pyramid.channels, size.rates());
        let (pointwise, conv) = (LayerKind::Pointwise, LayerKind::Convolution(3));
        let branch = [features, channels];
        self.convolution("pyramid.pointwise", pointwise, branch, sides);
        for rate in &rates {
            self.convolution(format!("pyramid.rate{rate}"), conv, branch, sides);
        }
        self.convolution("pyramid.pooled", pointwise, branch, PIXEL);
        let joined = (rates.len() + 2) * channels;
        self.convolution("pyramid.project", pointwise, [joined, channels], sides);
        self.convolution("head", conv, [channels; 2], sides);
        self.push("classifier", pointwise, [channels, classes], sides, classes);
    }

    fn pixel_auxiliary(&mut self, channels: usize, classes: usize) {
        let (place, width) = ("auxiliary_head", auxiliary_width(channels));
        let conv = LayerKind::Convolution(3);
        self.convolution(place, conv, [channels, width], NOTHING);
        let kind = LayerKind::Pointwise;
        self.push(place, kind, [width, classes], NOTHING, classes);
    }
}

impl SegmentationSupernetConfig {
    /// What it costs to switch an operation on, in all cells that share the table, `[tables][edges][ops]`,
    /// for images of `height` by `width`, as [`NetworkConfig::operation_costs`](crate::NetworkConfig::operation_costs).
    pub fn operation_costs(&self, [height, width]: [usize; 2], cost: Cost) -> Vec<Vec<Vec<f64>>> {
        let (plan, _) = self.network.plan([self.space.nodes; 2]);
        let [_, sides] = self.network.stem_sides([height, width]);
        searched_costs(&plan, &self.space, sides, cost)
    }

    /// What the derived networks of this size cost that are retrained, as
    /// [`SegmentationNetworkConfig::layers`] counts them: all layers are part of it.
    ///
    /// # Errors
    ///
    /// As [`SegmentationNetworkConfig::validate`].
    pub fn child_costs(
        &self,
        [height, width]: [usize; 2],
        cost: Cost,
    ) -> Result<CostTable, SupernetError> {
        let (plan, _) = self.network.plan([self.space.nodes; 2]);
        let [_, sides] = self.network.stem_sides([height, width]);
        let genotype = free_genotype(&self.space);
        let child = SegmentationNetworkConfig::of_cells(self.network.clone(), genotype);
        let layers = child.layers(height, width)?;
        Ok(CostTable {
            fixed: layers.iter().map(|layer| layer.cost(cost)).sum(),
            operations: retrained_costs(&plan, &self.space, sides, cost),
        })
    }

    /// Number of weights of the supernet.
    pub fn weights(&self) -> usize {
        let operations = self.operation_costs(PIXEL, Cost::Parameters);
        let operations: f64 = operations.into_iter().flatten().flatten().sum();
        let (plan, features) = self.network.plan([self.space.nodes; 2]);
        let preprocessing = plan
            .iter()
            .map(|cell| (cell.channels_prev_prev + cell.channels_prev) * cell.channels);
        let mut fixed = Count::default();
        fixed.encoder_stem(&self.network, PIXEL);
        fixed.head(&self.network, features, PIXEL);
        let fixed = fixed.layers.iter().map(|layer| layer.weights);
        operations as usize + preprocessing.sum::<usize>() + fixed.sum::<usize>()
    }
}
