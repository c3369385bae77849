//! Scenes that are made: digits of MNIST on photographs. They stand in for a data set that cannot be
//! bundled.

use std::sync::OnceLock;

use image::imageops::{FilterType, crop_imm, resize};
use image::{GrayImage, ImageFormat, Pixel, RgbImage};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::files::wrong;
use super::set::{Scene, SceneSet, SceneTrainTest, Source};
use crate::images::{Dataset, DatasetId, load};
use crate::stream::{Purpose, below, seeded_rng, uniform};
use crate::{Result, WorkbenchError};

const PHOTOGRAPHS: [(&str, &[u8]); 2] = [
    (
        "china.jpg",
        include_bytes!("../../../../datasets/china.jpg"),
    ),
    (
        "flower.jpg",
        include_bytes!("../../../../datasets/flower.jpg"),
    ),
];

/// What a person reads as the name of the set.
const NAME: &str = "stand-in scenes";

/// Scenes that are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandInOptions {
    /// Scenes to learn from.
    pub train: usize,
    /// Scenes to judge by: other digits on other parts of the photographs.
    pub test: usize,
    /// Side of a scene, in pixels.
    pub size: usize,
    /// Most digits of a scene, of which each has one or more; none covers another.
    pub digits: usize,
    /// The least and the largest share of a scene's side that the 28 pixels of a digit take.
    pub digit_sides: [f64; 2],
    /// What all of them are a function of; not the seed of a run.
    pub seed: u64,
}

impl Default for StandInOptions {
    fn default() -> Self {
        Self {
            train: 4000,
            test: 400,
            size: 64,
            digits: 3,
            digit_sides: [0.4, 0.75],
            seed: 0,
        }
    }
}

impl StandInOptions {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        for (field, found, [least, most]) in [
            ("data.scenes.train", self.train, [2, 1_000_000]),
            ("data.scenes.test", self.test, [1, 1_000_000]),
            ("data.scenes.size", self.size, [32, 192]),
            ("data.scenes.digits", self.digits, [1, 9]),
        ] {
            if !(least..=most).contains(&found) {
                let valid = format!("{least} to {most}");
                return Err(WorkbenchError::field(field, found, &valid));
            }
        }
        let [small, large] = self.digit_sides;
        // Not `small > large`, so that what is no number is refused too.
        if !(LEAST_SIDE <= small && small <= large && large <= 1.0) {
            let found = format!("[{small}, {large}]");
            let valid = format!("two shares from {LEAST_SIDE} to 1, the smaller one first");
            return Err(WorkbenchError::field(
                "data.scenes.digit_sides",
                found,
                &valid,
            ));
        }
        Ok(())
    }
}

/// The scenes of one part.
#[derive(Debug)]
pub(super) struct StandIn {
    photographs: Vec<RgbImage>,
    digits: Dataset,
    part: Part,
    options: StandInOptions,
    /// Scenes that were made; none of them where not all could be kept.
    kept: Vec<OnceLock<Scene>>,
}

/// Bytes of memory in which made scenes are kept, if all of a part fit.
const KEPT_BYTES: usize = 256 << 20;

/// Parts share neither digits nor parts of photographs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Training,
    Test,
}

/// The part of a photograph's width, from the left, that scenes for training show; the rest is for test.
const TRAINING_WIDTH: f64 = 0.7;
/// The smallest digit that can be read takes so much of a scene's side.
const LEAST_SIDE: f64 = 0.2;
/// Places that are tried for a digit before it is left out; the first of a scene is never.
const PLACES: usize = 30;
/// What photographs are darkened by, and the least of each colour of a digit: digits are lighter than what is
/// behind them, so that what is hard is to tell them apart, as a few minutes of training on a laptop must do.
const DARKENED: f32 = 0.5;
const LIGHT: usize = 128;

pub(super) fn read(options: &StandInOptions) -> Result<SceneTrainTest> {
    options.validate()?;
    let digits = load(DatasetId::Mnist5k, None)?;
    let photographs: Vec<RgbImage> = PHOTOGRAPHS.iter().map(decoded).collect::<Result<_>>()?;
    let classes = || {
        let digits = (0..10).map(|digit| format!("digit {digit}"));
        std::iter::once("background".into()).chain(digits).collect()
    };
    let set = |part, digits| {
        let made = StandIn::new(photographs.clone(), digits, part, options.clone());
        SceneSet::new(NAME.into(), classes(), Source::Made(made.into()))
    };
    let mut train = set(Part::Training, digits.train);
    train.notes.push(
        "the scenes are a stand-in, made of digits and two photographs: their scores compare with each \
         other and not with published ones"
            .into(),
    );
    Ok(SceneTrainTest {
        train,
        test: set(Part::Test, digits.test),
    })
}

fn decoded((name, bytes): &(&str, &[u8])) -> Result<RgbImage> {
    let picture = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg);
    let picture = picture.map_err(|error| {
        wrong(
            name.as_ref(),
            "whole file",
            error.to_string(),
            "the bundled photograph",
        )
    })?;
    Ok(picture.into_rgb8())
}

impl Part {
    fn len(self, options: &StandInOptions) -> usize {
        match self {
            Self::Training => options.train,
            Self::Test => options.test,
        }
    }
}

impl StandIn {
    fn new(
        photographs: Vec<RgbImage>,
        digits: Dataset,
        part: Part,
        options: StandInOptions,
    ) -> Self {
        let (count, scene) = (part.len(&options), 4 * options.size.pow(2));
        let kept = if count * scene <= KEPT_BYTES {
            count
        } else {
            0
        };
        Self {
            kept: (0..kept).map(|_| OnceLock::new()).collect(),
            photographs,
            digits,
            part,
            options,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.part.len(&self.options)
    }

    pub(super) fn sides(&self) -> [usize; 2] {
        [self.options.size; 2]
    }

    pub(super) fn scene(&self, place: usize) -> Scene {
        match self.kept.get(place) {
            Some(kept) => kept.get_or_init(|| self.make(place)).clone(),
            None => self.make(place),
        }
    }

    fn make(&self, place: usize) -> Scene {
        let key = [self.options.seed, self.part as u64, place as u64];
        let mut rng = seeded_rng(Purpose::Scenes, key);
        let mut scene = Scene {
            image: self.background(&mut rng),
            mask: vec![0; self.options.size.pow(2)],
        };
        for _ in 0..1 + below(&mut rng, self.options.digits) {
            self.paste(&mut rng, &mut scene);
        }
        scene
    }

    /// A random square of a photograph, resized and darkened.
    fn background(&self, rng: &mut impl RngCore) -> RgbImage {
        let photograph = &self.photographs[below(rng, self.photographs.len())];
        let (width, height) = photograph.dimensions();
        let border = (f64::from(width) * TRAINING_WIDTH) as u32;
        let (from, to) = match self.part {
            Part::Training => (0, border),
            Part::Test => (border, width),
        };
        let size = self.options.size as f64;
        let most = f64::from(height.min(to - from));
        let side = uniform(rng, size, 2.0 * size).min(most) as u32;
        let mut start = |room: u32| below(rng, (room - side) as usize + 1) as u32;
        let (left, top) = (from + start(to - from), start(height));
        let square = crop_imm(photograph, left, top, side, side);
        let size = self.options.size as u32;
        let mut scene = resize(&*square, size, size, FilterType::Triangle);
        for pixel in scene.pixels_mut() {
            pixel.apply(|value| (f32::from(value) * DARKENED) as u8);
        }
        scene
    }

    /// Pastes a digit of random size, colour and place, so that it touches no other.
    fn paste(&self, rng: &mut impl RngCore, scene: &mut Scene) {
        let size = self.options.size;
        let digit = below(rng, self.digits.len());
        let [small, large] = self.options.digit_sides.map(|share| share * size as f64);
        let side = uniform(rng, small, large).round() as usize;
        let colour = [(); 3].map(|()| (LIGHT + below(rng, 256 - LIGHT)) as u8);
        let pixels = self.digits.image(digit).unwrap_or_default().to_vec();
        let Some(pixels) = GrayImage::from_raw(28, 28, pixels) else {
            return;
        };
        let resized = resize(&pixels, side as u32, side as u32, FilterType::Triangle);
        let stroke = resized.enumerate_pixels();
        let stroke = stroke.filter(|(.., value)| value.0[0] > 127);
        let stroke: Vec<_> = stroke.map(|(x, y, _)| [y as usize, x as usize]).collect();
        let mut places = (0..PLACES).map(|_| [(); 2].map(|()| below(rng, size - side + 1)));
        let Some([top, left]) = places.find(|place| scene.is_free(&stroke, *place)) else {
            return;
        };
        let class = 1 + self.digits.labels()[digit] as u8;
        // What is painted is what the mask says.
        for [row, column] in stroke.into_iter().map(|[y, x]| [top + y, left + x]) {
            let colour = colour.into();
            scene.image.put_pixel(column as u32, row as u32, colour);
            scene.mask[row * size + column] = class;
        }
    }
}

impl Scene {
    /// Whether none of these pixels, moved to a place, lies on or beside one that is not background.
    fn is_free(&self, pixels: &[[usize; 2]], [top, left]: [usize; 2]) -> bool {
        let [height, width] = self.sides();
        pixels.iter().all(|[y, x]| {
            let around = |at: usize, side: usize| at.saturating_sub(1)..(at + 2).min(side);
            let mut rows = around(top + y, height);
            rows.all(|row| {
                around(left + x, width).all(|column| self.mask[row * width + column] == 0)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn options() -> StandInOptions {
        StandInOptions {
            train: 40,
            test: 30,
            ..StandInOptions::default()
        }
    }

    #[test]
    fn scenes_are_a_function_of_their_seed() {
        let sets = read(&options()).unwrap();
        let again = read(&options()).unwrap();
        assert_eq!((sets.train.len(), sets.test.len()), (40, 30));
        assert_eq!(sets.train.scene(7).unwrap(), again.train.scene(7).unwrap());
        assert_ne!(sets.train.scene(7).unwrap(), sets.test.scene(7).unwrap());
        let other = StandInOptions {
            seed: 1,
            ..options()
        };
        let other = read(&other).unwrap();
        assert_ne!(sets.train.scene(7).unwrap(), other.train.scene(7).unwrap());
        assert!(sets.train.name().contains("stand-in"));
        assert!(sets.train.notes()[0].contains("stand-in"));
    }

    #[test]
    fn a_mask_is_exactly_what_was_painted() {
        let sets = read(&options()).unwrap();
        let mut classes = BTreeSet::new();
        for index in 0..sets.train.len() {
            let scene = sets.train.scene(index).unwrap();
            assert_eq!(scene.sides(), [64, 64]);
            let painted = scene.mask.iter().filter(|class| **class > 0).count();
            assert!(
                (20..3000).contains(&painted),
                "{painted} pixels of scene {index}"
            );
            // Digits have one colour each.
            let mut colours: BTreeMap<u8, BTreeSet<[u8; 3]>> = BTreeMap::new();
            for (pixel, class) in scene.image.pixels().zip(&scene.mask) {
                colours.entry(*class).or_default().insert(pixel.0);
            }
            let digits: usize = colours
                .iter()
                .filter(|(class, _)| **class > 0)
                .map(|(_, seen)| seen.len())
                .sum();
            assert!((1..=3).contains(&digits), "{digits} digits");
            classes.extend(colours.into_keys());
        }
        assert_eq!(classes, (0..=10).collect());
        assert_eq!(sets.train.class_names().len(), 11);
    }

    #[test]
    fn numbers_that_make_no_scenes_are_refused() {
        for digit_sides in [[0.9, 0.5], [0.1, 0.5], [0.5, 1.2], [f64::NAN, 0.5]] {
            let wrong = StandInOptions {
                digit_sides,
                ..options()
            };
            let message = wrong.validate().unwrap_err().to_string();
            assert!(
                message.contains("`data.scenes.digit_sides` is ["),
                "{message}"
            );
        }
        let message = StandInOptions {
            size: 8,
            ..options()
        }
        .validate()
        .unwrap_err();
        assert!(
            message
                .to_string()
                .contains("`data.scenes.size` is 8; valid: 32 to 192")
        );
    }
}
