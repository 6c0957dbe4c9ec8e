//! How tests drive the double and read its witness: functions that no driver has.

use crate::abi::{Out, Text, put_text};
use crate::state::{self, Double};
use crate::thread;

/// Writes the counters as JSON and a zero byte into `buffer` of `len` bytes; answers the bytes that all takes.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_counts(buffer: Out<u8>, len: usize) -> usize {
    put_text(buffer, len, &state::lock().log.counts().to_string())
}

/// Sets the counters to zero.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_reset_counts() {
    state::lock().log.reset_counts();
}

/// Writes what is alive as JSON, as `tintype_double_counts` does.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_live(buffer: Out<u8>, len: usize) -> usize {
    put_text(buffer, len, &state::lock().book.live().to_string())
}

/// The `nth` call of `function` from now on (1 is the next; `*` is any function) gives `status` and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_fail(function: Text, nth: u64, status: u32) {
    if let Ok(function) = function.get() {
        state::lock().faults.add(&function, nth, status, false);
    }
}

/// The same, but that call succeeds; the status surfaces at the next launch, copy or wait and then stays.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_fail_later(function: Text, nth: u64, status: u32) {
    if let Ok(function) = function.get() {
        state::lock().faults.add(&function, nth, status, true);
    }
}

/// Writes a marker line to the log.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_mark(text: Text) {
    state::lock().log.mark(&text.shown());
}

/// Starts anew, as if the library were loaded with these values in the environment. Null is an empty value.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_configure(machine: Text, faults: Text, log: Text) {
    while thread::pop().is_some() {}
    thread::exchange_capture_mode(0);
    *state::lock() = Double::new(machine.get().ok(), faults.get().ok(), log.get().ok());
}
