//! What belongs to one thread: its stack of contexts, its capture mode, whether it runs a callback.

use std::cell::RefCell;
use std::ffi::c_void;

use crate::abi::Handle;

#[derive(Default)]
struct Thread {
    contexts: Vec<Handle>,
    capture_mode: u32,
    in_callback: bool,
}

thread_local! {
    static THREAD: RefCell<Thread> = RefCell::default();
}

/// A host function that a stream reached.
#[derive(Debug, Clone, Copy)]
pub struct HostCall {
    /// Address of the function.
    pub function: usize,
    /// What it is given.
    pub data: usize,
}

/// The context on top of this thread's stack; 0 is none.
pub fn current() -> Handle {
    THREAD.with_borrow(|thread| thread.contexts.last().copied().unwrap_or(0))
}

/// Replaces the top of the stack; 0 removes it.
pub fn set_current(context: Handle) {
    THREAD.with_borrow_mut(|thread| {
        thread.contexts.pop();
        thread.contexts.extend((context != 0).then_some(context));
    });
}

/// Puts a context on top.
pub fn push(context: Handle) {
    THREAD.with_borrow_mut(|thread| thread.contexts.push(context));
}

/// Takes the top away.
pub fn pop() -> Option<Handle> {
    THREAD.with_borrow_mut(|thread| thread.contexts.pop())
}

/// This thread's capture mode: 0 global, 1 thread-local, 2 relaxed.
pub fn capture_mode() -> u32 {
    THREAD.with_borrow(|thread| thread.capture_mode)
}

/// Replaces it and gives the old one.
pub fn exchange_capture_mode(mode: u32) -> u32 {
    THREAD.with_borrow_mut(|thread| std::mem::replace(&mut thread.capture_mode, mode))
}

/// Whether this thread is inside a host function of a stream, where no driver call is allowed.
pub fn in_callback() -> bool {
    THREAD.with_borrow(|thread| thread.in_callback)
}

/// Runs the host functions that streams reached, in order.
pub fn run_callbacks(calls: Vec<HostCall>) {
    for call in calls {
        THREAD.with_borrow_mut(|thread| thread.in_callback = true);
        // SAFETY: the address came as a CUhostFn through cuLaunchHostFunc, with the data it is to be given.
        unsafe {
            let function: unsafe extern "C" fn(*mut c_void) = std::mem::transmute(call.function);
            function(call.data as *mut c_void);
        }
        THREAD.with_borrow_mut(|thread| thread.in_callback = false);
    }
}
