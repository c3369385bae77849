use serde::{Deserialize, Serialize};

use crate::SupernetError;
use crate::convolution::{CellPlan, NetworkConfig, Stride};

/// The atrous spatial pyramid (Chen et al. 2017, "Rethinking Atrous Convolution for Semantic Image
/// Segmentation").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PyramidConfig {
    /// Channels of each branch and of what they are projected to.
    pub channels: usize,
    /// Dilations of the 3x3 convolutions, a branch each; by default 6, 12 and 18 at output stride 16,
    /// and as many pixels of the image at any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rates: Option<Vec<usize>>,
    /// Share of what the projection gives that is dropped while a derived network is trained.
    pub dropout: f64,
}

impl Default for PyramidConfig {
    fn default() -> Self {
        Self {
            channels: 256,
            rates: None,
            dropout: 0.5,
        }
    }
}

impl PyramidConfig {
    const MAX_CHANNELS: usize = 4096;
    const MAX_BRANCHES: usize = 8;
    const MAX_RATE: usize = 1024;

    fn validate(&self) -> Result<(), SupernetError> {
        if !(1..=Self::MAX_CHANNELS).contains(&self.channels) {
            let valid = format!("1 to {}", Self::MAX_CHANNELS);
            let field = "network.pyramid.channels";
            return Err(SupernetError::config(field, self.channels, valid));
        }
        let rates = self.rates.as_deref().unwrap_or(&[1]);
        let number = (1..=Self::MAX_BRANCHES).contains(&rates.len());
        if !number
            || rates
                .iter()
                .any(|rate| !(1..=Self::MAX_RATE).contains(rate))
        {
            let (branches, rate) = (Self::MAX_BRANCHES, Self::MAX_RATE);
            let valid = format!("1 to {branches} numbers of 1 to {rate}, such as [6, 12, 18]");
            let field = "network.pyramid.rates";
            return Err(SupernetError::config(field, format!("{rates:?}"), valid));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            let field = "network.pyramid.dropout";
            let valid = "0 or more, and less than 1";
            return Err(SupernetError::config(field, self.dropout, valid));
        }
        Ok(())
    }
}

/// Size of a segmentation network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentationSize {
    /// Channels of the first cells; doubled at each reduction.
    pub channels: usize,
    /// Number of cells; those at one and two thirds of the depth reduce.
    pub cells: usize,
    /// By how much the image is smaller before the first cell. 1 and 8 are the first layers of a
    /// classifier of the CIFAR and the ImageNet form, 2 and 4 one and two convolutions of stride 2.
    pub stem_stride: usize,
    /// By how much it is smaller after the last cell; 1, 2 or 4 times the stem's.
    pub output_stride: usize,
    /// The pyramid.
    #[serde(default)]
    pub pyramid: PyramidConfig,
}

impl SegmentationSize {
    const STEM_STRIDES: [usize; 4] = [1, 2, 4, 8];

    /// Checks strides and pyramid.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] naming the field.
    pub fn validate(&self) -> Result<(), SupernetError> {
        let stem = self.stem_stride;
        if !Self::STEM_STRIDES.contains(&stem) {
            let field = "network.stem_stride";
            return Err(SupernetError::config(field, stem, "1, 2, 4 or 8"));
        }
        // A single cell is both reductions.
        let reductions = self.cells.min(2);
        let strides: Vec<usize> = (0..=reductions).map(|halved| stem << halved).collect();
        if !strides.contains(&self.output_stride) {
            let strides: Vec<String> = strides.iter().map(usize::to_string).collect();
            return Err(SupernetError::config(
                "network.output_stride",
                self.output_stride,
                format!("{} after a stem of stride {stem}", strides.join(", ")),
            ));
        }
        self.pyramid.validate()
    }

    /// Dilations of the pyramid's branches.
    pub fn rates(&self) -> Vec<usize> {
        const AT_16: [usize; 3] = [6, 12, 18];
        match &self.pyramid.rates {
            Some(rates) => rates.clone(),
            None => AT_16.map(|rate| rate * 16 / self.output_stride).to_vec(),
        }
    }
}

/// The outer shape of a segmentation network, the same for a supernet and a derived network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentationConfig {
    /// Channels of the images, 1 or 3.
    pub image_channels: usize,
    /// Number of classes, background included.
    pub classes: usize,
    /// Its size.
    pub size: SegmentationSize,
}

impl SegmentationConfig {
    /// Checks that the network can be built.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] naming the field.
    pub fn validate(&self) -> Result<(), SupernetError> {
        self.cells().validate()?;
        self.size.validate()
    }

    /// Checks the size of the images.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] as [`NetworkConfig::validate_image`].
    pub fn validate_image(&self, height: usize, width: usize) -> Result<(), SupernetError> {
        self.cells().validate_image(height, width)
    }

    /// The network of a classifier with the same cells.
    pub(crate) fn cells(&self) -> NetworkConfig {
        NetworkConfig {
            image_channels: self.image_channels,
            classes: self.classes,
            channels: self.size.channels,
            cells: self.size.cells,
        }
    }

    /// The cells in order, and the channels of the last one's output; `outputs` as in
    /// [`NetworkConfig::plan_after`].
    pub(crate) fn plan(&self, outputs: [usize; 2]) -> (Vec<CellPlan>, usize) {
        let cells = self.cells();
        let (channels, stride) = match self.size.stem_stride {
            8 => (cells.channels, Stride::Two),
            _ => (cells.stem_channels(), Stride::One),
        };
        let (mut plan, features) = cells.plan_after(channels, stride, outputs);
        let SegmentationSize {
            stem_stride,
            output_stride,
            ..
        } = self.size;
        keep_output_stride(&mut plan, stem_stride, output_stride);
        (plan, features)
    }

    /// The cell whose output the auxiliary head reads: the last reduction, as of a classifier.
    pub(crate) fn auxiliary_cell(&self) -> usize {
        2 * self.size.cells / 3
    }
}

/// Takes the stride of every reduction that would leave less than the output stride.
fn keep_output_stride(plan: &mut [CellPlan], mut reached: usize, output_stride: usize) {
    let mut before = None;
    for cell in plan {
        if let Some(before) = before {
            cell.prev_spacing = before;
            cell.spacing.dilation = before.next().dilation;
        }
        if cell.spacing.stride == Stride::Two {
            match reached < output_stride {
                true => reached *= 2,
                false => cell.spacing.stride = Stride::Dilated,
            }
        }
        before = Some(cell.spacing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convolution::Spacing;

    fn config(stem_stride: usize, output_stride: usize) -> SegmentationConfig {
        SegmentationConfig {
            image_channels: 3,
            classes: 21,
            size: SegmentationSize {
                channels: 8,
                cells: 6,
                stem_stride,
                output_stride,
                pyramid: PyramidConfig::default(),
            },
        }
    }

    /// Stride and dilation of each cell's inputs.
    fn spacings(stem: usize, output: usize) -> Vec<(Stride, usize)> {
        let (plan, _) = config(stem, output).plan([4; 2]);
        let of = |cell: &CellPlan| (cell.spacing.stride, cell.spacing.dilation);
        plan.iter().map(of).collect()
    }

    #[test]
    fn reductions_beyond_the_output_stride_dilate_what_follows() {
        use Stride::{Dilated, One, Two};
        let both = [(One, 1), (One, 1), (Two, 1), (One, 1), (Two, 1), (One, 1)];
        assert_eq!(spacings(8, 32), both);
        let last = [
            (One, 1),
            (One, 1),
            (Two, 1),
            (One, 1),
            (Dilated, 1),
            (One, 2),
        ];
        assert_eq!(spacings(8, 16), last);
        let none = [
            (One, 1),
            (One, 1),
            (Dilated, 1),
            (One, 2),
            (Dilated, 2),
            (One, 4),
        ];
        assert_eq!(spacings(8, 8), none);
    }

    #[test]
    fn what_follows_within_a_cell_and_at_the_next_ones_older_input_dilates_too() {
        let (plan, features) = config(8, 8).plan([4; 2]);
        let inner = Spacing {
            stride: Stride::One,
            dilation: 4,
        };
        assert_eq!(plan[4].edge_spacing(1), plan[4].spacing);
        assert_eq!(plan[4].edge_spacing(2), inner);
        assert_eq!(plan[5].prev_spacing, plan[4].spacing);
        // The stem's two outputs differ in size.
        assert_eq!(plan[0].prev_spacing, Spacing::from(Stride::Two));
        assert_eq!(features, 4 * 32);
    }

    #[test]
    fn rates_are_as_far_in_the_image_at_any_stride() {
        assert_eq!(config(8, 16).size.rates(), [6, 12, 18]);
        assert_eq!(config(8, 8).size.rates(), [12, 24, 36]);
        assert_eq!(config(2, 4).size.rates(), [24, 48, 72]);
        let mut stated = config(2, 4);
        stated.size.pyramid.rates = Some(vec![2, 4]);
        assert_eq!(stated.size.rates(), [2, 4]);
    }

    #[test]
    fn each_impossible_field_is_named() {
        let refused = |change: fn(&mut SegmentationConfig), expected: &str| {
            let mut config = config(4, 8);
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        config(4, 8).validate().unwrap();
        refused(
            |c| c.size.stem_stride = 3,
            "`network.stem_stride` is 3; valid: 1, 2, 4 or 8",
        );
        refused(
            |c| c.size.output_stride = 32,
            "`network.output_stride` is 32; valid: 4, 8, 16 after a stem of stride 4",
        );
        refused(|c| c.size.channels = 1, "`network.channels` is 1");
        refused(
            |c| c.size.pyramid.channels = 0,
            "`network.pyramid.channels` is 0",
        );
        refused(
            |c| c.size.pyramid.rates = Some(vec![0]),
            "`network.pyramid.rates` is [0]",
        );
        refused(
            |c| c.size.pyramid.rates = Some(Vec::new()),
            "`network.pyramid.rates` is []",
        );
        refused(
            |c| c.size.pyramid.dropout = 1.0,
            "`network.pyramid.dropout` is 1",
        );
        refused(|c| c.classes = 1, "`network.classes` is 1");
    }
}
