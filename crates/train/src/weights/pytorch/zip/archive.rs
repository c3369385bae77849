use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::super::cursor::Cursor;
use super::directory::{Record, directory, entry};
use crate::weights::budget::Budget;
use crate::weights::problem::Problem;

/// A zip archive in memory. What its directory, which is at the end, says of its records counts; their
/// own heads tell only how long they are.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    records: BTreeMap<String, Record>,
}

/// Begins every archive that has a record, and each record.
pub(crate) const HEAD: [u8; 4] = *b"PK\x03\x04";

impl<'a> Archive<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    ///
    /// When it is missing, as in a file that is cut short, or damaged.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Problem> {
        let (count, at) = directory(bytes)?;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let mut cursor = Cursor::at(bytes, at)?;
        let mut records = BTreeMap::new();
        for _ in 0..count {
            let (name, record) = entry(&mut cursor)?;
            if let Some(_twice) = records.insert(name.clone(), record) {
                return Err(Problem::damaged(format!("record `{name}` is there twice")));
            }
        }
        Ok(Self { bytes, records })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.records.keys().map(String::as_str)
    }

    /// The content of a record.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or it is encrypted, compressed by another method than deflate,
    /// or damaged.
    pub(crate) fn read(&self, name: &str, budget: &Budget) -> Result<Cow<'a, [u8]>, Problem> {
        let damaged = |what: &str| Problem::damaged(format!("record `{name}` {what}"));
        let record = self
            .records
            .get(name)
            .ok_or_else(|| damaged("is missing"))?;
        if record.flags & 1 == 1 {
            return Err(Problem::refused(format!(
                "has an encrypted record `{name}`"
            )));
        }
        let head = usize::try_from(record.head).unwrap_or(usize::MAX);
        let mut cursor = Cursor::at(self.bytes, head)?;
        if cursor.array()? != HEAD {
            return Err(damaged("is not where the directory says"));
        }
        cursor.take(22)?;
        let (name_size, extra_size) = (cursor.u16()?, cursor.u16()?);
        cursor.take(usize::from(name_size) + usize::from(extra_size))?;
        let packed = cursor.take_claimed(record.packed)?;
        let content = match record.method {
            0 => Cow::Borrowed(packed),
            8 => Cow::Owned(inflate(packed, record.size, name, budget)?),
            method => {
                return Err(Problem::refused(format!(
                    "has a record `{name}` that is compressed by method {method}; valid: stored (0) \
                     and deflated (8) ones"
                )));
            }
        };
        if content.len() as u64 != record.size {
            return Err(damaged("has another size than the directory says"));
        }
        let mut checksum = Crc::new();
        checksum.update(&content);
        // PyTorch writes 0 where it was told to leave checksums out.
        if record.checksum != 0 && checksum.sum() != record.checksum {
            return Err(damaged(
                "does not have the checksum that it was written with",
            ));
        }
        Ok(content)
    }
}

/// Content of `size` bytes; less or one more where the record says otherwise.
fn inflate(packed: &[u8], size: u64, name: &str, budget: &Budget) -> Result<Vec<u8>, Problem> {
    let claimed = usize::try_from(size).unwrap_or(usize::MAX);
    budget.take(claimed, &format!("record `{name}`"))?;
    let mut content = Vec::new();
    let mut decoder = DeflateDecoder::new(packed).take(size.saturating_add(1));
    decoder.read_to_end(&mut content).map_err(|error| {
        Problem::damaged(format!("record `{name}` cannot be decompressed: {error}"))
    })?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::super::directory::{END, ENTRY};
    use super::*;

    /// A record of the directory, and of the file before it where `content` is not of another record.
    struct Entry<'a> {
        name: &'a str,
        flags: u16,
        method: u16,
        size: u32,
        content: &'a [u8],
    }

    const STORED: Entry<'static> = Entry {
        name: "a",
        flags: 0,
        method: 0,
        size: 3,
        content: b"abc",
    };

    fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for entry in entries {
            let head = bytes.len() as u32;
            let name = entry.name.as_bytes();
            bytes.extend(HEAD);
            bytes.extend([0; 22]);
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([0; 2]);
            bytes.extend([name, entry.content].concat());
            directory.extend(ENTRY);
            directory.extend([0; 4]);
            directory.extend(entry.flags.to_le_bytes());
            directory.extend(entry.method.to_le_bytes());
            directory.extend([0; 8]);
            directory.extend((entry.content.len() as u32).to_le_bytes());
            directory.extend(entry.size.to_le_bytes());
            directory.extend((name.len() as u16).to_le_bytes());
            directory.extend([0; 12]);
            directory.extend(head.to_le_bytes());
            directory.extend(name);
        }
        let at = bytes.len() as u32;
        bytes.extend(&directory);
        bytes.extend(END);
        bytes.extend([0; 4]);
        let count = (entries.len() as u16).to_le_bytes();
        bytes.extend([count, count].concat());
        bytes.extend((directory.len() as u32).to_le_bytes());
        bytes.extend(at.to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], name: &str) -> Result<Vec<u8>, Problem> {
        let budget = Budget::of_file(bytes.len());
        Ok(Archive::open(bytes)?.read(name, &budget)?.into_owned())
    }

    #[test]
    fn stored_and_deflated_records_are_read() {
        let packed = deflated(&[7; 1000]);
        let other = Entry {
            name: "b",
            method: 8,
            size: 1000,
            content: &packed,
            ..STORED
        };
        let bytes = archive(&[STORED, other]);
        assert_eq!(read(&bytes, "a").unwrap(), b"abc");
        assert_eq!(read(&bytes, "b").unwrap(), [7; 1000]);
        assert_eq!(
            Archive::open(&bytes).unwrap().names().collect::<Vec<_>>(),
            ["a", "b"]
        );
    }

    #[test]
    fn claims_beyond_the_file_are_refused_before_memory_is_taken() {
        let packed = deflated(&vec![0; 1 << 20]);
        let claim = |size: u32| Entry {
            method: 8,
            size,
            content: &packed,
            ..STORED
        };
        for (entry, part) in [
            (
                claim(u32::MAX - 1),
                "claims 4294967294 bytes for record `a`",
            ),
            (claim(100), "another size"),
            (claim(2 << 20), "another size"),
            (Entry { size: 4, ..STORED }, "another size"),
            (
                Entry {
                    method: 8,
                    ..STORED
                },
                "record `a`",
            ),
            (
                Entry {
                    method: 12,
                    ..STORED
                },
                "method 12",
            ),
            (Entry { flags: 1, ..STORED }, "encrypted"),
        ] {
            let message = read(&archive(&[entry]), "a").unwrap_err().to_string();
            assert!(message.contains(part), "{message}\nlacks {part}");
        }
        let twice = Archive::open(&archive(&[STORED, STORED])).unwrap_err();
        assert!(twice.to_string().contains("`a` is there twice"));
        let missing = read(&archive(&[STORED]), "b").unwrap_err();
        assert!(missing.to_string().contains("`b` is missing"));
        // More records than the directory has.
        let mut many = archive(&[STORED]);
        let count = many.len() - 12;
        many[count] = 200;
        assert!(
            Archive::open(&many)
                .unwrap_err()
                .to_string()
                .contains("cut short")
        );
    }
}
