//! An image file as the bytes of an image.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::imageops::{FilterType, crop_imm, resize};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::crop::Region;
use super::folder_options::FolderOptions;
use crate::shell::caught;
use crate::{Result, WorkbenchError};

/// How names of image files end.
pub(super) const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "bmp"];

/// What a picture may take when it is decoded, as red, green and blue of 8 bits or as its file has it:
/// 178 million pixels of usual depth.
const MAX_BYTES: u64 = 512 << 20;

/// Why a file is no image, as the end of a sentence.
pub(crate) type Problem = String;

/// Reads one image file as [`FolderOptions`] say for evaluation, in grey (1 channel) or colour (3):
/// `[channels, size, size]` from 0 to 255.
///
/// # Errors
///
/// When the file cannot be read, is cut short, too large or of another kind.
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
    let picture = decode(path, channels).map_err(|problem| WorkbenchError::Image {
        path: path.to_path_buf(),
        problem,
    })?;
    let region = region(picture.dimensions().into());
    Ok(planes(&picture, region, sides, channels))
}

/// Decodes a file by its content, whatever its name, and turns it as its EXIF data say it was held. As
/// red, green and blue, grey becomes equal ones, and colour too where one channel is wanted; CMYK
/// (inverted, as such JPEG files are in practice) becomes RGB without a colour profile, 16 bits are
/// rounded to 8 and an alpha channel is dropped.
pub(crate) fn decode(path: &Path, channels: usize) -> std::result::Result<RgbImage, Problem> {
    let unread = |error| format!("it cannot be read ({error})");
    let size = fs::metadata(path).map_err(unread)?.len();
    if size > MAX_BYTES {
        return Err(format!("it has {} MiB", size >> 20));
    }
    let bytes = fs::read(path).map_err(unread)?;
    // The decoders promise errors, but files from anywhere reach their rarest paths.
    let picture = caught(|| decode_bytes(&bytes))
        .unwrap_or_else(|| Err("its content makes the decoder fail".into()))?;
    Ok(match channels {
        // The three planes of a grey picture are equal, and the first of them is wanted.
        1 => DynamicImage::from(picture.into_luma8()).into_rgb8(),
        _ => picture.into_rgb8(),
    })
}

fn decode_bytes(bytes: &[u8]) -> std::result::Result<DynamicImage, Problem> {
    let format = image::guess_format(bytes)
        .ok()
        .filter(|format| {
            use ImageFormat::{Bmp, Jpeg, Png, WebP};
            matches!(format, Jpeg | Png | WebP | Bmp)
        })
        .ok_or("its content is not JPEG, PNG, WebP or BMP")?;
    // These decoders fill in what is missing and say nothing.
    let whole = match format {
        ImageFormat::Jpeg => has_end(bytes),
        ImageFormat::WebP => has_stated_size(bytes),
        _ => true,
    };
    if !whole {
        return Err("it is cut short".into());
    }
    let undecodable = |error: image::ImageError| {
        let words = error.to_string();
        let words: Vec<&str> = words.split_whitespace().collect();
        format!("it cannot be decoded ({})", words.join(" "))
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    check_size(&decoder)?;
    let exif = match decoder.exif_metadata() {
        Ok(Some(exif)) => Some(exif),
        // Behind the pixels of a PNG file the decoder has not come yet.
        _ if format == ImageFormat::Png => png_exif(bytes).map(<[u8]>::to_vec),
        _ => None,
    };
    let mut picture = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    picture.apply_orientation(
        exif.and_then(orientation)
            .unwrap_or(Orientation::NoTransforms),
    );
    Ok(picture)
}

/// Refuses a picture that would take too much memory, before it is taken.
fn check_size(decoder: &impl ImageDecoder) -> std::result::Result<(), Problem> {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let depth = u64::from(decoder.color_type().bytes_per_pixel()).max(3);
    let bytes = pixels.saturating_mul(depth);
    if pixels == 0 || bytes > MAX_BYTES {
        let mebibytes = bytes >> 20;
        return Err(format!(
            "it has {width}x{height} pixels, which take {mebibytes} MiB"
        ));
    }
    Ok(())
}

fn orientation(exif: Vec<u8>) -> Option<Orientation> {
    // Some writers of WebP leave the mark of a JPEG segment before the data.
    let data = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
    Orientation::from_exif_chunk(data)
}

/// The EXIF chunk of a PNG file, wherever in it.
fn png_exif(bytes: &[u8]) -> Option<&[u8]> {
    // Behind the signature.
    let mut at = 8;
    loop {
        let size = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        let end = (at + 8).checked_add(size)?;
        if bytes.get(at + 4..at + 8)? == b"eXIf" {
            return bytes.get(at + 8..end);
        }
        // A checksum follows.
        at = end.checked_add(4)?;
    }
}

/// Whether a WebP file is as long as it says.
fn has_stated_size(bytes: &[u8]) -> bool {
    let stated = bytes.get(4..8).and_then(|size| size.try_into().ok());
    stated.is_some_and(|size| bytes.len() as u64 >= 8 + u64::from(u32::from_le_bytes(size)))
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

/// A rectangle of a picture as bytes `[channels, height, width]`. It is resized by linear
/// interpolation, widened to the pixels that fall on one where it shrinks.
pub(super) fn planes(
    picture: &RgbImage,
    region: Region,
    [height, width]: [u16; 2],
    channels: usize,
) -> Vec<u8> {
    let view = crop_imm(
        picture,
        region.left,
        region.top,
        region.width,
        region.height,
    );
    let resized = resize(&*view, width.into(), height.into(), FilterType::Triangle);
    let plane = usize::from(height) * usize::from(width);
    let mut planes = vec![0; channels * plane];
    for (at, pixel) in resized.pixels().enumerate() {
        for (channel, value) in pixel.0.into_iter().take(channels).enumerate() {
            planes[channel * plane + at] = value;
        }
    }
    planes
}
