//! What the driver's error codes mean to people.

use super::Api;
use crate::libraries::Status;
use std::ffi::{CStr, c_char};
use std::ptr::null;

/// `CUDA_ERROR_OUT_OF_MEMORY`
pub(crate) const OUT_OF_MEMORY: i32 = 2;
/// `CUDA_ERROR_NOT_READY`
pub(crate) const NOT_READY: i32 = 600;

/// `cuStreamCreate: code 719, CUDA_ERROR_LAUNCH_FAILED, unspecified launch failure`, and what can be done.
pub(crate) fn describe(api: &Api, status: Status) -> String {
    let (name, text) = (name(api, status.code), text(api, status.code));
    format!("{}: code {}, {name}, {text}. {}", status.call, status.code, advice(status.code))
}

/// The code's name in `cuda.h`.
pub(crate) fn name(api: &Api, code: i32) -> String {
    let mut name = null();
    // SAFETY: the pointer may be written; it is left null for a code that the driver does not know.
    let _ = unsafe { api.cuGetErrorName(code, &mut name) };
    owned(name).unwrap_or_else(|| "an error without a name".into())
}

fn text(api: &Api, code: i32) -> String {
    let mut text = null();
    // SAFETY: as above.
    let _ = unsafe { api.cuGetErrorString(code, &mut text) };
    owned(text).unwrap_or_else(|| "which the driver does not describe".into())
}

fn owned(text: *const c_char) -> Option<String> {
    // SAFETY: the driver gives null or a string that it never frees.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// What to do about an error code.
fn advice(code: i32) -> &'static str {
    match code {
        2 => "Free memory of the device, or choose a smaller size",
        46 => {
            "Another process holds the device: end it, or take exclusive mode off with `nvidia-smi -c DEFAULT`"
        }
        100 | 101 => {
            "See `nvidia-smi` for the devices there are, and CUDA_VISIBLE_DEVICES for those that are shown"
        }
        200 | 209 | 218 | 222 => {
            "The kernel was made for another device or a newer driver: update the driver, or remove the kernel cache"
        }
        214 | 220 => "The device's memory or link is failing: see `nvidia-smi -q`, and reset or replace it",
        700 | 714 | 715 | 716 | 717 | 718 | 719 => {
            "A kernel went wrong and the device's context is lost: start again. If it happens again, please report it"
        }
        702 => "A kernel ran longer than the display allows: use a device without a display",
        709 | 4 | 201 => "The device's context is gone: start again",
        800 | 304 => "The device may not be used by this user: see the rights of /dev/nvidia*",
        802 | 803 => {
            "Driver and kernel module do not fit, or a service is not up: restart the machine or nvidia-fabricmanager"
        }
        805..=810 => "The MPS server refuses: restart nvidia-cuda-mps-control, or stop it",
        999 => "See the kernel's log (`dmesg | grep -i nvrm`) for what happened to the device",
        _ => "Start again; if it happens again, please report it",
    }
}
