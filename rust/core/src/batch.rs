//! The one place for threads.
//!
//! Work is cut into chunks of whole items; threads take chunks in turn, and
//! results come back in the order of the items, so that nothing depends on
//! the number of threads. Threads live only for the call: there is no pool
//! that a `fork` could leave without its threads or that interpreter exit
//! could find at work.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Chunks per thread, so that a thread that finishes early finds more to do.
const CHUNKS_PER_THREAD: usize = 8;
/// Work per chunk, in units of weight (bytes of text, tokens): enough to make
/// up for handing it out.
const LEAST_CHUNK: usize = 1 << 15;
/// Work per thread that makes up for starting it.
const LEAST_SHARE: usize = 1 << 17;

/// The number of threads to use when the caller does not say.
pub fn default_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Applies `work` to consecutive ranges that together cover `0..items`, on up
/// to `threads` threads (0 counts as 1), and returns the results in order.
/// `weight(item)` says how much work an item is.
pub fn in_chunks<R: Send>(
    items: usize,
    weight: impl Fn(usize) -> usize,
    threads: usize,
    work: impl Fn(Range<usize>) -> R + Sync,
) -> Vec<R> {
    let total = (0..items).fold(0_usize, |sum, item| sum.saturating_add(weight(item)));
    let threads = threads.min(total / LEAST_SHARE + 1).min(items).max(1);
    if threads == 1 {
        return vec![work(0..items)];
    }
    let chunks = chunks(items, weight, (total / (threads * CHUNKS_PER_THREAD)).max(LEAST_CHUNK));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(chunks.len()));
    let take = || {
        while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(chunk.clone());
            // A poisoned lock means that another thread panicked while
            // pushing; its panic is raised again when the scope ends.
            let mut results = results.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            results.push((chunk.start, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Where no more threads can be had, those that run do the work.
            if thread::Builder::new().spawn_scoped(scope, take).is_err() {
                break;
            }
        }
        take();
    });
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by_key(|(start, _)| *start);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Cuts `0..items` into ranges of about `size` weight each.
fn chunks(items: usize, weight: impl Fn(usize) -> usize, size: usize) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut sum = 0_usize;
    for item in 0..items {
        sum = sum.saturating_add(weight(item));
        if sum >= size {
            chunks.push(start..item + 1);
            start = item + 1;
            sum = 0;
        }
    }
    if start < items {
        chunks.push(start..items);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_those_of_one_thread_in_order() {
        let weights: Vec<usize> = (0..5000).map(|item| item * 7919 % 1000).collect();
        for threads in [0, 1, 2, 3, 16, 1000] {
            let parts = in_chunks(
                weights.len(),
                |item| weights[item],
                threads,
                |range| range.map(|item| weights[item] * 2).collect::<Vec<_>>(),
            );
            let expected: Vec<usize> = weights.iter().map(|weight| weight * 2).collect();
            assert_eq!(parts.concat(), expected);
        }
    }

    #[test]
    fn no_items_and_heavy_items() {
        assert_eq!(in_chunks(0, |_| 1, 4, |range| range.len()), [0]);
        let heavy = in_chunks(3, |_| usize::MAX, 2, |range| range.len());
        assert_eq!(heavy, [1, 1, 1]);
    }
}
