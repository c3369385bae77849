//! An encoder whose reductions dilate computes at every pixel what one whose reductions stride computes at
//! every second one.

use burn::tensor::{Tensor, TensorData, s};
use burn_flex::Flex;

use super::*;
use crate::{Genotype, Statistics, WeightInit};

/// Every operation that looks around, in both kinds of cells, and every way from cell to cell.
const CELLS: &str = "\
normal: sep_conv_3x3@0 max_pool_3x3@1 skip_connect@0 | dil_conv_5x5@2 avg_pool_3x3@1 max_pool_5x5@2
reduce: skip_connect@0 sep_conv_5x5@1 conv_3x3@0 | dil_conv_3x3@0 avg_pool_3x3@2 conv_7x1_1x7@1 skip_connect@1";

fn network(stem_stride: usize, output_stride: usize) -> SegmentationNetwork<Flex> {
    let size = SegmentationSize {
        channels: 4,
        cells: 6,
        stem_stride,
        output_stride,
        pyramid: PyramidConfig {
            channels: 4,
            ..PyramidConfig::default()
        },
    };
    let outer = SegmentationConfig {
        image_channels: 1,
        classes: 3,
        size,
    };
    let genotype: Genotype = CELLS.parse().unwrap();
    let config = SegmentationNetworkConfig::of_cells(outer, genotype);
    let init = &mut WeightInit::new(11);
    config.init(init, &Default::default()).unwrap()
}

fn features(network: &SegmentationNetwork<Flex>, x: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let statistics = Statistics::Running;
    let inputs = network.stem.forward(x, statistics);
    network.encoder.forward(inputs, statistics, None, |_, _| {})
}

#[test]
fn a_dilated_encoder_sees_what_the_strided_one_does() {
    // Odd sides, and even ones that become odd.
    for [height, width] in [[41, 36], [33, 50]] {
        let values = (0..height * width).map(|i| ((i * 37 % 101) as f32 * 0.13).sin());
        let data = TensorData::new(values.collect::<Vec<f32>>(), [1, 1, height, width]);
        let x = Tensor::<Flex, 4>::from_data(data, &Default::default());
        for stem in [1, 2, 8] {
            let strided = features(&network(stem, 4 * stem), x.clone());
            for (output_stride, every) in [(2 * stem, 2), (stem, 4)] {
                let dense = features(&network(stem, output_stride), x.clone());
                let seen = dense.slice(s![.., .., ..;every, ..;every]);
                assert_eq!(seen.dims(), strided.dims());
                let largest: f32 = strided.clone().abs().max().into_scalar();
                let off: f32 = (seen - strided.clone()).abs().max().into_scalar();
                assert!(
                    off <= 2e-5 * largest,
                    "{stem} to {output_stride}: {off} of {largest}"
                );
            }
        }
    }
}
