use std::cell::Cell;

use super::problem::Problem;

/// The memory that reading a file may take. A file of a few bytes can claim any size (a tensor expanded
/// from one number, a compressed record, nested lists), so that each claim is taken off first.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: usize,
    left: Cell<usize>,
}

impl Budget {
    /// Tensors may share their numbers and half-precision ones double in size, so that an honest file
    /// may need several times its size.
    const TIMES: usize = 16;
    /// A small file may hold an expanded tensor of this size.
    const LEAST: usize = 64 << 20;

    /// For a file of so many bytes.
    pub(super) fn of_file(bytes: usize) -> Self {
        let bytes = bytes
            .saturating_mul(Self::TIMES)
            .saturating_add(Self::LEAST);
        Self {
            bytes,
            left: Cell::new(bytes),
        }
    }

    /// Takes `bytes` off for `what`, a noun.
    ///
    /// # Errors
    ///
    /// When less is left.
    pub(super) fn take(&self, bytes: usize, what: &str) -> Result<(), Problem> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Problem::refused(format!(
                "claims {bytes} bytes for {what}; valid: at most {} bytes in all for a file of its \
                 size",
                self.bytes
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_add_up_to_a_multiple_of_the_file() {
        let budget = Budget::of_file(1000);
        budget.take(Budget::LEAST, "a tensor").unwrap();
        budget.take(16_000, "a tensor").unwrap();
        let message = budget.take(1, "a list").unwrap_err().to_string();
        assert!(
            message.starts_with("claims 1 bytes for a list"),
            "{message}"
        );
        let unlimited = Budget::of_file(usize::MAX);
        unlimited.take(usize::MAX, "a tensor").unwrap();
    }
}
