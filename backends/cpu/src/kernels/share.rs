//! Tasks that all threads take, one after the other.

use rayon::current_num_threads;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::yield_now;

/// How often a thread looks before it lets others have the processor.
const LOOKS: usize = 64;

/// Calls `work` with each of `0..count`, in order, from all threads of the pool: one at a time, so that a thread that falls
/// behind leaves more to the others. `work` starts no parallel work of its own.
///
/// A thread that finds nothing left stays awake until all is done: the last tasks take less time than waking a thread does,
/// and the next kernel follows at once.
pub(crate) fn share(count: usize, work: impl Fn(usize) + Sync) {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = current_num_threads().min(count);
    spread(threads, &|| {
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= count {
                break;
            }
            let _done = Done(&done);
            work(task);
        }
        for look in 1.. {
            if done.load(Ordering::Acquire) >= count {
                break;
            }
            if look % LOOKS == 0 { yield_now() } else { spin_loop() }
        }
    });
}

/// Calls `work` from up to so many threads, whichever are free.
fn spread(threads: usize, work: &(impl Fn() + Sync)) {
    if threads <= 1 {
        return work();
    }
    let half = threads / 2;
    rayon::join(|| spread(threads - half, work), || spread(half, work));
}

/// Counts a task as done, even one that panics, since others wait for it.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tests::support::on;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn every_task_is_done_once() {
        for threads in [1, 2, 3, 5] {
            for count in [0, 1, 2, 7, 40] {
                let calls: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                on(threads, || {
                    share(count, |task| {
                        calls[task].fetch_add(1, Ordering::Relaxed);
                    });
                });
                assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 1), "{threads} {count}");
            }
        }
    }

    #[test]
    fn a_task_that_panics_keeps_nobody_waiting() {
        let calls = AtomicUsize::new(0);
        let run = || {
            share(9, |task| {
                calls.fetch_add(1, Ordering::Relaxed);
                assert!(task != 4, "the fifth");
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(|| on(3, run))).is_err());
        assert!(calls.load(Ordering::Relaxed) >= 5);
    }
}
