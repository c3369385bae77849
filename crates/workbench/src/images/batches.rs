//! Batches of images, one after the other, that are ready before they are asked for.

use burn::tensor::backend::Backend;

use super::augment::Augment;
use super::batch::Batch;
use super::dataset::Dataset;
use super::prepare::{HostBatch, Preparation};
use crate::Result;
use crate::stream::{Prefetch, RngKey};

/// The batches of [`Dataset::batches`]. After an error there is no further one.
pub struct Batches<B: Backend> {
    prepared: Prefetch<HostBatch>,
    device: B::Device,
}

impl Dataset {
    /// The batches of these lists of indices, one after the other, as [`batch`](Self::batch) gives
    /// them. The lists of [`index_batches`](crate::stream::index_batches) will do, or any others.
    ///
    /// A thread of its own prepares up to `ahead` batches while the device works on those before; with
    /// `ahead` 0 the caller prepares each when it asks for it. The batches are the same: what is random
    /// about an image depends on the key and its index. Image files are decoded in parallel, on Rayon's
    /// pool. Tensors are made by the caller's thread. Dropping the iterator waits for its thread to
    /// end, which is after the batch it is at.
    ///
    /// ```
    /// use burn_flex::Flex;
    /// use workbench::images::{Augment, DatasetId, load};
    /// use workbench::stream::{AHEAD, Remainder, RngKey, index_batches, permutation};
    ///
    /// # fn main() -> workbench::Result<()> {
    /// let train = load(DatasetId::Digits, None)?.train;
    /// let device = Default::default();
    /// let augment = Augment {
    ///     crop_padding: 1,
    ///     ..Augment::default()
    /// };
    /// let mut seen = 0;
    /// for epoch in 0..2 {
    ///     let key = RngKey { seed: 7, epoch };
    ///     let order = permutation(train.len(), key.seed, key.epoch);
    ///     let lists = index_batches(&order, 64, Remainder::Drop);
    ///     for batch in train.batches::<Flex>(lists, Some(&augment), key, AHEAD, &device) {
    ///         let batch = batch?;
    ///         assert_eq!(batch.images.dims(), [64, 1, 8, 8]);
    ///         seen += batch.labels.dims()[0];
    ///     }
    /// }
    /// // 1,437 images make 22 whole batches.
    /// assert_eq!(seen, 2 * 22 * 64);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A batch is an error when an image file cannot be read and nothing may or can stand in for it
    /// (see [`OnCorrupt`](super::OnCorrupt)). Sets in memory never fail.
    ///
    /// # Panics
    ///
    /// When there is no image of one of the indices.
    pub fn batches<B: Backend>(
        &self,
        lists: impl IntoIterator<Item = impl AsRef<[usize]>>,
        augment: Option<&Augment>,
        key: RngKey,
        ahead: usize,
        device: &B::Device,
    ) -> Batches<B> {
        let (mut order, mut ends) = (Vec::new(), Vec::new());
        for list in lists {
            order.extend_from_slice(list.as_ref());
            ends.push(order.len());
        }
        if let Some(index) = order.iter().find(|index| **index >= self.len()) {
            panic!("there is no image {index} among {}", self.len());
        }
        let (set, preparation) = (self.clone(), Preparation::new(augment, key));
        Batches {
            prepared: Prefetch::new(ends.len(), ahead, move |number| {
                let start = number.checked_sub(1).map_or(0, |before| ends[before]);
                set.prepare(&order, start..ends[number], preparation)
            }),
            device: device.clone(),
        }
    }
}

impl<B: Backend> Iterator for Batches<B> {
    type Item = Result<Batch<B>>;

    fn next(&mut self) -> Option<Self::Item> {
        let prepared = self.prepared.next()?;
        Some(prepared.map(|batch| batch.upload(&self.device)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::dataset::{Images, tests::counting};
    use burn_flex::Flex;
    use std::sync::Arc;

    const KEY: RngKey = RngKey { seed: 1, epoch: 0 };

    /// How many hold the pixels of a set.
    fn holders(set: &Dataset) -> usize {
        match &set.images {
            Images::Memory(pixels) => Arc::strong_count(pixels),
            Images::Files(_) => 0,
        }
    }

    #[test]
    fn a_dropped_iterator_leaves_no_thread() {
        let set = counting(40, 3);
        let lists: Vec<[usize; 1]> = (0..40).map(|index| [index]).collect();
        for taken in [0, 1, 40] {
            let mut batches = set.batches::<Flex>(&lists, None, KEY, 2, &Default::default());
            assert_eq!(batches.by_ref().take(taken).count(), taken);
            // After the last batch the thread may have ended already.
            assert!(taken == 40 || holders(&set) > 1);
            drop(batches);
            // Its thread would still hold a clone of the set.
            assert_eq!(holders(&set), 1, "after {taken} batches");
        }
    }

    #[test]
    fn a_panic_of_the_thread_reaches_the_caller() {
        let mut set = counting(4, 3);
        // Images cut short, which no loader makes.
        set.images = Images::Memory(Arc::new(vec![0; 60]));
        let lists = [[0], [3]];
        let mut batches = set.batches::<Flex>(lists, None, KEY, 1, &Default::default());
        assert!(batches.next().unwrap().is_ok());
        let next = std::panic::AssertUnwindSafe(|| batches.next().is_some());
        assert!(std::panic::catch_unwind(next).is_err());
    }
}
