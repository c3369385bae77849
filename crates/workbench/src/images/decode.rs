//! A JPEG or PNG file as the bytes of an image.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::imageops::{FilterType, crop_imm, resize};
use image::{DynamicImage, ImageFormat, ImageReader, RgbImage};

use super::crop::Region;
use super::folder_options::FolderOptions;
use crate::shell::caught;
use crate::{Result, WorkbenchError};

/// Why a file is no image, as the end of a sentence.
pub(super) type Problem = String;

/// Reads one JPEG or PNG file as [`FolderOptions`] say for evaluation, in grey (1 channel) or colour
/// (3): `[channels, size, size]` from 0 to 255.
///
/// # Errors
///
/// When the file cannot be read, is cut short or is of another kind.
pub fn read_image(path: &Path, channels: usize, options: &FolderOptions) -> Result<Vec<u8>> {
    read(path, channels, [options.size; 2], |picture| {
        Region::centre(picture, options.size, options.shorter_side())
    })
}

/// Reads a whole file stretched to a height and width: `[channels, height, width]`, else as
/// [`read_image`].
///
/// # Errors
///
/// As [`read_image`].
pub fn read_stretched(path: &Path, channels: usize, sides: [u16; 2]) -> Result<Vec<u8>> {
    read(path, channels, sides, Region::whole)
}

fn read(
    path: &Path,
    channels: usize,
    sides: [u16; 2],
    region: impl FnOnce([u32; 2]) -> Region,
) -> Result<Vec<u8>> {
    let picture = decode(path).map_err(|problem| WorkbenchError::Image {
        path: path.to_path_buf(),
        problem,
    })?;
    let picture = match channels {
        // The three planes of a grey picture are equal, and the first of them is wanted.
        1 => DynamicImage::from(picture.into_luma8()).into_rgb8(),
        _ => picture.into_rgb8(),
    };
    let mut planes = planes(&picture, region(picture.dimensions().into()), sides);
    planes.truncate(channels * sides.map(usize::from).iter().product::<usize>());
    Ok(planes)
}

/// Decodes a file by its content, whatever its name. As red, green and blue, grey becomes equal ones,
/// CMYK (inverted, as such JPEG files are in practice) becomes RGB without a colour profile, 16 bits
/// are rounded to 8 and an alpha channel is dropped. A rotation noted in EXIF data is not applied.
pub(super) fn decode(path: &Path) -> std::result::Result<DynamicImage, Problem> {
    let bytes = fs::read(path).map_err(|error| format!("it cannot be read ({error})"))?;
    // The decoders promise errors, but files from anywhere reach their rarest paths.
    caught(|| decode_bytes(&bytes))
        .unwrap_or_else(|| Err("its content makes the decoder fail".into()))
}

fn decode_bytes(bytes: &[u8]) -> std::result::Result<DynamicImage, Problem> {
    let format = image::guess_format(bytes)
        .ok()
        .filter(|format| matches!(format, ImageFormat::Jpeg | ImageFormat::Png))
        .ok_or("its content is neither JPEG nor PNG")?;
    // The JPEG decoder fills what is missing with grey and says nothing.
    if format == ImageFormat::Jpeg && !has_end(bytes) {
        return Err("it is cut short".into());
    }
    let decoded = ImageReader::with_format(Cursor::new(bytes), format).decode();
    decoded.map_err(|error| {
        let words = error.to_string();
        let words: Vec<&str> = words.split_whitespace().collect();
        format!("it cannot be decoded ({})", words.join(" "))
    })
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

/// A rectangle of a picture as bytes `[3, height, width]`. It is resized by linear interpolation,
/// widened to the pixels that fall on one where it shrinks.
pub(super) fn planes(picture: &RgbImage, region: Region, [height, width]: [u16; 2]) -> Vec<u8> {
    let view = crop_imm(
        picture,
        region.left,
        region.top,
        region.width,
        region.height,
    );
    let resized = resize(&*view, width.into(), height.into(), FilterType::Triangle);
    let plane = usize::from(height) * usize::from(width);
    let mut planes = vec![0; 3 * plane];
    for (at, pixel) in resized.pixels().enumerate() {
        for (channel, value) in pixel.0.into_iter().enumerate() {
            planes[channel * plane + at] = value;
        }
    }
    planes
}
