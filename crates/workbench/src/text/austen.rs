//! The bundled corpus: six novels by Jane Austen.

use std::path::{Path, PathBuf};

use super::corpus::Corpus;
use super::plain::{Parts, number};
use super::read::{unpack_text, whole};
use super::tokenizer::{TextOptions, paragraphs};
use crate::{Result, files};

/// A file of `datasets/austen` and its copy in the binary.
macro_rules! novel {
    ($name:literal) => {
        (
            concat!($name, ".txt.gz"),
            include_bytes!(concat!("../../../../datasets/austen/", $name, ".txt.gz")),
        )
    };
}

/// The novels in the order they are read: name of the file, copy in the binary.
const NOVELS: [(&str, &[u8]); 6] = [
    novel!("sensesensibility"),
    novel!("prideprejudice"),
    novel!("mansfieldpark"),
    novel!("emma"),
    novel!("northangerabbey"),
    novel!("persuasion"),
];

/// The folder that files lie in, in a folder of data sets.
const FOLDER: &str = "austen";

/// Of so many chapters of a novel, the last is for test and the one in the middle for validation.
const PERIOD: usize = 10;

/// Reads the novels: those bundled, or those in `root`, or those in `variable` where it has them. Letters
/// are put in lower case and 10,000 words told apart.
///
/// # Errors
///
/// When a file is missing or is no gzip file of chapters in UTF-8.
pub(super) fn read(root: Option<&Path>, variable: Option<&Path>) -> Result<Corpus> {
    let folder = match root {
        // A folder of data sets, or the folder of this one.
        Some(root) => Some(below(root).unwrap_or(root.into())),
        None => variable.and_then(below),
    };
    let mut parts = Parts::default();
    for (name, bundled) in NOVELS {
        let (file, text) = match &folder {
            Some(folder) => {
                let path = folder.join(name);
                let file = path.display().to_string();
                let text = unpack_text(&file, &files::read(&path)?)?;
                (file, text)
            }
            None => (name.into(), unpack_text(name, bundled)?),
        };
        let chapters = chapters(&text);
        if chapters.len() < PERIOD {
            let found = format!("{} lines such as `Chapter 1`", chapters.len());
            return Err(whole(
                &file,
                found,
                &format!("a novel of {PERIOD} chapters or more"),
            ));
        }
        for (number, paragraphs) in (1..).zip(chapters) {
            parts[part(number)].extend(paragraphs);
        }
    }
    Ok(number(FOLDER, &parts, &TextOptions::default())?.0)
}

fn below(root: &Path) -> Option<PathBuf> {
    Some(root.join(FOLDER)).filter(|path| path.is_dir())
}

/// What a chapter, counted from 1 over the novel, is for: 0 training, 1 validation, 2 test.
fn part(chapter: usize) -> usize {
    match chapter % PERIOD {
        0 => 2,
        middle if middle == PERIOD / 2 => 1,
        _ => 0,
    }
}

/// The paragraphs of each chapter, without what editors have added: titles, ends, notes in brackets and a
/// note on the text.
fn chapters(text: &str) -> Vec<Vec<String>> {
    let mut chapters: Vec<Vec<String>> = Vec::new();
    for paragraph in paragraphs(text) {
        let upper = paragraph.to_uppercase();
        if upper == "A NOTE ON THE TEXT" {
            break;
        }
        if upper.strip_prefix("CHAPTER ").is_some_and(is_number) {
            chapters.push(Vec::new());
            continue;
        }
        let added = ["FINIS", "THE END"].contains(&&*upper)
            || upper.strip_prefix("VOLUME ").is_some_and(is_number)
            || (upper.starts_with('[') && upper.ends_with(']'));
        if let Some(chapter) = chapters.last_mut().filter(|_| !added) {
            chapter.push(paragraph);
        }
    }
    chapters
}

/// Whether a word is an Arabic or a Roman number.
fn is_number(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || "IVXLC".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Split;
    use std::fs;

    #[test]
    fn chapters_begin_at_their_headings_and_end_before_what_was_added() {
        let text = "TITLE\n\nVOLUME I\n\nCHAPTER I\n\nOne.\n\n[End of\nvolume.]\n\nVolume II\n\n\
                    Chapter 12\n\nChapter and verse.\n\nTHE END\n\nA NOTE ON THE TEXT\n\nNo.\n";
        assert_eq!(chapters(text), [["One."], ["Chapter and verse."]]);
        let counts = NOVELS.map(|(name, bundled)| {
            let text = unpack_text(name, bundled).unwrap();
            chapters(&text).len()
        });
        assert_eq!(counts, [50, 61, 48, 55, 31, 24]);
    }

    #[test]
    fn the_division_never_changes() {
        let corpus = read(None, None).unwrap();
        assert_eq!(corpus.vocabulary().len(), 10_000);
        let splits = [Split::Weights, Split::Validation, Split::Test];
        let lengths = splits.map(|split| corpus.tokens(split).len());
        // A change would make earlier results incomparable.
        assert_eq!(lengths, [711_184, 79_733, 77_209]);
        let checksum = |split| {
            let tokens = corpus.tokens(split).iter();
            let bytes: Vec<u8> = tokens.flat_map(|token| token.to_le_bytes()).collect();
            crc32fast::hash(&bytes)
        };
        assert_eq!(
            splits.map(checksum),
            [3_162_680_436, 3_838_910_041, 2_022_604_905]
        );
    }

    #[test]
    fn a_folder_replaces_the_bundled_copy() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(FOLDER);
        // The variable does where it has them, an option always.
        assert!(read(None, Some(root.path())).is_ok());
        let message = read(Some(root.path()), None).unwrap_err().to_string();
        assert!(message.contains("sensesensibility.txt.gz"), "{message}");
        fs::create_dir(&folder).unwrap();
        for (name, bundled) in NOVELS {
            fs::write(folder.join(name), bundled).unwrap();
        }
        let bundled = read(None, None).unwrap();
        for root in [root.path(), &folder] {
            assert_eq!(read(Some(root), None).unwrap(), bundled);
        }
        fs::write(folder.join("emma.txt.gz"), b"no gzip").unwrap();
        let message = read(None, Some(root.path())).unwrap_err().to_string();
        assert!(
            message.contains("emma.txt.gz") && message.contains("gzip"),
            "{message}"
        );
    }
}
