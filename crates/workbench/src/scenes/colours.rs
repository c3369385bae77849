//! Masks as pictures.

use std::io;

use image::RgbImage;
use png::{BitDepth, ColorType, Encoder};

/// Red, green and blue of a class as PASCAL VOC draws it: each colour takes every third bit of the number,
/// the lowest bit first, from its highest bit on.
pub fn class_colour(class: u8) -> [u8; 3] {
    let bit = |at: u8| (u16::from(class) >> at & 1) as u8;
    let bits = |from: u8| (0..3).fold(0, |sum: u8, at| sum | bit(3 * at + from) << (7 - at));
    [bits(0), bits(1), bits(2)]
}

/// A PNG file of classes `[height, width]` with VOC's palette: its pixels are the numbers of the classes.
///
/// # Errors
///
/// When there is not one number for each pixel.
pub fn mask_png(classes: &[u8], [height, width]: [usize; 2]) -> io::Result<Vec<u8>> {
    png([height, width], ColorType::Indexed, classes)
}

/// A PNG file of a picture.
///
/// # Errors
///
/// When it has no pixel.
pub fn picture_png(picture: &RgbImage) -> io::Result<Vec<u8>> {
    let (width, height) = picture.dimensions();
    png([height as usize, width as usize], ColorType::Rgb, picture)
}

fn png([height, width]: [usize; 2], colour: ColorType, pixels: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    if colour == ColorType::Indexed {
        encoder.set_palette((0..=255).flat_map(class_colour).collect::<Vec<u8>>());
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

/// The picture with the colours of its classes `[height, width]` laid over it, half transparent; class 0,
/// the background, leaves it as it is.
pub fn overlay(picture: &RgbImage, classes: &[u8]) -> RgbImage {
    let mut overlay = picture.clone();
    let painted = overlay.pixels_mut().zip(classes);
    for (pixel, &class) in painted.filter(|(_, class)| **class > 0) {
        let colour = class_colour(class);
        for (value, colour) in pixel.0.iter_mut().zip(colour) {
            *value = u8::midpoint(*value, colour);
        }
    }
    overlay
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_the_published_palette() {
        let published = [
            (0, [0, 0, 0]),
            (1, [128, 0, 0]),
            (2, [0, 128, 0]),
            (7, [128, 128, 128]),
            (8, [64, 0, 0]),
            (20, [0, 64, 128]),
            (255, [224, 224, 192]),
        ];
        for (class, colour) in published {
            assert_eq!(class_colour(class), colour, "{class}");
        }
    }

    #[test]
    fn background_is_not_painted_over() {
        let picture = RgbImage::from_pixel(2, 1, image::Rgb([10, 20, 30]));
        let pixels = overlay(&picture, &[0, 1]).into_raw();
        assert_eq!(pixels, [10, 20, 30, 69, 10, 15]);
    }
}
