//! Names and descriptions of error codes.

use crate::entry::run;
use std::ffi::{CStr, c_char};

/// `hipErrorInvalidValue`
const INVALID_VALUE: i32 = 1;

/// A code's name and description.
fn known(code: i32) -> Option<(&'static CStr, &'static CStr)> {
    Some(match code {
        0 => (c"hipSuccess", c"no error"),
        1 => (c"hipErrorInvalidValue", c"invalid argument"),
        2 => (c"hipErrorOutOfMemory", c"out of memory"),
        3 => (c"hipErrorNotInitialized", c"initialization error"),
        9 => (c"hipErrorInvalidConfiguration", c"invalid configuration argument"),
        98 => (c"hipErrorInvalidDeviceFunction", c"invalid device function"),
        100 => (c"hipErrorNoDevice", c"no ROCm-capable device is detected"),
        101 => (c"hipErrorInvalidDevice", c"invalid device ordinal"),
        200 => (c"hipErrorInvalidImage", c"device kernel image is invalid"),
        201 => (c"hipErrorInvalidContext", c"invalid device context"),
        209 => (c"hipErrorNoBinaryForGpu", c"no kernel image is available for execution on the device"),
        303 => (c"hipErrorSharedObjectInitFailed", c"shared object initialization failed"),
        400 => (c"hipErrorInvalidHandle", c"invalid resource handle"),
        500 => (c"hipErrorNotFound", c"named symbol not found"),
        600 => (c"hipErrorNotReady", c"device not ready"),
        700 => (c"hipErrorIllegalAddress", c"an illegal memory access was encountered"),
        719 => (c"hipErrorLaunchFailure", c"unspecified launch failure"),
        801 => (c"hipErrorNotSupported", c"operation not supported"),
        900 => (c"hipErrorStreamCaptureUnsupported", c"operation not permitted when stream is capturing"),
        901 => {
            (c"hipErrorStreamCaptureInvalidated", c"operation failed due to a previous error during capture")
        }
        999 => (c"hipErrorUnknown", c"unknown error"),
        _ => return None,
    })
}

fn tell(to: *mut *const c_char, text: Option<&'static CStr>) -> Result<i32, (i32, String)> {
    if to.is_null() {
        return Err((INVALID_VALUE, "a null pointer".into()));
    }
    let pointer = text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: the caller's pointer, which HIP would write to as well.
    unsafe { to.write(pointer) };
    Ok(if text.is_some() { 0 } else { INVALID_VALUE })
}

/// HIP's `hipDrvGetErrorName`.
#[unsafe(no_mangle)]
pub extern "C" fn hipDrvGetErrorName(code: i32, name: *mut *const c_char) -> i32 {
    run("hipDrvGetErrorName", "", || format!("code={code}"), || tell(name, known(code).map(|(name, _)| name)))
}

/// HIP's `hipDrvGetErrorString`.
#[unsafe(no_mangle)]
pub extern "C" fn hipDrvGetErrorString(code: i32, text: *mut *const c_char) -> i32 {
    run(
        "hipDrvGetErrorString",
        "",
        || format!("code={code}"),
        || tell(text, known(code).map(|(_, text)| text)),
    )
}
