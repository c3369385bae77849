//! Image files to load.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageFormat, RgbImage};
use jpeg_encoder::{ColorType, Encoder};

/// The mean and deviation that a folder's images are normalised with.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Writes a file and the folders it lies in.
pub fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A JPEG file of one colour: of one component grey, of three RGB, of four CMYK.
pub fn jpeg(colour: &[u8], [width, height]: [u16; 2]) -> Vec<u8> {
    let kind = match colour.len() {
        1 => ColorType::Luma,
        3 => ColorType::Rgb,
        _ => ColorType::Cmyk,
    };
    let pixels = colour.repeat(usize::from(width) * usize::from(height));
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 100)
        .encode(&pixels, width, height, kind)
        .unwrap();
    bytes
}

/// A PNG file.
pub fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .into()
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A PNG file of one colour.
pub fn plain_png(colour: [u8; 3], [width, height]: [u32; 2]) -> Vec<u8> {
    png(RgbImage::from_pixel(width, height, image::Rgb(colour)))
}

/// What a byte of a channel becomes in a batch.
pub fn normalised(channel: usize, value: u8) -> f32 {
    (f32::from(value) / 255.0 - MEAN[channel]) / STD[channel]
}
