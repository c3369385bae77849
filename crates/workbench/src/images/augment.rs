//! Random changes to training images, on the host.

use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::stream::below;
use crate::{Result, WorkbenchError};

/// Random changes to a training image. Each is sampled for every image alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Crops the image at a random place after this many black pixels were added to each side; 0
    /// for none, 4 for CIFAR-10.
    pub crop_padding: u16,
    /// Mirrors every second image, left to right; not for digits.
    pub flip: bool,
    /// Blanks a square of this side around a random pixel with the mean colour; 0 for none.
    pub cutout: u16,
}

/// The changes sampled for one image.
pub(super) struct Change {
    /// Rows and columns by which the crop is moved.
    shift: [isize; 2],
    mirrored: bool,
    /// Rows and columns that are blanked, `start..end`.
    blank: [[usize; 2]; 2],
}

impl Augment {
    /// Checks that the changes leave something of images of this height and width.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self, [height, width]: [usize; 2]) -> Result<()> {
        let side = height.min(width);
        for (field, found) in [
            ("data.augment.crop_padding", self.crop_padding),
            ("data.augment.cutout", self.cutout),
        ] {
            if usize::from(found) >= side {
                let valid = format!("less than {side}, as images are {height}x{width}");
                return Err(WorkbenchError::field(field, found, &valid));
            }
        }
        Ok(())
    }

    /// Samples the changes for an image of this size; always the same count of random numbers, so
    /// that turning one change on leaves the others as they were.
    pub(super) fn sample(&self, rng: &mut impl RngCore, [height, width]: [usize; 2]) -> Change {
        let (padding, side) = (usize::from(self.crop_padding), usize::from(self.cutout));
        let mut shift = || below(rng, 2 * padding + 1) as isize - padding as isize;
        let shift = [shift(), shift()];
        let mirrored = below(rng, 2) == 1 && self.flip;
        let mut range = |size: usize| {
            let start = below(rng, size) as isize - (side / 2) as isize;
            let end = start + side as isize;
            [start, end].map(|edge| edge.clamp(0, size as isize) as usize)
        };
        Change {
            shift,
            mirrored,
            blank: [range(height), range(width)],
        }
    }
}

impl Change {
    /// Where the pixel at (row, column) of the changed image comes from.
    pub(super) fn source(&self, row: usize, column: usize, [height, width]: [usize; 2]) -> Source {
        let inside = |at: usize, [start, end]: [usize; 2]| (start..end).contains(&at);
        if inside(row, self.blank[0]) && inside(column, self.blank[1]) {
            return Source::Mean;
        }
        let column = if self.mirrored {
            width - 1 - column
        } else {
            column
        };
        let (row, column) = (
            row.checked_add_signed(self.shift[0]),
            column.checked_add_signed(self.shift[1]),
        );
        match (row, column) {
            (Some(row), Some(column)) if row < height && column < width => {
                Source::Pixel(row * width + column)
            }
            _ => Source::Black,
        }
    }
}

/// Where a pixel of a changed image comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// This pixel of the plane.
    Pixel(usize),
    /// The padding.
    Black,
    /// The blanked square, which is zero after normalisation.
    Mean,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Purpose, seeded_rng};

    const SIZE: [usize; 2] = [3, 5];
    const NONE: Change = Change {
        shift: [0, 0],
        mirrored: false,
        blank: [[0, 0], [0, 0]],
    };

    fn row(change: &Change, row: usize) -> Vec<Option<usize>> {
        let pixel = |column| match change.source(row, column, SIZE) {
            Source::Pixel(at) => Some(at),
            Source::Black | Source::Mean => None,
        };
        (0..5).map(pixel).collect()
    }

    #[test]
    fn a_shift_brings_in_padding() {
        let change = Change {
            shift: [1, -2],
            ..NONE
        };
        assert_eq!(row(&change, 0), [None, None, Some(5), Some(6), Some(7)]);
        assert_eq!(row(&change, 2), [None; 5]);
        assert_eq!(change.source(2, 4, SIZE), Source::Black);
    }

    #[test]
    fn a_mirrored_row_is_reversed() {
        let change = Change {
            mirrored: true,
            ..NONE
        };
        assert_eq!(row(&change, 1), [9, 8, 7, 6, 5].map(Some));
    }

    #[test]
    fn the_blank_square_is_cut_at_the_border() {
        let augment = Augment {
            cutout: 2,
            ..Augment::default()
        };
        let mut areas = std::collections::BTreeSet::new();
        for index in 0..200 {
            let change = augment.sample(&mut seeded_rng(Purpose::Augment, [0, 0, index]), SIZE);
            let [rows, columns] = change.blank;
            areas.insert(((rows[1] - rows[0]), (columns[1] - columns[0])));
        }
        assert_eq!(
            areas.into_iter().collect::<Vec<_>>(),
            [(1, 1), (1, 2), (2, 1), (2, 2)]
        );
    }

    #[test]
    fn changes_that_leave_nothing_of_an_image_are_refused() {
        let changes = |crop_padding, cutout| Augment {
            crop_padding,
            cutout,
            flip: false,
        };
        changes(7, 7).validate([8, 9]).unwrap();
        for (augment, part) in [
            (
                changes(0, 100),
                "`data.augment.cutout` is 100; valid: less than 8",
            ),
            (
                changes(8, 0),
                "`data.augment.crop_padding` is 8; valid: less than 8",
            ),
        ] {
            let message = augment.validate([9, 8]).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn shifts_reach_the_whole_padding_and_no_further() {
        let augment = Augment {
            crop_padding: 2,
            ..Augment::default()
        };
        let mut shifts = std::collections::BTreeSet::new();
        for index in 0..200 {
            shifts.insert(
                augment
                    .sample(&mut seeded_rng(Purpose::Augment, [0, 0, index]), SIZE)
                    .shift[1],
            );
        }
        assert_eq!(shifts.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2]);
    }
}
