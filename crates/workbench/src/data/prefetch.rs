//! Batches that are ready before they are asked for.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use burn::tensor::backend::Backend;

use super::augment::Augment;
use super::batch::{Batch, RngKey};
use super::dataset::Dataset;
use super::prepare::{HostBatch, Recipe};
use crate::Result;

/// A usual number of batches to have ready: one for the device to go on with, and one in case the
/// next takes longer than usual.
pub const AHEAD: usize = 2;

/// The batches of [`Dataset::batches`]. After an error there is no further one.
pub struct Batches<B: Backend> {
    source: Source,
    remaining: usize,
    device: B::Device,
}

impl Dataset {
    /// The batches of these lists of indices, one after the other, as [`batch`](Self::batch) gives
    /// them. The lists of [`index_batches`](super::index_batches) will do, or any others.
    ///
    /// A thread of its own prepares up to `ahead` batches while the device works on those before; with
    /// `ahead` 0 the caller prepares each when it asks for it. The batches are the same: what is random
    /// about an image depends on the key and its index. Image files are decoded in parallel, on Rayon's
    /// pool. Tensors are made by the caller's thread. Dropping the iterator waits for its thread to
    /// end, which is after the batch it is at.
    ///
    /// ```
    /// use burn_flex::Flex;
    /// use workbench::data::{
    ///     AHEAD, Augment, DatasetId, RngKey, epoch_order, index_batches, load,
    /// };
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
    ///     let order = epoch_order(train.len(), key.seed, key.epoch);
    ///     let lists = index_batches(&order, 64, true);
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
        let remaining = ends.len();
        let plan = Arc::new(Plan {
            set: self.clone(),
            order,
            ends,
            recipe: Recipe::new(augment, key),
        });
        Batches {
            source: match Prefetch::start(&plan, ahead) {
                Some(prefetch) => Source::Ahead(prefetch),
                None => Source::InTurn(plan),
            },
            remaining,
            device: device.clone(),
        }
    }
}

impl<B: Backend> Iterator for Batches<B> {
    type Item = Result<Batch<B>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        let prepared = match &mut self.source {
            Source::InTurn(plan) => plan.prepare(plan.ends.len() - self.remaining),
            Source::Ahead(prefetch) => prefetch.next()?,
        };
        self.remaining = match prepared {
            Ok(_) => self.remaining - 1,
            Err(_) => 0,
        };
        Some(prepared.map(|batch| batch.upload(&self.device)))
    }
}

enum Source {
    InTurn(Arc<Plan>),
    Ahead(Prefetch),
}

/// Everything that a thread needs to prepare the batches.
struct Plan {
    set: Dataset,
    /// The lists, one behind the other.
    order: Vec<usize>,
    /// Where each list ends.
    ends: Vec<usize>,
    recipe: Recipe,
}

impl Plan {
    fn prepare(&self, number: usize) -> Result<HostBatch> {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        let places = start..self.ends[number];
        self.set.prepare(&self.order, places, self.recipe)
    }

    /// Prepares all batches, until one fails or nobody wants the next.
    fn deliver(&self, to: &SyncSender<Result<HostBatch>>) {
        for number in 0..self.ends.len() {
            let prepared = self.prepare(number);
            let failed = prepared.is_err();
            if to.send(prepared).is_err() || failed {
                return;
            }
        }
    }
}

/// A thread and the batches it has ready.
struct Prefetch {
    /// `None` once nothing more is wanted.
    ready: Option<Receiver<Result<HostBatch>>>,
    /// `None` once joined.
    worker: Option<JoinHandle<()>>,
}

impl Prefetch {
    /// Nothing where no batch is wanted ahead. Nor where the system has no thread to give: the batches
    /// come in turn then, later but the same.
    fn start(plan: &Arc<Plan>, ahead: usize) -> Option<Self> {
        // The worker holds one batch more while it waits for room.
        let (sender, receiver) = sync_channel(ahead.checked_sub(1)?);
        let plan = Arc::clone(plan);
        let worker = thread::Builder::new()
            .name("loader".into())
            .spawn(move || plan.deliver(&sender));
        Some(Self {
            ready: Some(receiver),
            worker: Some(worker.ok()?),
        })
    }

    fn next(&mut self) -> Option<Result<HostBatch>> {
        if let Some(Ok(prepared)) = self.ready.as_ref().map(Receiver::recv) {
            return Some(prepared);
        }
        // It ended before its last batch: it has panicked, and so must whoever asked for the batch.
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        // The worker fails to send and ends; only then is joining it certain to return.
        self.ready = None;
        if let Some(worker) = self.worker.take() {
            // A panic there after the last batch that was wanted concerns nobody.
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::{Images, tests::counting};
    use burn_flex::Flex;

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
