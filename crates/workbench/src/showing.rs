//! What a network answers, collected for a page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use burn::tensor::{Tensor, backend::Backend};
use image::RgbImage;
use image::imageops::{FilterType, resize};

use crate::problem::{Confusion, Problem, Showing};
use crate::report::{Block, Chapter, Picture, Sample};
use crate::scenes::picture_png;
use crate::scoring::count_classes;

/// Hears the answers to the examples of a split: counts what classes are taken for, and keeps some examples.
#[derive(Debug)]
pub struct Listener {
    showing: Showing,
    confusion: Option<Confusion>,
    samples: Vec<Sample>,
    mistakes: Vec<Sample>,
}

impl Listener {
    /// Nothing heard yet.
    pub fn new<P: Problem>(problem: &P) -> Self {
        Self {
            showing: P::SHOWING,
            confusion: problem.classes().map(Confusion::new),
            samples: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// Hears the answer to a batch.
    pub fn hear<P: Problem, B: Backend>(
        &mut self,
        problem: &P,
        answer: &P::Answer<B>,
        batch: &P::Batch<B>,
    ) {
        if let Some(confusion) = &mut self.confusion {
            count_classes(problem, answer, batch, confusion);
        }
        let most = self.showing.most;
        let mut first = 0;
        while self.samples.len() < most && first < problem.batch_size(batch) {
            self.samples.extend(problem.shown(answer, batch, first));
            first += 1;
        }
        if self.mistakes.len() >= most || P::CLASSIFIED != P::EXAMPLES {
            return;
        }
        for at in mistaken(problem, answer, batch) {
            // What was shown already is not shown again.
            if at >= first && self.mistakes.len() < most {
                self.mistakes.extend(problem.shown(answer, batch, at));
            }
        }
    }

    /// What classes were taken for; none where an answer is no class.
    pub fn confusion(&self) -> Option<&Confusion> {
        self.confusion.as_ref()
    }

    /// The examples that were kept.
    pub fn chapters(self) -> Vec<Chapter> {
        let of = |title: &str, text: &str, samples: Vec<Sample>| {
            let text = text.into();
            let block = (!samples.is_empty()).then_some(Block::Samples { text, samples });
            Chapter::of(title, block.into_iter().collect())
        };
        let chapters = [
            of("Answers", self.showing.text, self.samples),
            of(
                "Mistakes",
                "Further examples that were answered wrongly.",
                self.mistakes,
            ),
        ];
        chapters.into_iter().flatten().collect()
    }
}

/// Places of the examples of a batch that were taken for another class.
fn mistaken<P: Problem, B: Backend>(
    problem: &P,
    answer: &P::Answer<B>,
    batch: &P::Batch<B>,
) -> Vec<usize> {
    let Some(classified) = problem.classified(answer, batch) else {
        return Vec::new();
    };
    let [truth, answered] = [classified.truth, classified.answered].map(Tensor::into_data);
    let pairs = truth.iter::<i64>().zip(answered.iter::<i64>()).enumerate();
    let wrong = pairs.filter(|(_, (truth, answered))| *truth >= 0 && truth != answered);
    wrong.map(|(at, _)| at).collect()
}

/// An image `[3 or 1, height, width]` that was normalised with these constants of its channels, as it was;
/// none where it has another number of channels or no pixel.
pub fn denormalised<B: Backend>(
    image: Tensor<B, 3>,
    mean: &[f32],
    std: &[f32],
) -> Option<RgbImage> {
    let [channels, height, width] = image.dims();
    let values: Vec<f32> = image.into_data().iter::<f32>().collect();
    let colour = match channels {
        1 => [0; 3],
        3 => [0, 1, 2],
        _ => return None,
    };
    if mean.len() != channels || std.len() != channels || height * width == 0 {
        return None;
    }
    Some(RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let pixel = y as usize * width + x as usize;
        image::Rgb(colour.map(|channel| {
            let value = values[channel * height * width + pixel] * std[channel] + mean[channel];
            (255.0 * value).round().clamp(0.0, 255.0) as u8
        }))
    }))
}

/// How a picture is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shrinking {
    /// Neighbouring pixels are mixed, as of a photograph.
    Smooth,
    /// Pixels are left out, as of a mask, whose colours have a meaning.
    Exact,
}

/// A picture for a page, no side longer than `most` pixels; none where it has no pixel.
pub fn picture(image: &RgbImage, most: u32, shrinking: Shrinking) -> Option<Picture> {
    let (width, height) = image.dimensions();
    let longest = width.max(height);
    let side =
        |side: u32| (u64::from(side) * u64::from(most) / u64::from(longest.max(1))).max(1) as u32;
    let filter = match shrinking {
        Shrinking::Smooth => FilterType::Triangle,
        Shrinking::Exact => FilterType::Nearest,
    };
    let small = (longest > most).then(|| resize(image, side(width), side(height), filter));
    let image = small.as_ref().unwrap_or(image);
    Some(Picture {
        png: STANDARD.encode(picture_png(image).ok()?),
        width: image.width(),
        height: image.height(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    #[test]
    fn an_image_is_shown_as_it_was_before_it_was_normalised() {
        let device = Default::default();
        let pixels =
            Tensor::<Flex, 3>::from_floats([[[-1.0, 1.0]], [[0.0, 0.5]], [[9.0, -9.0]]], &device);
        let image = denormalised(pixels, &[0.5; 3], &[0.5; 3]).unwrap();
        assert_eq!(image.into_raw(), [0, 128, 255, 255, 191, 0]);
        let grey = Tensor::<Flex, 3>::from_floats([[[0.0, 1.0]]], &device);
        let image = denormalised(grey.clone(), &[0.0], &[1.0]).unwrap();
        assert_eq!(image.into_raw(), [0, 0, 0, 255, 255, 255]);
        assert!(denormalised(grey, &[0.0; 3], &[1.0; 3]).is_none());
    }

    #[test]
    fn a_large_picture_is_made_smaller_and_keeps_its_form() {
        let image = RgbImage::from_fn(400, 100, |x, _| image::Rgb([(x % 2) as u8 * 255, 0, 0]));
        let small = picture(&image, 100, Shrinking::Exact).unwrap();
        assert_eq!((small.width, small.height), (100, 25));
        let bytes = STANDARD.decode(small.png).unwrap();
        let read = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert!(read.pixels().all(|pixel| [0, 255].contains(&pixel.0[0])));
        let own = picture(&RgbImage::new(3, 2), 100, Shrinking::Smooth).unwrap();
        assert_eq!((own.width, own.height), (3, 2));
        let line = picture(&RgbImage::new(1000, 1), 100, Shrinking::Smooth).unwrap();
        assert_eq!((line.width, line.height), (100, 1));
    }
}
