//! What a driver says of its error codes.

use super::{Api, Status};
use std::ffi::{CStr, c_char};
use std::ptr::null;

/// `CUDA_ERROR_OUT_OF_MEMORY`, `hipErrorOutOfMemory`
pub const OUT_OF_MEMORY: i32 = 2;
/// `CUDA_ERROR_NOT_READY`, `hipErrorNotReady`
pub(crate) const NOT_READY: i32 = 600;

/// `cuStreamCreate: code 719, CUDA_ERROR_LAUNCH_FAILED, unspecified launch failure`, and what can be done.
pub fn describe(api: &Api, status: Status, advice: &str) -> String {
    let (name, text) = (name(api, status.code), text(api, status.code));
    format!("{}: code {}, {name}, {text}. {advice}", status.call, status.code)
}

/// The code's name in the vendor's header.
fn name(api: &Api, code: i32) -> String {
    let mut name = null();
    // SAFETY: the pointer may be written; it is left null for a code that the driver does not know.
    let _ = unsafe { api.error_name(code, &mut name) };
    owned(name).unwrap_or_else(|| "an error without a name".into())
}

fn text(api: &Api, code: i32) -> String {
    let mut text = null();
    // SAFETY: as above.
    let _ = unsafe { api.error_text(code, &mut text) };
    owned(text).unwrap_or_else(|| "which the driver does not describe".into())
}

fn owned(text: *const c_char) -> Option<String> {
    // SAFETY: the driver gives null or a string that it never frees.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
