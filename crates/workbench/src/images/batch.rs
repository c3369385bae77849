//! Some images as tensors.

use burn::tensor::{Int, Tensor, backend::Backend};

/// A batch on a device.
#[derive(Debug, Clone)]
pub struct Batch<B: Backend> {
    /// `[batch, channels, height, width]`, normalised with the constants of the data set.
    pub images: Tensor<B, 4>,
    /// `[batch]`
    pub labels: Tensor<B, 1, Int>,
}

impl<B: Backend> Batch<B> {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.dims()[0]
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::dataset::tests::counting;
    use crate::images::{Augment, Dataset};
    use crate::stream::RngKey;
    use burn_flex::Flex;

    const KEY: RngKey = RngKey { seed: 5, epoch: 2 };

    fn pixels(batch: Batch<Flex>) -> Vec<f32> {
        batch.images.into_data().to_vec().unwrap()
    }

    #[test]
    fn tensors_hold_the_normalised_pixels_of_the_indices() {
        let set = counting(4, 3);
        let batch = set.batch::<Flex>(&[3, 1], None, KEY, &Default::default());
        assert_eq!(batch.images.dims(), [2, 2, 3, 5]);
        assert_eq!(
            batch.labels.clone().into_data().to_vec::<i32>().unwrap(),
            [0, 1]
        );
        for (at, actual) in pixels(batch).into_iter().enumerate() {
            let (image, within) = ([3, 1][at / 30], at % 30);
            let (pixel, channel) = (set.images().unwrap()[image * 30 + within], within / 15);
            let expected = (f32::from(pixel) / 255.0 - set.mean()[channel]) / set.std()[channel];
            assert!((actual - expected).abs() < 1e-6, "at {at}");
        }
    }

    #[test]
    fn a_changed_image_does_not_depend_on_its_neighbours() {
        let set = counting(6, 3);
        let augment = Augment {
            crop_padding: 1,
            flip: true,
            cutout: 2,
        };
        let batch = |indices: &[usize], key| {
            pixels(set.batch::<Flex>(indices, Some(&augment), key, &Default::default()))
        };
        assert_eq!(batch(&[2, 5], KEY)[30..], batch(&[5], KEY));
        let later = RngKey { epoch: 3, ..KEY };
        assert_ne!(batch(&[0, 1, 2, 3], KEY), batch(&[0, 1, 2, 3], later));
    }

    #[test]
    fn no_change_at_all_gives_the_plain_image() {
        let set = counting(3, 3);
        let none = Augment::default();
        let batch = |augment| set.batch::<Flex>(&[0, 2], augment, KEY, &Default::default());
        assert_eq!(pixels(batch(Some(&none))), pixels(batch(None)));
    }

    #[test]
    fn a_cutout_of_the_whole_image_is_zero() {
        let set = counting(3, 3);
        let augment = Augment {
            cutout: 20,
            ..Augment::default()
        };
        let batch = set.batch::<Flex>(&[1], Some(&augment), KEY, &Default::default());
        assert_eq!(pixels(batch), [0.0; 30]);
    }

    /// All images of a set, changed, each as rows `[channels * height][width]`, 6 of 5.
    fn changed(set: &Dataset, augment: Augment) -> Vec<Vec<Vec<f32>>> {
        let all: Vec<usize> = (0..set.len()).collect();
        let values = pixels(set.batch(&all, Some(&augment), KEY, &Default::default()));
        let rows = |image: &[f32]| image.chunks(5).map(<[f32]>::to_vec).collect();
        values.chunks(30).map(rows).collect()
    }

    #[test]
    fn a_cutout_is_a_square_of_zeros_cut_at_the_border() {
        let mut areas = std::collections::BTreeSet::new();
        let cutout = Augment {
            cutout: 2,
            ..Augment::default()
        };
        let set = counting(200, 3);
        let plain = changed(&set, Augment::default());
        for (image, plain) in changed(&set, cutout).iter().zip(&plain) {
            let blank: Vec<_> = (0..30)
                .filter(|at| image[at / 5][at % 5] == 0.0 && plain[at / 5][at % 5] != 0.0)
                .map(|at| (at / 15, at / 5 % 3, at % 5))
                .collect();
            let (_, top, left) = blank[0];
            let (_, bottom, right) = blank[blank.len() - 1];
            let square = |channel| {
                let row = move |row| (left..=right).map(move |column| (channel, row, column));
                (top..=bottom).flat_map(row)
            };
            assert_eq!(blank, square(0).chain(square(1)).collect::<Vec<_>>());
            let (height, width) = (bottom - top + 1, right - left + 1);
            assert!(height == 2 || (height == 1 && (top == 0 || bottom == 2)));
            assert!(width == 2 || (width == 1 && (left == 0 || right == 4)));
            areas.insert((height, width));
            // All else is as it was.
            let kept = (0..30).filter(|at| !blank.contains(&(at / 15, at / 5 % 3, at % 5)));
            kept.for_each(|at| assert_eq!(image[at / 5][at % 5], plain[at / 5][at % 5]));
        }
        // Around a pixel at the top or the left, one row or column is outside.
        assert_eq!(areas.len(), 4);
    }

    #[test]
    fn a_flip_reverses_the_rows_of_about_half_the_images() {
        let flip = Augment {
            flip: true,
            ..Augment::default()
        };
        let set = counting(200, 3);
        let plain = changed(&set, Augment::default());
        let mut flipped = 0;
        for (image, plain) in changed(&set, flip).iter().zip(&plain) {
            let reversed = plain.iter().map(|row| row.iter().rev().copied().collect());
            let reversed: Vec<Vec<f32>> = reversed.collect();
            assert!(*image == reversed || image == plain);
            flipped += usize::from(*image == reversed);
        }
        // Four standard deviations of 200 fair coins.
        assert!((72..=128).contains(&flipped), "{flipped}");
    }

    #[test]
    fn a_crop_moves_the_image_and_brings_in_normalised_black() {
        let crop = Augment {
            crop_padding: 1,
            ..Augment::default()
        };
        let set = counting(200, 3);
        let plain = changed(&set, Augment::default());
        let black: Vec<f32> = (0..2).map(|c| -set.mean()[c] / set.std()[c]).collect();
        let mut seen = std::collections::BTreeSet::new();
        for (image, plain) in changed(&set, crop).iter().zip(&plain) {
            // The pixel that a move by (down, right) brings to a place, by hand.
            let moved = |down: i32, right: i32, at: i32| {
                let (channel, row, column) = (at / 15, at / 5 % 3 + down, at % 5 + right);
                if (0..3).contains(&row) && (0..5).contains(&column) {
                    plain[(channel * 3 + row) as usize][column as usize]
                } else {
                    black[channel as usize]
                }
            };
            let fits = |&(down, right): &(i32, i32)| {
                let same = |at: i32| {
                    let value = image[at as usize / 5][at as usize % 5];
                    (value - moved(down, right, at)).abs() < 1e-6
                };
                (0..30).all(same)
            };
            let moves = (-1..=1).flat_map(|down| (-1..=1).map(move |right| (down, right)));
            let fitting: Vec<_> = moves.filter(fits).collect();
            assert_eq!(fitting.len(), 1);
            seen.extend(fitting);
        }
        assert_eq!(seen.len(), 9);
    }
}
