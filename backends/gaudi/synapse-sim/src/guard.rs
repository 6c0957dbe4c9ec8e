//! The wall at the C interface: no panic crosses it; every call is counted, logged and may be made to fail.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::{Fault, Outcome, Status, fault};
use crate::inject::Injected;

thread_local! {
    static LAST: RefCell<(Status, String)> = const { RefCell::new((Status::SUCCESS, String::new())) };
}

/// Runs the body of an exported function and gives its status.
/// `facts` says in the log what the call was about; the body may write to it.
pub fn call(name: &'static str, body: impl FnOnce(&mut String) -> Outcome) -> i32 {
    let mut facts = String::new();
    let outcome = match crate::inject::take(name) {
        Some(Injected::Now(status)) => fault(status, "made to fail"),
        _ => contained(|| body(&mut facts)),
    };
    let status = match &outcome {
        Ok(()) => Status::SUCCESS,
        Err(Fault { status, .. }) => *status,
    };
    crate::counters::count(name, status);
    match outcome {
        Ok(()) => crate::log::line(&format!("{name} {status} {facts}")),
        Err(failure) => {
            crate::log::line(&format!("{name} {status} {facts}: {}", failure.why));
            LAST.with_borrow_mut(|last| *last = (status, failure.why));
        }
    }
    status.0
}

/// Runs `body`; a panic becomes synFail.
pub fn contained<T>(body: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| fault(Status::FAIL, "a defect of this library: it panicked"))
}

/// The last failure of this thread.
pub fn last() -> (Status, String) {
    LAST.with_borrow(Clone::clone)
}

/// Writes a result through a pointer of the caller's.
pub fn put<T>(out: *mut T, value: T) -> Outcome {
    if out.is_null() {
        return fault(Status::INVALID_ARGUMENT, "NULL where a result goes");
    }
    // SAFETY: not NULL; the interface has the caller pass room for one T.
    unsafe { out.write_unaligned(value) };
    Ok(())
}

/// Reads what a pointer of the caller's points to.
pub fn get<T: Copy>(from: *const T) -> Outcome<T> {
    if from.is_null() {
        return fault(Status::INVALID_ARGUMENT, "NULL where an argument is");
    }
    // SAFETY: not NULL; the interface has the caller pass one T.
    Ok(unsafe { from.read_unaligned() })
}

/// Copies an array of the caller's.
pub fn list<T: Copy>(from: *const T, count: usize) -> Outcome<Vec<T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if from.is_null() {
        return fault(Status::INVALID_ARGUMENT, "NULL where an array is");
    }
    // SAFETY: not NULL; the interface has the caller pass `count` elements.
    Ok((0..count).map(|index| unsafe { from.add(index).read_unaligned() }).collect())
}

/// Copies a string of the caller's.
pub fn text(from: *const std::ffi::c_char) -> Outcome<String> {
    if from.is_null() {
        return fault(Status::INVALID_ARGUMENT, "NULL where a string is");
    }
    // SAFETY: not NULL; the interface has the caller pass a string that ends in NUL.
    let text = unsafe { std::ffi::CStr::from_ptr(from) };
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => fault(Status::INVALID_ARGUMENT, "a string that is not UTF-8"),
    }
}

/// Writes a string with its NUL, cut to `room` bytes.
pub fn put_text(out: *mut std::ffi::c_char, room: usize, text: &str) -> Outcome {
    if out.is_null() || room == 0 {
        return fault(Status::INVALID_ARGUMENT, "no room for a string");
    }
    let length = text.len().min(room - 1);
    // SAFETY: not NULL; the interface has the caller pass `room` bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr().cast(), out, length);
        out.add(length).write(0);
    }
    Ok(())
}
