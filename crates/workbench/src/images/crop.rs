//! Which rectangle of a picture becomes an image.

use rand::RngCore;

use crate::stream::{below, uniform};

/// A rectangle of pixels within a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Share of the picture that a random crop covers at least.
const MIN_AREA: f64 = 0.08;
/// Widest random crop, width to height; the tallest is its inverse.
const MAX_RATIO: f64 = 4.0 / 3.0;
/// Attempts before a picture of extreme shape gets the crop at its centre.
const ATTEMPTS: usize = 10;

impl Region {
    /// All of a picture.
    pub(super) fn whole([width, height]: [u32; 2]) -> Self {
        Self {
            left: 0,
            top: 0,
            width,
            height,
        }
    }

    /// The square at the centre that is `size` pixels wide where the shorter side of the picture,
    /// `[width, height]`, is `shorter_side`.
    ///
    /// Cutting this square out and resizing it is the usual "resize the shorter side, then crop the
    /// centre", up to less than a pixel of the picture, with fewer pixels to resize.
    pub(super) fn centre([width, height]: [u32; 2], size: u16, shorter_side: u16) -> Self {
        let shorter = f64::from(width.min(height));
        let side = (shorter * f64::from(size) / f64::from(shorter_side)).round();
        let side = (side as u32).clamp(1, width.min(height));
        Self {
            left: (width - side) / 2,
            top: (height - side) / 2,
            width: side,
            height: side,
        }
    }

    /// A random rectangle of 8 % to all of the picture's area and a ratio of width to height from 3/4
    /// to 4/3, even in the area and in the logarithm of the ratio (Szegedy et al., "Going deeper with
    /// convolutions", section 6).
    pub(super) fn random(rng: &mut impl RngCore, [width, height]: [u32; 2]) -> Self {
        let whole = f64::from(width) * f64::from(height);
        for _ in 0..ATTEMPTS {
            let area = whole * uniform(rng, MIN_AREA, 1.0);
            let ratio = uniform(rng, -MAX_RATIO.ln(), MAX_RATIO.ln()).exp();
            let size = [(area * ratio).sqrt().round(), (area / ratio).sqrt().round()];
            let [crop_width, crop_height] = size.map(|side| (side as u32).max(1));
            if crop_width <= width && crop_height <= height {
                let mut place = |free: u32| below(rng, free as usize + 1) as u32;
                return Self {
                    left: place(width - crop_width),
                    top: place(height - crop_height),
                    width: crop_width,
                    height: crop_height,
                };
            }
        }
        Self::widest([width, height])
    }

    /// The largest rectangle at the centre of a permitted ratio.
    fn widest([width, height]: [u32; 2]) -> Self {
        let longest = |side: u32| (f64::from(side) * MAX_RATIO).round() as u32;
        let (crop_width, crop_height) = (width.min(longest(height)), height.min(longest(width)));
        Self {
            left: (width - crop_width) / 2,
            top: (height - crop_height) / 2,
            width: crop_width,
            height: crop_height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Purpose, seeded_rng};

    fn region(left: u32, top: u32, width: u32, height: u32) -> Region {
        Region {
            left,
            top,
            width,
            height,
        }
    }

    #[test]
    fn the_centre_is_in_proportion_to_the_shorter_side() {
        // 224 of 256, of a shorter side of 300: 262.5.
        assert_eq!(
            Region::centre([500, 300], 224, 256),
            region(118, 18, 263, 263)
        );
        assert_eq!(Region::centre([32, 40], 32, 32), region(0, 4, 32, 32));
        assert_eq!(Region::centre([1, 9], 224, 256), region(0, 4, 1, 1));
    }

    #[test]
    fn random_crops_lie_within_the_picture_and_reach_the_stated_bounds() {
        let (width, height) = (400, 300);
        let (mut areas, mut ratios) = (Vec::new(), Vec::new());
        for index in 0..4_000 {
            let crop = Region::random(
                &mut seeded_rng(Purpose::Crop, [1, 0, index]),
                [width, height],
            );
            assert!(crop.left + crop.width <= width && crop.top + crop.height <= height);
            areas.push(f64::from(crop.width * crop.height) / f64::from(width * height));
            ratios.push(f64::from(crop.width) / f64::from(crop.height));
        }
        let bounds = |values: &[f64]| {
            let ends = |(low, high): (f64, f64), &value: &f64| (low.min(value), high.max(value));
            values.iter().fold((f64::MAX, f64::MIN), ends)
        };
        // Rounding to whole pixels moves both by about one percent of the smallest crops.
        let (low, high) = bounds(&areas);
        assert!(
            (0.079..0.09).contains(&low) && (0.95..=1.0).contains(&high),
            "{low} {high}"
        );
        let (low, high) = bounds(&ratios);
        assert!(
            (0.74..0.76).contains(&low) && (1.32..1.35).contains(&high),
            "{low} {high}"
        );
        // As many are wide as tall, but for the few largest that fit a wide picture only when wide.
        let wide = ratios.iter().filter(|ratio| **ratio > 1.0).count();
        assert!((2_000..2_500).contains(&wide), "{wide}");
    }

    #[test]
    fn a_picture_of_extreme_shape_gets_its_centre() {
        let mut rng = seeded_rng(Purpose::Crop, [0; 3]);
        assert_eq!(
            Region::random(&mut rng, [1_000, 30]),
            region(480, 0, 40, 30)
        );
        assert_eq!(
            Region::random(&mut rng, [30, 1_000]),
            region(0, 480, 30, 40)
        );
    }
}
