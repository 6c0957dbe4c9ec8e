//! Reusable f32 buffers, a few a thread.
//!
//! A thread that has had no part in some kernel yet would have to allocate when its turn comes, and when that is, is chance.
//! So the largest need is remembered, and [`reserve`] lets a thread prepare for it. Memory that is prepared and never used is
//! never touched, and costs addresses only.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Buffers that a thread prepares: one for each kernel's work that may be begun inside another's.
const PREPARED: usize = 4;

/// The most elements that were ever asked for at once.
static MOST: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with a buffer of `len` elements, whose content is left over from earlier uses.
///
/// The buffer is taken out of the thread's store while in use, because a thread that waits for others inside `work` may
/// be given another task that asks for a buffer of its own.
pub(crate) fn with<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < len {
        MOST.fetch_max(len, Ordering::Relaxed);
        buffer = zeros(len);
    }
    let result = work(&mut buffer[..len]);
    FREE.with_borrow_mut(|free| free.push(buffer));
    result
}

/// The most elements that any thread has asked for at once.
pub(crate) fn most() -> usize {
    MOST.load(Ordering::Relaxed)
}

/// Prepares this thread for work that needs `len` elements at once.
pub(crate) fn reserve(len: usize) {
    FREE.with_borrow_mut(|free| {
        free.resize_with(free.len().max(PREPARED), Vec::new);
        free.iter_mut().filter(|buffer| buffer.len() < len).for_each(|buffer| *buffer = zeros(len));
    });
}

/// Zeros, which the system gives out without touching their memory where there are many.
fn zeros(len: usize) -> Vec<f32> {
    vec![0.0; len]
}
