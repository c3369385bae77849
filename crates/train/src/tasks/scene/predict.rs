use std::fmt;
use std::path::{Path, PathBuf};

use burn::tensor::{ElementConversion, Int, Tensor, TensorData};
use serde::Serialize;
use supernet::segmentation::SegmentationNetwork;
use supernet::{ModelBackend, Statistics};
use workbench::WorkbenchError;
use workbench::files::write_atomic;
use workbench::scenes::{RgbImage, mask_png, overlay, picture_png, read_picture};

use super::export::{SceneExport, SceneImages};
use super::look::answer;
use crate::TrainError;
use crate::portable::Question;

/// What a network says of an image: the files it wrote, and what share of the pixels is of which class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SceneMask {
    /// A PNG file with a palette, whose pixels are the numbers of classes.
    pub mask: PathBuf,
    /// The image with the colours of the classes over it.
    pub overlay: PathBuf,
    /// Height and width.
    pub sides: [usize; 2],
    /// The classes that there are, the largest first.
    pub classes: Vec<ClassShare>,
}

/// How much of an image is of a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassShare {
    /// Its number.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// From 0 to 1.
    pub share: f64,
}

impl fmt::Display for SceneMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.classes.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{} {:.1} %", part.name, 100.0 * part.share)?;
        }
        write!(
            f,
            "; wrote {} and {}",
            self.mask.display(),
            self.overlay.display()
        )
    }
}

/// How the names of written files end.
pub(super) const ENDINGS: [&str; 2] = ["_mask.png", "_overlay.png"];

impl SceneMask {
    /// Asks a network about an image file and writes mask and overlay, beside the image or where the question
    /// says.
    ///
    /// # Errors
    ///
    /// When the image cannot be read or is of a size that the network does not take, its answer is no
    /// number, or a file exists already or cannot be written.
    pub(super) fn of_file<B: ModelBackend>(
        export: &SceneExport,
        network: &SegmentationNetwork<B>,
        input: &Path,
        question: &Question,
        device: &B::Device,
    ) -> Result<Self, TrainError> {
        let [mask, over] = places(input, question.out.as_deref())?;
        let picture = read_picture(input)?;
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        check_sides(export, [height, width], question)
            .map_err(|(found, expected)| misfit(input, found, expected))?;
        let images = normalised::<B>(&picture, &export.image, device);
        let logits = answer(network, &images, &question.views, Statistics::Running);
        let largest: f64 = logits.clone().abs().max().into_scalar().elem();
        if !largest.is_finite() {
            return Err(TrainError::NotFinite {
                what: format!("what the network says of `{}`", input.display()),
                found: "logits that are no numbers".into(),
            });
        }
        let answered: Tensor<B, 4, Int> = logits.argmax(1);
        let answered = answered.into_data();
        let classes: Vec<u8> = answered.iter::<i64>().map(|class| class as u8).collect();
        let classes_png = mask_png(&classes, [height, width]);
        write_atomic(
            &mask,
            classes_png.map_err(WorkbenchError::io("write", &mask))?,
        )?;
        let painted = picture_png(&overlay(&picture, &classes));
        write_atomic(&over, painted.map_err(WorkbenchError::io("write", &over))?)?;
        Ok(Self {
            mask,
            overlay: over,
            sides: [height, width],
            classes: shares(&classes, &export.class_names),
        })
    }
}

/// The files of an answer, none of which may exist: a mask beside an image may be the true one.
fn places(input: &Path, out: Option<&Path>) -> Result<[PathBuf; 2], TrainError> {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    let folder = out.or(input.parent()).unwrap_or(Path::new(""));
    if let Some(out) = out {
        std::fs::create_dir_all(out).map_err(WorkbenchError::io("create", out))?;
    }
    let places = ENDINGS.map(|ending| folder.join(format!("{stem}{ending}")));
    match places.iter().find(|place| place.exists()) {
        None => Ok(places),
        Some(place) => Err(TrainError::Option {
            option: "out",
            found: match out {
                Some(_) => format!("a folder with `{}`, which exists already", place.display()),
                None => format!("not given, and `{}` exists already", place.display()),
            },
            valid: "a folder without it, as it may be another answer or the true mask".into(),
        }),
    }
}

/// Checks that every view of an image has a size that the network takes.
fn check_sides(
    export: &SceneExport,
    [height, width]: [usize; 2],
    question: &Question,
) -> Result<(), (String, String)> {
    let scales = question.views.scales.iter().copied();
    for scale in scales.chain([1.0]) {
        let [rows, columns] = [height, width].map(|side| (side as f64 * scale).round() as usize);
        // Shorter views are widened to the shortest side.
        let [rows, columns] = match scale == 1.0 {
            true => [rows, columns],
            false => [rows.max(8), columns.max(8)],
        };
        if let Err(error) = export.network.validate(rows, columns) {
            return Err((format!("{height}x{width} pixels"), error.to_string()));
        }
    }
    Ok(())
}

fn misfit(input: &Path, found: String, expected: String) -> TrainError {
    TrainError::Misfit {
        what: format!("image file `{}`", input.display()),
        found,
        expected: format!("other sizes ({expected})"),
    }
}

/// `[1, 3, height, width]`.
fn normalised<B: ModelBackend>(
    picture: &RgbImage,
    image: &SceneImages,
    device: &B::Device,
) -> Tensor<B, 4> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixel = |channel: usize, value: u8| {
        (f32::from(value) / 255.0 - image.mean[channel]) / image.std[channel]
    };
    let planes = (0..3).flat_map(|channel| {
        picture
            .pixels()
            .map(move |pixels| pixel(channel, pixels.0[channel]))
    });
    let data = TensorData::new(planes.collect::<Vec<f32>>(), [1, 3, height, width]);
    Tensor::from_data(data, device)
}

fn shares(classes: &[u8], names: &[String]) -> Vec<ClassShare> {
    let mut counts = vec![0_usize; names.len()];
    for &class in classes {
        if let Some(count) = counts.get_mut(usize::from(class)) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> = (0..names.len())
        .filter(|&class| counts[class] > 0)
        .collect();
    order.sort_by_key(|&class| std::cmp::Reverse(counts[class]));
    let share = |class: usize| ClassShare {
        class,
        name: names[class].clone(),
        share: counts[class] as f64 / classes.len() as f64,
    };
    order.into_iter().map(share).collect()
}
