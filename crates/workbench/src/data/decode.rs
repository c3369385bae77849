//! A JPEG or PNG file as the bytes of an image.

use std::fs;
use std::io::Cursor;
use std::panic::catch_unwind;
use std::path::Path;

use image::imageops::{FilterType, crop_imm, resize};
use image::{ImageFormat, ImageReader, RgbImage};

use super::crop::Region;
use super::folder::FolderOptions;
use crate::{Result, WorkbenchError};

/// Why a file is no image, as the end of a sentence.
pub(super) type Problem = String;

/// Reads one JPEG or PNG file as [`FolderOptions`] say for evaluation: `[3, size, size]`, red, green
/// and blue from 0 to 255.
///
/// # Errors
///
/// When the file cannot be read, is cut short or is of another kind.
pub fn read_image(path: &Path, options: &FolderOptions) -> Result<Vec<u8>> {
    let read = || {
        let picture = decode(path)?;
        let (size, side) = (options.size, options.shorter_side());
        let region = Region::centre(picture.dimensions().into(), size, side);
        Ok(planes(&picture, region, size))
    };
    read().map_err(|problem: Problem| WorkbenchError::Image {
        path: path.to_path_buf(),
        problem,
    })
}

/// Decodes a file by its content, whatever its name. Grey becomes equal red, green and blue, CMYK
/// (inverted, as such JPEG files are in practice) becomes RGB without a colour profile, 16 bits are
/// rounded to 8 and an alpha channel is dropped. A rotation noted in EXIF data is not applied.
pub(super) fn decode(path: &Path) -> std::result::Result<RgbImage, Problem> {
    let bytes = fs::read(path).map_err(|error| format!("it cannot be read ({error})"))?;
    // The decoders promise errors, but files from anywhere reach their rarest paths.
    catch_unwind(|| decode_bytes(&bytes))
        .unwrap_or_else(|_| Err("its content makes the decoder fail".into()))
}

fn decode_bytes(bytes: &[u8]) -> std::result::Result<RgbImage, Problem> {
    let format = image::guess_format(bytes)
        .ok()
        .filter(|format| matches!(format, ImageFormat::Jpeg | ImageFormat::Png))
        .ok_or("its content is neither JPEG nor PNG")?;
    // The JPEG decoder fills what is missing with grey and says nothing.
    if format == ImageFormat::Jpeg && !has_end(bytes) {
        return Err("it is cut short".into());
    }
    let decoded = ImageReader::with_format(Cursor::new(bytes), format).decode();
    decoded
        .map(|picture| picture.into_rgb8())
        .map_err(|error| format!("it cannot be decoded ({error})"))
}

/// Whether a JPEG file goes on to its end-of-image marker. What lies behind that does not matter;
/// previews within the header have such markers too, so segments are passed over as a whole.
fn has_end(bytes: &[u8]) -> bool {
    const END: u8 = 0xD9;
    // Behind the start-of-image marker.
    let mut at = 2;
    loop {
        // Compressed data holds 0xFF only before a zero, a restart marker or a fill byte.
        let Some(found) = bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|b| *b == 0xFF))
        else {
            return false;
        };
        at += found + 1;
        match bytes.get(at) {
            None => return false,
            Some(&END) => return true,
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else {
                    return false;
                };
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
}

/// A rectangle of a picture as bytes `[3, size, size]`. It is resized by linear interpolation,
/// widened to the pixels that fall on one where it shrinks.
pub(super) fn planes(picture: &RgbImage, region: Region, size: u16) -> Vec<u8> {
    let Region {
        left,
        top,
        width,
        height,
    } = region;
    let view = crop_imm(picture, left, top, width, height);
    let side = u32::from(size);
    let resized = resize(&*view, side, side, FilterType::Triangle);
    let plane = usize::from(size) * usize::from(size);
    let mut planes = vec![0; 3 * plane];
    for (at, pixel) in resized.pixels().enumerate() {
        for (channel, value) in pixel.0.into_iter().enumerate() {
            planes[channel * plane + at] = value;
        }
    }
    planes
}
