//! What is ready before it is asked for.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::Result;

/// A usual number of batches to have ready: one for the device to go on with, and one in case the
/// next takes longer than usual.
pub const AHEAD: usize = 2;

/// Numbered items, such as batches in host memory, that a thread of its own prepares ahead. After an
/// error there is no further one.
///
/// Dropping it waits for its thread to end, which is after the item it is at.
pub struct Prefetch<T> {
    source: Source<T>,
    count: usize,
    remaining: usize,
}

type Prepare<T> = dyn Fn(usize) -> Result<T> + Send + Sync;

enum Source<T> {
    InTurn(Arc<Prepare<T>>),
    Ahead(Worker<T>),
}

impl<T: Send + 'static> Prefetch<T> {
    /// The items `prepare(0)` to `prepare(count - 1)`. Up to `ahead` of them are prepared before they
    /// are asked for; with 0 the caller's thread prepares each when it asks for it. So it does where
    /// the system has no thread to give: the items come later then, but the same.
    pub fn new(
        count: usize,
        ahead: usize,
        prepare: impl Fn(usize) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        let prepare: Arc<Prepare<T>> = Arc::new(prepare);
        let worker = Worker::start(count, ahead, &prepare);
        Self {
            source: match worker {
                Some(worker) => Source::Ahead(worker),
                None => Source::InTurn(prepare),
            },
            count,
            remaining: count,
        }
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        let prepared = match &mut self.source {
            Source::InTurn(prepare) => prepare(self.count - self.remaining),
            Source::Ahead(worker) => worker.next()?,
        };
        self.remaining = match prepared {
            Ok(_) => self.remaining - 1,
            Err(_) => 0,
        };
        Some(prepared)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error may end it early.
        (usize::from(self.remaining > 0), Some(self.remaining))
    }
}

/// A thread and the items it has ready.
struct Worker<T> {
    /// `None` once nothing more is wanted.
    ready: Option<Receiver<Result<T>>>,
    /// `None` once joined.
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(count: usize, ahead: usize, prepare: &Arc<Prepare<T>>) -> Option<Self> {
        // The thread holds one item more while it waits for room.
        let (sender, receiver) = sync_channel(ahead.checked_sub(1)?);
        let prepare = Arc::clone(prepare);
        let thread = thread::Builder::new()
            .name("loader".into())
            .spawn(move || deliver(count, &*prepare, &sender));
        Some(Self {
            ready: Some(receiver),
            thread: Some(thread.ok()?),
        })
    }
}

/// Prepares all items, until one fails or nobody wants the next.
fn deliver<T>(count: usize, prepare: &Prepare<T>, to: &SyncSender<Result<T>>) {
    for number in 0..count {
        let prepared = prepare(number);
        let failed = prepared.is_err();
        if to.send(prepared).is_err() || failed {
            return;
        }
    }
}

impl<T> Worker<T> {
    fn next(&mut self) -> Option<Result<T>> {
        if let Some(Ok(prepared)) = self.ready.as_ref().map(Receiver::recv) {
            return Some(prepared);
        }
        // It ended before its last item: it has panicked, and so must whoever asked for the item.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        // The thread fails to send and ends; only then is joining it certain to return.
        self.ready = None;
        if let Some(thread) = self.thread.take() {
            // A panic there after the last item that was wanted concerns nobody.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WorkbenchError;

    #[test]
    fn items_come_in_order_and_an_error_is_the_last() {
        let prepare = |number| match number {
            3 => Err(WorkbenchError::field("x", number, "less than 3")),
            number => Ok(10 * number),
        };
        for ahead in [0, 1, 2, 9] {
            let items: Vec<Option<usize>> =
                Prefetch::new(6, ahead, prepare).map(Result::ok).collect();
            assert_eq!(items, [Some(0), Some(10), Some(20), None], "{ahead} ahead");
            assert_eq!(Prefetch::new(3, ahead, prepare).count(), 3);
        }
    }
}
