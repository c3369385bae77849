//! The mask of an image: a PNG file with a class for every pixel.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, Transformations};

use super::IGNORED;
use super::colours::class_colour;
use crate::{Result, WorkbenchError, files};

/// What the pixels of masks mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MaskCode {
    /// A pixel is the number of its class, below this, or [`IGNORED`].
    Numbers(usize),
    /// The colour of a pixel stands for its class, or for [`IGNORED`].
    Colours(BTreeMap<[u8; 3], u8>),
}

impl MaskCode {
    /// The colours of the classes in their order; VOC's colour of [`IGNORED`] stands for that where it is
    /// no class's.
    pub(super) fn of_colours(colours: &[[u8; 3]]) -> Self {
        let classes = colours
            .iter()
            .zip(0..)
            .map(|(&colour, class)| (colour, class));
        let ignored = (class_colour(IGNORED), IGNORED);
        Self::Colours([ignored].into_iter().chain(classes).collect())
    }

    fn valid(&self) -> String {
        match self {
            Self::Numbers(classes) => {
                let last = classes - 1;
                format!(
                    "0 to {last} for the configured {classes} classes, or {IGNORED} for a pixel that does not count"
                )
            }
            Self::Colours(colours) => {
                let names: Vec<String> = colours.keys().map(hex).collect();
                format!("one of the configured colours, {}", names.join(", "))
            }
        }
    }
}

/// A colour as configurations write it.
fn hex([red, green, blue]: &[u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// What a mask may be, as the end of a sentence.
const KINDS: &str = "a PNG file with a palette or in grey, of 8 bits or less, whose pixels are the numbers of classes";

fn refused(path: &Path, place: &str, found: String, valid: String) -> WorkbenchError {
    WorkbenchError::Data {
        file: path.display().to_string(),
        place: place.into(),
        found,
        valid,
    }
}

fn unreadable(path: &Path) -> impl Fn(png::DecodingError) -> WorkbenchError {
    move |error| {
        refused(
            path,
            "whole file",
            format!("no whole PNG file ({error})"),
            KINDS.into(),
        )
    }
}

/// Height and width of a mask, as its header says.
///
/// # Errors
///
/// When the file cannot be read or is no PNG.
pub(super) fn mask_sides(path: &Path) -> Result<[usize; 2]> {
    let file = File::open(path).map_err(WorkbenchError::io("read", path))?;
    let reader = Decoder::new(BufReader::new(file)).read_info();
    let reader = reader.map_err(unreadable(path))?;
    let (width, height) = reader.info().size();
    Ok([height as usize, width as usize])
}

/// The classes `[height, width]` of the image with these sides, by a mask.
///
/// # Errors
///
/// When the file cannot be read, is no mask, has another size or a pixel that stands for no class.
pub(super) fn read_mask(
    path: &Path,
    [height, width]: [usize; 2],
    code: &MaskCode,
) -> Result<Vec<u8>> {
    let bytes = files::read(path)?;
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(unreadable(path))?;
    let found = reader.info().size();
    if found != (width as u32, height as u32) {
        let found = format!("{}x{} pixels (width and height)", found.0, found.1);
        let valid = format!("{width}x{height}, the size of its image");
        return Err(refused(path, "whole file", found, valid));
    }
    let (colour, depth) = (reader.info().color_type, reader.info().bit_depth);
    let colours = matches!(code, MaskCode::Colours(_));
    let kind = |found: &str| {
        let more = match colours {
            true => "",
            false => "; where colours stand for classes, say them in `data.folder.colours`",
        };
        Err(refused(
            path,
            "whole file",
            found.into(),
            format!("{KINDS}{more}"),
        ))
    };
    match (colour, depth) {
        (_, BitDepth::Sixteen) => return kind("a picture of 16 bits a value"),
        (ColorType::GrayscaleAlpha | ColorType::Rgba, _) => {
            return kind("a picture with an alpha channel");
        }
        (ColorType::Rgb, _) if !colours => return kind("a picture of red, green and blue"),
        (ColorType::Grayscale | ColorType::Indexed | ColorType::Rgb, _) => {}
    }
    let palette = reader.info().palette.as_deref().map(<[u8]>::to_vec);
    let size = reader.output_buffer_size().unwrap_or_default();
    let mut buffer = vec![0; size];
    let frame = reader.next_frame(&mut buffer).map_err(unreadable(path))?;
    let lines = buffer.chunks_exact(frame.line_size.max(1)).take(height);
    let mut classes = Vec::with_capacity(height * width);
    for (row, line) in lines.enumerate() {
        for column in 0..width {
            let class = match colour {
                ColorType::Rgb => code.of_colour([0, 1, 2].map(|at| line[3 * column + at])),
                _ => code.of_value(value(line, column, depth), depth, palette.as_deref()),
            };
            classes.push(class.map_err(|found| {
                let place = format!("pixel in row {}, column {}", row + 1, column + 1);
                refused(path, &place, found, code.valid())
            })?);
        }
    }
    Ok(classes)
}

/// The value at a place of a line, of which several may share a byte.
fn value(line: &[u8], column: usize, depth: BitDepth) -> u8 {
    let bits = match depth {
        BitDepth::One => 1,
        BitDepth::Two => 2,
        BitDepth::Four => 4,
        BitDepth::Eight | BitDepth::Sixteen => return line[column],
    };
    let at = column * bits;
    let byte = line[at / 8] >> (8 - bits - at % 8);
    byte & ((1 << bits) - 1)
}

impl MaskCode {
    /// The class of a value of a grey picture or one with a palette, or what was found.
    fn of_value(
        &self,
        value: u8,
        depth: BitDepth,
        palette: Option<&[u8]>,
    ) -> std::result::Result<u8, String> {
        match self {
            Self::Numbers(classes) => match value == IGNORED || usize::from(value) < *classes {
                true => Ok(value),
                false => Err(format!("class {value}")),
            },
            Self::Colours(_) => {
                let grey = || {
                    let most = ((1u16 << depth as u8) - 1) as u8;
                    [value * (255 / most); 3]
                };
                let at = 3 * usize::from(value);
                let colour = palette.and_then(|palette| palette.get(at..at + 3)?.try_into().ok());
                self.of_colour(colour.unwrap_or_else(grey))
            }
        }
    }

    fn of_colour(&self, colour: [u8; 3]) -> std::result::Result<u8, String> {
        match self {
            Self::Colours(colours) => colours
                .get(&colour)
                .copied()
                .ok_or_else(|| format!("the colour {}", hex(&colour))),
            Self::Numbers(_) => Err(format!("the colour {}", hex(&colour))),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::*;
    use crate::scenes::mask_png;
    use png::Encoder;

    /// A PNG file of these bytes.
    pub(in crate::scenes) fn png(
        colour: ColorType,
        depth: BitDepth,
        sides: [usize; 2],
        bytes: &[u8],
    ) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, sides[1] as u32, sides[0] as u32);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if colour == ColorType::Indexed {
            encoder.set_palette((0..=15).flat_map(class_colour).collect::<Vec<u8>>());
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(bytes).unwrap();
        writer.finish().unwrap();
        file
    }

    fn read(file: &[u8], sides: [usize; 2], code: &MaskCode) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cat.png");
        fs::write(&path, file).unwrap();
        read_mask(&path, sides, code)
    }

    fn message(file: &[u8], code: &MaskCode) -> String {
        let message = read(file, [2, 2], code).unwrap_err().to_string();
        assert!(message.contains("cat.png`"), "{message}");
        message
    }

    const THREE: MaskCode = MaskCode::Numbers(3);

    #[test]
    fn numbers_of_classes_are_read_with_a_palette_and_in_grey() {
        let classes = [0, 2, 255, 1, 0, 2];
        let palette = mask_png(&classes, [2, 3]).unwrap();
        assert_eq!(read(&palette, [2, 3], &THREE).unwrap(), classes);
        let grey = png(ColorType::Grayscale, BitDepth::Eight, [2, 3], &classes);
        assert_eq!(read(&grey, [2, 3], &THREE).unwrap(), classes);
    }

    #[test]
    fn several_numbers_may_share_a_byte() {
        // Rows begin with a byte of their own.
        for (colour, depth, bytes) in [
            (
                ColorType::Indexed,
                BitDepth::Four,
                &[0x01, 0x20, 0x21, 0x00][..],
            ),
            (
                ColorType::Grayscale,
                BitDepth::Two,
                &[0b0001_1000, 0b1001_0000],
            ),
        ] {
            let file = png(colour, depth, [2, 3], bytes);
            assert_eq!(read(&file, [2, 3], &THREE).unwrap(), [0, 1, 2, 2, 1, 0]);
        }
        let file = png(
            ColorType::Grayscale,
            BitDepth::One,
            [1, 9],
            &[0b0110_0001, 0x80],
        );
        assert_eq!(
            read(&file, [1, 9], &THREE).unwrap(),
            [0, 1, 1, 0, 0, 0, 0, 1, 1]
        );
    }

    #[test]
    fn what_is_no_mask_is_named_with_what_would_be_one() {
        let of = |colour, depth, bytes: &[u8]| message(&png(colour, depth, [2, 2], bytes), &THREE);
        let rgb = of(ColorType::Rgb, BitDepth::Eight, &[0; 12]);
        assert!(
            rgb.contains("found a picture of red, green and blue; valid is a PNG file"),
            "{rgb}"
        );
        assert!(rgb.contains("data.folder.colours"), "{rgb}");
        let deep = of(ColorType::Grayscale, BitDepth::Sixteen, &[0; 8]);
        assert!(deep.contains("found a picture of 16 bits"), "{deep}");
        let alpha = of(ColorType::Rgba, BitDepth::Eight, &[0; 16]);
        assert!(
            alpha.contains("found a picture with an alpha channel"),
            "{alpha}"
        );
        let text = message(b"no picture", &THREE);
        assert!(text.contains("no whole PNG file"), "{text}");
        let whole = mask_png(&[0; 4], [2, 2]).unwrap();
        let cut = message(&whole[..whole.len() - 20], &THREE);
        assert!(cut.contains("no whole PNG file"), "{cut}");
    }

    #[test]
    fn a_class_or_a_size_that_does_not_fit_is_named() {
        let unknown = message(&mask_png(&[0, 0, 0, 3], [2, 2]).unwrap(), &THREE);
        let expected = "pixel in row 2, column 2: found class 3; valid is 0 to 2";
        assert!(unknown.contains(expected), "{unknown}");
        let large = message(&mask_png(&[0; 6], [2, 3]).unwrap(), &THREE);
        let expected = "found 3x2 pixels (width and height); valid is 2x2, the size of its image";
        assert!(large.contains(expected), "{large}");
    }

    #[test]
    fn colours_stand_for_classes_where_they_are_configured() {
        let code = MaskCode::of_colours(&[[0; 3], [255; 3], [255, 0, 0]]);
        let rgb = [[0; 3], [255; 3], [255, 0, 0], [224, 224, 192]].concat();
        let file = png(ColorType::Rgb, BitDepth::Eight, [2, 2], &rgb);
        assert_eq!(read(&file, [2, 2], &code).unwrap(), [0, 1, 2, 255]);
        let grey = png(
            ColorType::Grayscale,
            BitDepth::Eight,
            [2, 2],
            &[0, 255, 255, 0],
        );
        assert_eq!(read(&grey, [2, 2], &code).unwrap(), [0, 1, 1, 0]);
        let bits = png(ColorType::Grayscale, BitDepth::One, [2, 2], &[0x40, 0x80]);
        assert_eq!(read(&bits, [2, 2], &code).unwrap(), [0, 1, 1, 0]);
        let palette = mask_png(&[0, 0, 0, 1], [2, 2]).unwrap();
        let unknown = message(&palette, &code);
        let expected = "found the colour #800000; valid is one of the configured colours, #000000";
        assert!(unknown.contains(expected), "{unknown}");
    }
}
