//! Files of text.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::{Result, WorkbenchError, files};

/// Reads a file of text in UTF-8, with `\n` at the ends of its lines whichever it has.
///
/// # Errors
///
/// When the file cannot be read or is in another encoding.
pub(super) fn read_text(path: &Path) -> Result<String> {
    text_of(&path.display().to_string(), files::read(path)?)
}

/// Unpacks a file of text; `file` is how errors call it.
///
/// # Errors
///
/// When it is no whole gzip file of text in UTF-8.
pub(super) fn unpack_text(file: &str, gzipped: &[u8]) -> Result<String> {
    let mut bytes = Vec::new();
    match MultiGzDecoder::new(gzipped).read_to_end(&mut bytes) {
        Ok(_) => text_of(file, bytes),
        Err(error) => {
            let found = format!("no whole gzip data ({error})");
            Err(whole(file, found, "a gzip file of text"))
        }
    }
}

fn text_of(file: &str, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        WorkbenchError::Data {
            file: file.into(),
            place: format!("line {line}"),
            found: "bytes that are not UTF-8".into(),
            valid: "text in UTF-8".into(),
        }
    })?;
    // Some editors begin a file with a mark of its encoding.
    let text = text
        .strip_prefix('\u{feff}')
        .map(String::from)
        .unwrap_or(text);
    Ok(match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text,
    })
}

/// The `.txt` files of a folder, sorted by name; hidden ones are passed over.
///
/// # Errors
///
/// When the folder cannot be listed.
pub fn text_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || WorkbenchError::io("list", folder);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(list())? {
        let path = entry.map_err(list())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_text = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("txt"));
        if is_text && !name.starts_with('.') && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A file or folder that as a whole is not what it should be.
pub(super) fn whole(file: &str, found: String, valid: &str) -> WorkbenchError {
    WorkbenchError::Data {
        file: file.into(),
        place: "as a whole".into(),
        found,
        valid: valid.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_is_read_as_one_and_a_mark_of_the_encoding_left_out() {
        let text = text_of("x", b"\xef\xbb\xbfa\r\nb\rc\n".to_vec()).unwrap();
        assert_eq!(text, "a\nb\nc\n");
    }

    #[test]
    fn another_encoding_is_refused_with_its_line() {
        let message = text_of("x.txt", b"a\nb \xe9t\xe9\n".to_vec()).unwrap_err();
        let expected =
            "data file `x.txt`, line 2: found bytes that are not UTF-8; valid is text in UTF-8";
        assert_eq!(message.to_string(), expected);
    }

    #[test]
    fn what_is_no_gzip_file_is_refused() {
        let message = unpack_text("x.txt.gz", b"plain").unwrap_err().to_string();
        assert!(
            message.contains("`x.txt.gz`") && message.contains("no whole gzip"),
            "{message}"
        );
    }
}
