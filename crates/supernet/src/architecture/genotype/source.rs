use std::path::Path;

use super::derived::Genotype;
use super::pasted::cell_fields;
use crate::SupernetError;
use crate::architecture::OperationSet;

/// A file that holds a genotype is no longer than this; logs may be long.
const MOST_BYTES: u64 = 64 << 20;

impl<O: OperationSet> Genotype<O> {
    /// Whether this is the name of a [published](OperationSet::PUBLISHED) genotype.
    pub fn is_published(named: &str) -> bool {
        published::<O>(named).is_some()
    }

    /// The genotype that a user names: a [published](OperationSet::PUBLISHED) one by its name, whatever
    /// its case and dashes; a file that [`parse`](Self::parse) reads; `FILE#NAME` or `FILE#NUMBER`, one of
    /// several in a file; or the text itself.
    ///
    /// # Errors
    ///
    /// When it is none of these, or the file cannot be read or holds no valid genotype.
    pub fn read(named: &str) -> Result<Self, SupernetError> {
        if let Some((name, text)) = published::<O>(named) {
            return Self::parse(name, text);
        }
        if Path::new(named).exists() {
            return Self::parse(named, &read_text(named)?);
        }
        if let Some((file, choice)) = named.rsplit_once('#')
            && Path::new(file).exists()
        {
            return Self::choose(file, &read_text(file)?, Some(choice));
        }
        let has_cell = || {
            cell_fields::<O>()
                .into_iter()
                .any(|cell| named.contains(cell))
        };
        if named.contains(['@', '(', '{']) && has_cell() {
            return Self::parse("genotype", named);
        }
        // A word that is no file is a misspelt name, not a missing file.
        if !named.contains(['/', '\\', '.']) {
            let names = O::PUBLISHED.iter().map(|(name, _)| *name);
            return Err(SupernetError::unknown_genotype(named, names));
        }
        Self::parse(named, &read_text(named)?)
    }
}

/// The published genotype of this name, whatever its case and dashes.
fn published<O: OperationSet>(named: &str) -> Option<(&'static str, &'static str)> {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut all = O::PUBLISHED.iter().copied();
    all.find(|(name, _)| named.chars().all(is_name) && plain(name) == plain(named))
}

/// A text file, in UTF-8 or, where a mark says so, UTF-16.
fn read_text(path: &str) -> Result<String, SupernetError> {
    let refuse = |problem: String| SupernetError::File {
        path: path.into(),
        problem,
    };
    let size = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    if size.is_file() && size.len() > MOST_BYTES {
        let problem = format!("it has {} bytes; valid: up to {MOST_BYTES}", size.len());
        return Err(refuse(problem));
    }
    let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    decoded(&bytes).ok_or_else(|| refuse("it is no text; valid: a genotype as text".into()))
}

fn decoded(bytes: &[u8]) -> Option<String> {
    let units = |read: fn([u8; 2]) -> u16| -> Option<String> {
        let pairs = bytes[2..].chunks_exact(2);
        let units: Vec<u16> = pairs.map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Genotype, Operation, Published};

    #[test]
    fn a_name_a_file_a_text_and_a_misspelt_name() {
        let read =
            |named: &str| Genotype::<Operation>::read(named).map_err(|error| error.to_string());
        let snas = read("snas").unwrap();
        for same in ["SNAS", Published::Snas.text()] {
            assert_eq!(read(same).as_ref(), Ok(&snas), "{same}");
        }
        assert_eq!(read("DARTS_V2"), read("darts-v2"));
        let folder = std::env::temp_dir().join(format!("genotypes-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("cells.txt");
        let path = path.to_str().unwrap();
        let utf16 = |text: &str| -> Vec<u8> {
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            units.flat_map(u16::to_le_bytes).collect()
        };
        for bytes in [
            Published::Snas.text().into(),
            utf16(Published::Snas.text()),
            format!("\u{feff}{}", Published::Snas.text()).into_bytes(),
        ] {
            std::fs::write(path, bytes).unwrap();
            assert_eq!(read(path).as_ref(), Ok(&snas));
        }
        std::fs::write(path, [0xff, 0x00, 0x80]).unwrap();
        assert!(read(path).unwrap_err().contains("it is no text"));
        std::fs::remove_dir_all(&folder).unwrap();
        let message = read("snaz").unwrap_err();
        assert!(message.contains("did you mean `snas`"), "{message}");
        let message = read("./snas.json").unwrap_err();
        assert!(message.contains("cannot read `./snas.json`"), "{message}");
    }
}
