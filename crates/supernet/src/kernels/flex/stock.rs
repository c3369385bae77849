//! Scratch space that is kept from one operation to the next. Threads that begin a task get it at the same
//! time, and an allocator may make them wait for each other.

use core::mem;
use core::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Vectors that are kept, and values of the largest: more would be memory that nobody else gets.
const MOST: usize = 256;
const LARGEST: usize = 1 << 18;

/// What nobody uses.
static STOCK: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

fn stock() -> MutexGuard<'static, Vec<Vec<f32>>> {
    STOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A vector of the stock, which it goes back to when it is dropped.
pub(super) struct Kept(Vec<f32>);

impl Kept {
    /// Without values, with room for `len` of them or for what those had who had it before.
    pub(super) fn with_room(len: usize) -> Self {
        let mut stock = stock();
        let mut kept = match stock.iter().rposition(|kept| kept.capacity() >= len) {
            Some(at) => stock.swap_remove(at),
            None => stock.pop().unwrap_or_default(),
        };
        drop(stock);
        kept.clear();
        kept.reserve(len);
        Self(kept)
    }

    /// `len` times the value.
    pub(super) fn filled(value: f32, len: usize) -> Self {
        if len == 0 {
            return Self(Vec::new());
        }
        let mut kept = Self::with_room(len);
        kept.resize(len, value);
        kept
    }
}

impl Deref for Kept {
    type Target = Vec<f32>;

    fn deref(&self) -> &Vec<f32> {
        &self.0
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Vec<f32> {
        &mut self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let kept = mem::take(&mut self.0);
        let mut stock = stock();
        if (1..=LARGEST).contains(&kept.capacity()) && stock.len() < MOST {
            stock.push(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_in_scratch_space_is_not_seen_again() {
        for len in [3, 300, 30] {
            let mut kept = Kept::filled(1.5, len);
            assert_eq!(**kept, vec![1.5; len]);
            kept.fill(7.0);
        }
        assert!(Kept::with_room(20).is_empty());
        assert!(Kept::filled(1.0, 0).is_empty());
    }
}
