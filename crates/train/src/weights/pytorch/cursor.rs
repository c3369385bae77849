use crate::weights::problem::Problem;

/// A place in bytes that are read from front to back.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A place within the bytes.
    ///
    /// # Errors
    ///
    /// When it lies beyond their end.
    pub(super) fn at(bytes: &'a [u8], at: usize) -> Result<Self, Problem> {
        if at > bytes.len() {
            return Err(Self::end(bytes));
        }
        Ok(Self { bytes, at })
    }

    fn end(bytes: &[u8]) -> Problem {
        Problem::damaged(format!("more is expected after byte {}", bytes.len()))
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or_else(|| Self::end(self.bytes))?;
        self.at += count;
        Ok(taken)
    }

    /// The next `count` bytes, where a file says how many.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    pub(super) fn take_claimed(&mut self, count: u64) -> Result<&'a [u8], Problem> {
        // A count beyond this machine's is beyond the bytes as well.
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Problem> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Problem> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Problem> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Problem> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The bytes up to the next end of a line, which is passed over.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn line(&mut self) -> Result<String, Problem> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(length.ok_or_else(|| Self::end(self.bytes))?)?;
        self.at += 1;
        Ok(String::from_utf8_lossy(line)
            .trim_end_matches('\r')
            .to_string())
    }
}
