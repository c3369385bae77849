//! Random changes that an image and its mask share.

use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::prepare::Window;
use crate::stream::{below, uniform};
use crate::{Result, WorkbenchError};

/// Random changes to a training image and its mask, sampled for every image alone. Masks are resized to the
/// nearest pixel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SceneAugment {
    /// The smallest and the largest factor that an image is resized by.
    pub scale: [f64; 2],
    /// Mirrors every second image, left to right; not for digits.
    pub flip: bool,
}

impl Default for SceneAugment {
    fn default() -> Self {
        Self {
            scale: [1.0; 2],
            flip: false,
        }
    }
}

/// How the images that are learned from become crops of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SceneChanges {
    /// Side of a square at a random place, in pixels. What of it lies beyond the image, to the right and
    /// below, has the mean colour and does not count.
    pub crop: usize,
    /// What else is changed.
    pub augment: SceneAugment,
}

/// Sides of crops that can be meant.
const CROPS: [usize; 2] = [8, 4096];
/// Factors that can be meant.
const SCALES: [f64; 2] = [0.1, 10.0];

impl SceneChanges {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        let [least, most] = CROPS;
        if !(least..=most).contains(&self.crop) {
            let valid = format!("{least} to {most} pixels");
            return Err(WorkbenchError::field("data.crop", self.crop, &valid));
        }
        let [low, high] = self.augment.scale;
        let [least, most] = SCALES;
        // Not `low > high`, so that what is no number is refused too.
        if !(least <= low && low <= high && high <= most) {
            let found = format!("[{low}, {high}]");
            let valid = format!(
                "two factors from {least} to {most}, the smaller one first, such as [0.5, 2.0]"
            );
            return Err(WorkbenchError::field("data.augment.scale", found, &valid));
        }
        Ok(())
    }

    /// Samples what of an image of these sides is shown; always the same count of random numbers, so that
    /// turning one change on leaves the others as they were.
    pub(super) fn sample(&self, rng: &mut impl RngCore, sides: [usize; 2]) -> Window {
        let [low, high] = self.augment.scale;
        let scale = uniform(rng, low, high);
        let mut axis = |side: usize| {
            let scaled = ((side as f64 * scale).round() as usize).max(1);
            let shown = scaled.min(self.crop);
            let source = (shown as f64 * side as f64 / scaled as f64).round() as usize;
            let source = source.clamp(1, side);
            (below(rng, side - source + 1), source, shown)
        };
        let [rows, columns] = sides.map(&mut axis);
        Window {
            start: [rows.0, columns.0],
            source: [rows.1, columns.1],
            shown: [rows.2, columns.2],
            mirrored: below(rng, 2) == 1 && self.augment.flip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Purpose, seeded_rng};

    fn windows(crop: usize, scale: [f64; 2], sides: [usize; 2]) -> Vec<Window> {
        let augment = SceneAugment { scale, flip: true };
        let changes = SceneChanges { crop, augment };
        let window = |at| changes.sample(&mut seeded_rng(Purpose::Augment, [7, 0, at]), sides);
        (0..200).map(window).collect()
    }

    #[test]
    fn windows_lie_in_the_image_and_fill_the_crop_where_they_can() {
        for window in windows(20, [0.5, 2.0], [30, 50]) {
            for (axis, side) in [30, 50].into_iter().enumerate() {
                assert!(window.start[axis] + window.source[axis] <= side);
                assert!((15..=20).contains(&window.shown[axis]), "{window:?}");
            }
        }
        assert!(
            windows(20, [2.0; 2], [30, 50])
                .iter()
                .all(|w| w.source == [10, 10])
        );
        assert!(
            windows(99, [1.0; 2], [30, 50])
                .iter()
                .all(|w| w.shown == [30, 50])
        );
    }

    #[test]
    fn every_place_and_both_sides_occur() {
        let windows = windows(48, [1.0; 2], [50, 48]);
        let at = |start, mirrored| {
            let is = |w: &&Window| w.start == [start, 0] && w.mirrored == mirrored;
            windows.iter().filter(is).count()
        };
        for start in 0..3 {
            assert!(at(start, false) > 10 && at(start, true) > 10);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let message = |crop, scale| {
            let augment = SceneAugment { scale, flip: false };
            let changes = SceneChanges { crop, augment };
            changes.validate().unwrap_err().to_string()
        };
        assert!(message(4, [1.0; 2]).contains("`data.crop` is 4; valid: 8 to 4096"));
        for scale in [[2.0, 0.5], [0.0, 1.0], [1.0, f64::NAN], [1.0, 99.0]] {
            assert!(message(64, scale).contains("`data.augment.scale`"));
        }
    }
}
