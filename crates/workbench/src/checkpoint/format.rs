//! The layout of a checkpoint file.
//!
//! Integers are little-endian: 8 magic bytes, `u32` format version, `u32` number of sections, then
//! the header and the sections, each as `u32` name length, name, `u64` content length, `u32` CRC-32
//! of name and content, content. The file ends with the last section.

use std::path::Path;

use super::content::Checkpoint;
use super::loaded::broken;
use crate::{Result, WorkbenchError};

const MAGIC: &[u8; 8] = b"WBCHKPT\n";
const VERSION: u32 = 1;
const HEADER: &str = "header.json";

/// A checkpoint as bytes.
pub(super) fn encode(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    let header = serde_json::to_vec(&checkpoint.header).map_err(|source| WorkbenchError::Json {
        what: "a checkpoint header",
        source,
    })?;
    let size: usize = checkpoint
        .sections
        .values()
        .map(|content| content.len() + 64)
        .sum();
    let mut bytes = Vec::with_capacity(size + header.len() + 64);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((checkpoint.sections.len() as u32).to_le_bytes());
    encode_section(&mut bytes, HEADER, &header);
    for (name, content) in &checkpoint.sections {
        encode_section(&mut bytes, name, content);
    }
    Ok(bytes)
}

fn encode_section(bytes: &mut Vec<u8>, name: &str, content: &[u8]) {
    bytes.extend((name.len() as u32).to_le_bytes());
    bytes.extend(name.as_bytes());
    bytes.extend((content.len() as u64).to_le_bytes());
    bytes.extend(checksum(name.as_bytes(), content).to_le_bytes());
    bytes.extend(content);
}

/// The checkpoint that the bytes hold; `path` is how errors call them.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Checkpoint> {
    let mut reader = Reader { path, rest: bytes };
    if reader.take(MAGIC.len() as u64)? != MAGIC {
        return Err(broken(
            path,
            "it does not begin as a checkpoint does".into(),
        ));
    }
    let version = reader.u32()?;
    if version != VERSION {
        return Err(broken(
            path,
            format!("it has format version {version}, not {VERSION}"),
        ));
    }
    let count = reader.u32()?;
    let (name, header) = reader.section()?;
    if name != HEADER {
        return Err(broken(
            path,
            format!("its first section is `{name}`, not `{HEADER}`"),
        ));
    }
    let header = serde_json::from_slice(header)
        .map_err(|error| broken(path, format!("its header is not JSON ({error})")))?;
    let mut checkpoint = Checkpoint::new(header);
    for _ in 0..count {
        let (name, content) = reader.section()?;
        checkpoint
            .sections
            .insert(name.to_string(), content.to_vec());
    }
    if !reader.rest.is_empty() {
        let extra = reader.rest.len();
        return Err(broken(
            path,
            format!("{extra} bytes follow its last section"),
        ));
    }
    Ok(checkpoint)
}

struct Reader<'a> {
    path: &'a Path,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let split = usize::try_from(length)
            .ok()
            .and_then(|n| self.rest.split_at_checked(n));
        let (taken, rest) = split.ok_or_else(|| broken(self.path, "it is cut short".into()))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn section(&mut self) -> Result<(&'a str, &'a [u8])> {
        let length = self.u32()?;
        let name = self.take(length.into())?;
        let length = self.array().map(u64::from_le_bytes)?;
        let expected = self.u32()?;
        let content = self.take(length)?;
        let shown = String::from_utf8_lossy(name);
        if checksum(name, content) != expected {
            return Err(broken(
                self.path,
                format!("section `{shown}` fails its checksum"),
            ));
        }
        let name = str::from_utf8(name)
            .map_err(|_| broken(self.path, format!("section name `{shown}` is not UTF-8")))?;
        Ok((name, content))
    }
}

fn checksum(name: &[u8], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name);
    hasher.update(content);
    hasher.finalize()
}
