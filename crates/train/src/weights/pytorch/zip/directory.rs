use super::super::cursor::Cursor;
use crate::weights::problem::Problem;

/// What the directory says of a record.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) checksum: u32,
    /// Bytes in the archive.
    pub(super) packed: u64,
    /// Bytes of the content.
    pub(super) size: u64,
    /// Where its head begins.
    pub(super) head: u64,
}

/// Begins an entry of the directory.
pub(super) const ENTRY: [u8; 4] = *b"PK\x01\x02";
/// Begins what comes after it.
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
/// Bytes of the end of the directory, without the archive's comment.
const END_SIZE: usize = 22;
const LOCATOR_64_SIZE: usize = 20;
/// Of the extra field with sizes of 64 bits.
const ZIP64: u16 = 1;

/// The number of records, and where their directory begins.
pub(super) fn directory(bytes: &[u8]) -> Result<(u64, u64), Problem> {
    let at = end(bytes).ok_or_else(|| Problem::damaged("the directory at its end is missing"))?;
    let mut cursor = Cursor::at(bytes, at)?;
    // Signature, this disk, the directory's disk, records on this disk.
    cursor.take(4 + 2 + 2 + 2)?;
    let count = cursor.u16()?;
    cursor.take(4)?;
    let directory = cursor.u32()?;
    if count != u16::MAX && directory != u32::MAX {
        return Ok((count.into(), directory.into()));
    }
    let Some(locator) = at.checked_sub(LOCATOR_64_SIZE) else {
        return Ok((count.into(), directory.into()));
    };
    let mut cursor = Cursor::at(bytes, locator)?;
    if cursor.array()? != LOCATOR_64 {
        // An archive may have just so many records.
        return Ok((count.into(), directory.into()));
    }
    cursor.take(4)?;
    let at = usize::try_from(cursor.u64()?).unwrap_or(usize::MAX);
    let mut cursor = Cursor::at(bytes, at)?;
    if cursor.array()? != END_64 {
        return Err(Problem::damaged("the end of its directory is missing"));
    }
    // Its size, versions, disks, records on this disk.
    cursor.take(8 + 2 + 2 + 4 + 4 + 8)?;
    let count = cursor.u64()?;
    cursor.take(8)?;
    Ok((count, cursor.u64()?))
}

/// Where the end of the directory begins: the last place from which a comment of the length that stands
/// there reaches just to the end of the file.
fn end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_SIZE)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        let comment = u16::from_le_bytes([bytes[at + 20], bytes[at + 21]]);
        bytes[at..].starts_with(&END) && usize::from(comment) == last - at
    })
}

/// The next entry of the directory.
pub(super) fn entry(cursor: &mut Cursor<'_>) -> Result<(String, Record), Problem> {
    if cursor.array()? != ENTRY {
        return Err(Problem::damaged("its directory is incomplete"));
    }
    // Versions of writer and reader.
    cursor.take(4)?;
    let (flags, method) = (cursor.u16()?, cursor.u16()?);
    // Time and date.
    cursor.take(4)?;
    let checksum = cursor.u32()?;
    let (packed, size) = (cursor.u32()?, cursor.u32()?);
    let lengths = [cursor.u16()?, cursor.u16()?, cursor.u16()?];
    // Disk and attributes.
    cursor.take(2 + 2 + 4)?;
    let head = cursor.u32()?;
    let [name, extra, comment] = lengths.map(usize::from);
    let name = String::from_utf8_lossy(cursor.take(name)?).into_owned();
    let mut wide = zip64(cursor.take(extra)?)?;
    cursor.take(comment)?;
    // Of these, the extra field has the ones that do not fit, in this order.
    let mut widened = |narrow: u32| match &mut wide {
        Some(field) if narrow == u32::MAX => field.u64(),
        _ => Ok(narrow.into()),
    };
    let size = widened(size)?;
    let packed = widened(packed)?;
    let head = widened(head)?;
    let record = Record {
        flags,
        method,
        checksum,
        packed,
        size,
        head,
    };
    Ok((name, record))
}

/// The field of 64-bit sizes among a record's extra fields.
fn zip64(extra: &[u8]) -> Result<Option<Cursor<'_>>, Problem> {
    let mut cursor = Cursor::new(extra);
    let mut left = extra.len();
    // Fewer bytes than a field's head are padding.
    while left >= 4 {
        let (id, size) = (cursor.u16()?, cursor.u16()?);
        let field = cursor.take(size.into())?;
        if id == ZIP64 {
            return Ok(Some(Cursor::new(field)));
        }
        left -= 4 + field.len();
    }
    Ok(None)
}
