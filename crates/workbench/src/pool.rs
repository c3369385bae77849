//! The threads that operations share their work with.

use std::thread;
use std::time::{Duration, Instant};

use rayon::Yield;

use crate::allocation::keep_freed;

/// Stack of a thread of the pool: what a main thread has.
const STACK: usize = 8 << 20;

/// How long a thread without work looks for more of it before it rests: longer than what a step does between
/// two operations, as threads that sleep are woken in about the time of a small operation.
const AWAKE: Duration = Duration::from_millis(1);

/// The longest rest. One lasts a part of the time without work, so that little of the next work is missed.
const LONGEST_REST: Duration = Duration::from_millis(20);
const PART: u32 = 8;

/// Pauses of the processor, a fraction of a microsecond together, between two looks.
const PAUSES: usize = 20;

/// Runs `body` on a thread of rayon's pool. Called from outside, every operation that shares its
/// work would put the caller to sleep and wake two other threads, thousands of times a step.
///
/// The pool has at least two threads, so that one of them can wait for work that the pool does. Before
/// they are made, the process is told to keep memory that it frees. Where each has a processor of its own,
/// those without work stay awake for a moment.
pub fn on_pool<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    keep_freed();
    let processors = thread::available_parallelism().ok().map(usize::from);
    let wanted = std::env::var("RAYON_NUM_THREADS")
        .ok()
        .and_then(|threads| threads.parse().ok())
        .filter(|threads| *threads > 0)
        .or(processors)
        .unwrap_or(2);
    // It fails where the pool exists already, which then serves as it is.
    let is_made = rayon::ThreadPoolBuilder::new()
        .num_threads(wanted.max(2))
        .stack_size(STACK)
        .build_global()
        .is_ok();
    let is_roomy = (2..=processors.unwrap_or(1)).contains(&wanted);
    rayon::scope(|_| {
        let own = rayon::current_thread_index();
        if is_made && is_roomy {
            rayon::spawn_broadcast(move |thread| {
                if Some(thread.index()) != own {
                    serve();
                }
            });
        }
        body()
    })
}

/// Does the work that other threads share, for as long as the process lives.
fn serve() {
    let mut idle_since = Instant::now();
    loop {
        if let Some(Yield::Executed) = rayon::yield_now() {
            idle_since = Instant::now();
            continue;
        }
        let idle = idle_since.elapsed();
        if idle > AWAKE {
            thread::sleep((idle / PART).min(LONGEST_REST));
            continue;
        }
        for _ in 0..PAUSES {
            std::hint::spin_loop();
        }
        // Others may have to do on this processor.
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Whether another thread takes work from this one, which waits for it.
    fn is_helped() -> bool {
        let (done, hear) = mpsc::channel();
        let heard = move || hear.recv_timeout(Duration::from_secs(20)).is_ok();
        rayon::join(heard, move || done.send(()).is_ok()).0
    }

    #[test]
    fn other_threads_help_before_and_after_a_rest() {
        let helped = on_pool(|| {
            assert!(rayon::current_thread_index().is_some());
            let before = is_helped();
            thread::sleep(8 * AWAKE);
            [before, is_helped()]
        });
        assert_eq!(helped, [true; 2]);
    }
}
