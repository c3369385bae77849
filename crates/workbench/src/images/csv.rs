//! The bundled layout: gzipped lines of pixels, then the label.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::{Result, WorkbenchError};

/// What a file of lines must hold.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Lines, one image each.
    pub(super) count: usize,
    /// Pixels of an image.
    pub(super) pixels: usize,
    /// The largest pixel.
    pub(super) pixel_max: u8,
    /// Labels are below this.
    pub(super) classes: usize,
}

/// Reads pixels, `[count, pixels]`, and labels, `[count]`. `file` is how errors call the file.
pub(super) fn read(file: &str, gzipped: &[u8], layout: Layout) -> Result<(Vec<u8>, Vec<u16>)> {
    let text = unpack(file, gzipped, layout)?;
    let mut images = Vec::with_capacity(layout.count * layout.pixels);
    let mut labels = Vec::with_capacity(layout.count);
    for (index, line) in text.lines().enumerate() {
        read_line(line, layout, &mut images, &mut labels).map_err(|(found, valid)| {
            WorkbenchError::Data {
                file: file.to_string(),
                place: format!("line {}", index + 1),
                found,
                valid,
            }
        })?;
    }
    if labels.len() != layout.count {
        return Err(WorkbenchError::Data {
            file: file.to_string(),
            place: "whole file".into(),
            found: format!("{} lines", labels.len()),
            valid: format!("exactly {} lines, one an image", layout.count),
        });
    }
    Ok((images, labels))
}

fn unpack(file: &str, gzipped: &[u8], layout: Layout) -> Result<String> {
    let mut bytes = Vec::new();
    // No valid file is longer, so that a wrong one cannot fill the memory.
    let limit = (layout.count * (layout.pixels + 1) * 5) as u64;
    let outcome = MultiGzDecoder::new(gzipped)
        .take(limit)
        .read_to_end(&mut bytes);
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    let broken = |found: String| WorkbenchError::Data {
        file: file.to_string(),
        place: format!("line {lines}"),
        found,
        valid: format!("a whole gzip file of {} lines", layout.count),
    };
    outcome.map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => broken("the end of a file that is cut short".into()),
        _ => broken(format!("bytes that are no gzip data ({error})")),
    })?;
    String::from_utf8(bytes).map_err(|_| broken("bytes that are no text".into()))
}

/// Appends one image and its label, or says what was found and what is valid.
fn read_line(
    line: &str,
    layout: Layout,
    images: &mut Vec<u8>,
    labels: &mut Vec<u16>,
) -> std::result::Result<(), (String, String)> {
    let fields = line.split(',').count();
    if fields != layout.pixels + 1 {
        let valid = format!("{} pixels and a label, separated by commas", layout.pixels);
        return Err((format!("{fields} fields"), valid));
    }
    for (index, field) in line.split(',').enumerate() {
        let label = index == layout.pixels;
        let largest = if label {
            layout.classes - 1
        } else {
            layout.pixel_max.into()
        };
        let number = field
            .trim()
            .parse::<u16>()
            .ok()
            .filter(|n| usize::from(*n) <= largest);
        let Some(number) = number else {
            let what = if label {
                "label".into()
            } else {
                format!("pixel {}", index + 1)
            };
            let found = format!(
                "`{}` as {what}",
                field.trim().chars().take(20).collect::<String>()
            );
            return Err((found, format!("an integer from 0 to {largest}")));
        };
        if label {
            labels.push(number)
        } else {
            images.push(number as u8)
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    const LAYOUT: Layout = Layout {
        count: 3,
        pixels: 2,
        pixel_max: 16,
        classes: 10,
    };

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn message(text: &str) -> String {
        read("x.csv.gz", &gzip(text), LAYOUT)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn pixels_and_labels_are_told_apart() {
        let (images, labels) = read("x", &gzip("0,1,9\n2,16,0\n4,5,1\n"), LAYOUT).unwrap();
        assert_eq!((images, labels), (vec![0, 1, 2, 16, 4, 5], vec![9, 0, 1]));
    }

    #[test]
    fn a_cut_file_is_named_with_the_line_it_ends_in() {
        let whole = gzip("0,1,9\n2,16,0\n4,5,1\n");
        let message = read("x.csv.gz", &whole[..whole.len() - 9], LAYOUT)
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("data file `x.csv.gz`, line "),
            "{message}"
        );
        assert!(
            message.contains("cut short; valid is a whole gzip file of 3 lines"),
            "{message}"
        );
    }

    #[test]
    fn a_file_that_is_not_gzip_is_refused() {
        let message = read("x.csv.gz", b"0,1,9\n", LAYOUT)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("no gzip data") || message.contains("cut short"),
            "{message}"
        );
    }

    #[test]
    fn too_few_lines_are_counted() {
        assert_eq!(
            message("0,1,9\n2,16,0\n"),
            "data file `x.csv.gz`, whole file: found 2 lines; valid is exactly 3 lines, one an image"
        );
    }

    #[test]
    fn a_wrong_line_is_named_with_what_is_wrong() {
        let line = |text: &str| message(&format!("0,1,9\n{text}\n4,5,1\n"));
        let start = "data file `x.csv.gz`, line 2: found ";
        assert_eq!(
            line("2,16,10"),
            format!("{start}`10` as label; valid is an integer from 0 to 9")
        );
        assert_eq!(
            line("2,17,0"),
            format!("{start}`17` as pixel 2; valid is an integer from 0 to 16")
        );
        assert_eq!(
            line("two,1,0"),
            format!("{start}`two` as pixel 1; valid is an integer from 0 to 16")
        );
        assert_eq!(
            line("2,0"),
            format!("{start}2 fields; valid is 2 pixels and a label, separated by commas")
        );
    }
}
