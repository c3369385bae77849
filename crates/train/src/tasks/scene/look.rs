//! What a network says of images that it looks at several times.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use supernet::kernels::{Corners, upsample_bilinear};
use supernet::segmentation::SegmentationNetwork;
use supernet::{ModelBackend, Statistics};

use crate::portable::Views;

/// The shortest side that a network takes.
const SHORTEST: usize = 8;

/// Logits `[batch, classes, height, width]` of images `[batch, channels, height, width]`; of several views
/// the logarithms of their mean probabilities.
pub(super) fn answer<B: ModelBackend>(
    network: &SegmentationNetwork<B>,
    images: &Tensor<B, 4>,
    views: &Views,
    statistics: Statistics,
) -> Tensor<B, 4> {
    if *views == Views::default() {
        return network.forward(images.clone(), statistics);
    }
    let [_, _, height, width] = images.dims();
    let scaled = |scale: f64| {
        let sides =
            [height, width].map(|side| ((side as f64 * scale).round() as usize).max(SHORTEST));
        resized(images.clone(), sides)
    };
    let once = [1.0];
    let scales = if views.scales.is_empty() {
        &once[..]
    } else {
        &views.scales
    };
    let mut sum: Option<Tensor<B, 4>> = None;
    let mut count = 0;
    let mut add = |logits: Tensor<B, 4>| {
        let probabilities = resized(softmax(logits, 1), [height, width]);
        count += 1;
        sum = Some(match sum.take() {
            Some(sum) => sum + probabilities,
            None => probabilities,
        });
    };
    for &scale in scales {
        let view = scaled(scale);
        if views.mirrored {
            let mirrored = network.forward(view.clone().flip([3]), statistics);
            add(mirrored.flip([3]));
        }
        add(network.forward(view, statistics));
    }
    // A probability of zero has no logarithm.
    let mean = sum.map(|sum| (sum / count as f64).clamp_min(1e-30).log());
    mean.unwrap_or_else(|| network.forward(images.clone(), statistics))
}

fn resized<B: ModelBackend>(images: Tensor<B, 4>, sides: [usize; 2]) -> Tensor<B, 4> {
    let [_, _, height, width] = images.dims();
    match [height, width] == sides {
        true => images,
        false => upsample_bilinear(images, sides, Corners::HalfPixel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;
    use supernet::WeightInit;
    use supernet::segmentation::{
        EncoderChoice, PyramidConfig, SegmentationConfig, SegmentationNetworkConfig,
        SegmentationSize,
    };

    fn network() -> SegmentationNetwork<Flex> {
        let config = SegmentationNetworkConfig {
            network: SegmentationConfig {
                image_channels: 3,
                classes: 3,
                size: SegmentationSize {
                    channels: 2,
                    cells: 2,
                    stem_stride: 2,
                    output_stride: 4,
                    pyramid: PyramidConfig {
                        channels: 4,
                        rates: Some(vec![1]),
                        dropout: 0.5,
                    },
                },
            },
            encoder: EncoderChoice::Plain { width: 2 },
            auxiliary: false,
        };
        config
            .init(&mut WeightInit::new(1), &Default::default())
            .unwrap()
    }

    fn images() -> Tensor<Flex, 4> {
        let values = (0..2 * 3 * 19 * 13).map(|at| (at * 37 % 101) as f32 / 50.0 - 1.0);
        let data = burn::tensor::TensorData::new(values.collect::<Vec<_>>(), [2, 3, 19, 13]);
        Tensor::from_data(data, &Default::default())
    }

    fn asked(images: &Tensor<Flex, 4>, views: &Views) -> Vec<f32> {
        answer(&network(), images, views, Statistics::Running)
            .into_data()
            .to_vec()
            .unwrap()
    }

    #[test]
    fn what_is_seen_in_a_mirror_too_is_seen_alike_from_both_sides() {
        let views = |scales: &[f64], mirrored| Views {
            scales: scales.to_vec(),
            mirrored,
        };
        let both = views(&[0.75, 1.5], true);
        let straight = answer(&network(), &images(), &both, Statistics::Running);
        assert_eq!(straight.dims(), [2, 3, 19, 13]);
        let straight: Vec<f32> = straight.flip([3]).into_data().to_vec().unwrap();
        let mirrored = asked(&images().flip([3]), &both);
        let differ = |a: &[f32], b: &[f32]| {
            let distances = a.iter().zip(b).map(|(a, b)| (a - b).abs());
            distances.fold(0.0_f32, f32::max)
        };
        assert!(differ(&straight, &mirrored) < 1e-4);
        assert!(
            differ(
                &asked(&images(), &both),
                &asked(&images(), &views(&[0.75, 1.5], false))
            ) > 1e-4
        );
    }

    #[test]
    fn a_single_view_has_the_probabilities_of_the_network() {
        let once = Views {
            scales: vec![1.0],
            mirrored: false,
        };
        let plain = network().forward(images(), Statistics::Running);
        let expected: Vec<f32> = softmax(plain, 1).log().into_data().to_vec().unwrap();
        for (found, expected) in asked(&images(), &once).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}
