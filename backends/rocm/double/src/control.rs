//! How tests drive the double and read its witness: functions that HIP has not. What is alive is told by the double beneath.

use crate::beneath::{self, symbol};
use crate::state::{self, Double};
use serde_json::Value;
use std::ffi::{CStr, CString, c_char};

fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's string.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// Writes a text and a zero byte into `buffer` of `len` bytes; answers the bytes that all takes.
fn put(buffer: *mut u8, len: usize, text: &str) -> usize {
    let bytes = [text.as_bytes(), &[0]].concat();
    if !buffer.is_null() && bytes.len() <= len {
        // SAFETY: the caller's buffer of so many bytes.
        unsafe { buffer.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
    bytes.len()
}

/// A JSON text that the double beneath tells; empty where a real driver is beneath.
fn told(name: &str) -> Value {
    let Ok(address) = symbol(name) else { return Value::Object(Default::default()) };
    let mut buffer = vec![0_u8; 1 << 16];
    // SAFETY: the other double's function of this name has this type, and writes at most so many bytes.
    let length = unsafe {
        let call: extern "C" fn(*mut u8, usize) -> usize = std::mem::transmute(address);
        call(buffer.as_mut_ptr(), buffer.len())
    };
    let text = buffer.get(..length.saturating_sub(1)).unwrap_or_default();
    serde_json::from_slice(text).unwrap_or_default()
}

/// Calls and failures by function as JSON, and the totals of the double beneath.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_counts(buffer: *mut u8, len: usize) -> usize {
    let mut counts = state::lock().counts();
    let mut totals = told("tintype_double_counts")["totals"].take();
    // A product is a fill to the double beneath.
    let run = ["kernels_run", "fills_run"].map(|name| totals[name].as_u64().unwrap_or(0));
    totals["kernels_run"] = run.iter().sum::<u64>().into();
    counts["totals"] = totals;
    put(buffer, len, &counts.to_string())
}

/// What is alive as JSON. The context that HIP keeps for itself is not counted.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_live(buffer: *mut u8, len: usize) -> usize {
    let mut live = told("tintype_double_live");
    if let Some(kinds) = live.as_object_mut() {
        kinds.remove("contexts");
        kinds.insert("blas".into(), state::lock().objects.alive().into());
    }
    put(buffer, len, &live.to_string())
}

/// Sets the counters to zero.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_reset_counts() {
    state::lock().reset_counts();
    if let Ok(address) = symbol("tintype_double_reset_counts") {
        // SAFETY: the other double's function of this name takes and gives nothing.
        unsafe { std::mem::transmute::<*mut std::ffi::c_void, extern "C" fn()>(address)() };
    }
}

/// The `nth` call of `function` from now on (1 is the next; `*` is any function) gives `status` and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_fail(function: *const c_char, nth: u64, status: u32) {
    state::lock().fail(&text(function), nth, status as i32, false);
}

/// The same, but that call succeeds; the status comes out of what is done next, and stays.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_fail_later(function: *const c_char, nth: u64, status: u32) {
    state::lock().fail(&text(function), nth, status as i32, true);
}

/// Has the next call of a function of the double beneath fail later.
pub(crate) fn fail_later_beneath(function: &str, status: i32) {
    let (Ok(address), Ok(function)) = (symbol("tintype_double_fail_later"), CString::new(function)) else {
        return;
    };
    // SAFETY: the other double's function of this name has this type.
    unsafe {
        let call: extern "C" fn(*const c_char, u64, u32) = std::mem::transmute(address);
        call(function.as_ptr(), 1, status as u32);
    }
}

/// Writes a marker line to the log.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_mark(mark: *const c_char) {
    state::lock().line(&format!("# {}", text(mark).replace('\n', " ")));
}

/// Starts anew, as if the library were loaded with these values in the environment; `beneath` describes the machine of the double
/// beneath. Null is an empty value.
#[unsafe(no_mangle)]
pub extern "C" fn tintype_double_configure(
    machine: *const c_char,
    beneath: *const c_char,
    log: *const c_char,
) {
    if let Ok(address) = symbol("tintype_double_configure") {
        // SAFETY: the other double's function of this name has this type.
        unsafe {
            let call: extern "C" fn(*const c_char, *const c_char, *const c_char) =
                std::mem::transmute(address);
            call(beneath, std::ptr::null(), std::ptr::null());
        }
    } else if beneath::is_real() {
        state::lock().line("# the real driver beneath cannot start anew");
    }
    *state::lock() = Double::new(&text(machine), &text(log));
}
