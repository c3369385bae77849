//! Memory that is written before it is read.

use core::mem::MaybeUninit;

/// Values that are going to be written and may not be there yet.
pub(super) struct Unset<'a>(&'a mut [MaybeUninit<f32>]);

impl<'a> From<&'a mut [MaybeUninit<f32>]> for Unset<'a> {
    fn from(values: &'a mut [MaybeUninit<f32>]) -> Self {
        Self(values)
    }
}

impl<'a> Unset<'a> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first `len` values, which are left out from then on.
    pub(super) fn take(&mut self, len: usize) -> Unset<'a> {
        let (first, rest) = core::mem::take(&mut self.0).split_at_mut(len);
        self.0 = rest;
        Unset(first)
    }

    /// Writes values from `at` on, as many as there are places and values.
    #[inline(always)]
    pub(super) fn write(&mut self, at: usize, values: impl Iterator<Item = f32>) {
        for (to, value) in self.0[at..].iter_mut().zip(values) {
            to.write(value);
        }
    }

    pub(super) fn zeroed(self) -> &'a mut [f32] {
        self.0.fill(MaybeUninit::new(0.0));
        // SAFETY: every value has just been written.
        unsafe { self.assume_written() }
    }

    /// # Panics
    ///
    /// If the lengths differ.
    pub(super) fn copied(self, from: &[f32]) -> &'a mut [f32] {
        assert_eq!(from.len(), self.0.len(), "values to copy");
        // SAFETY: both are as long, and `MaybeUninit<f32>` has the layout of `f32`.
        unsafe {
            core::ptr::copy_nonoverlapping(from.as_ptr(), self.0.as_mut_ptr().cast(), from.len());
            self.assume_written()
        }
    }

    /// # Safety
    ///
    /// Every value has been written.
    unsafe fn assume_written(self) -> &'a mut [f32] {
        let len = self.0.len();
        // SAFETY: as the caller promises; `MaybeUninit<f32>` has the layout of `f32`.
        unsafe { core::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), len) }
    }
}
