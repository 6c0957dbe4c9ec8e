//! A device that is made current on the threads that use it.

use super::api::{Loaded, Own};
use crate::probe::BACKEND;
use std::ffi::c_int;
use tintype_accel::Result;
use tintype_gpu::driver::{Context, Status, Vendor};

/// A device by its number. HIP keeps its context itself.
struct Home {
    own: &'static Own,
    device: c_int,
}

/// Makes a device current on this thread.
pub(crate) fn context(loaded: &'static Loaded, ordinal: usize) -> Result<Context> {
    let home = Home { own: &loaded.own, device: ordinal as c_int };
    Context::new(&loaded.api, BACKEND, format!("{BACKEND}:{ordinal}"), Box::new(home))
}

impl Vendor for Home {
    fn device(&self) -> c_int {
        self.device
    }

    fn enter(&self) -> std::result::Result<(), Status> {
        // SAFETY: any number may be given.
        unsafe { self.own.hipSetDevice(self.device) }
    }

    fn advice(&self, code: i32) -> &'static str {
        advice(code)
    }
}

/// What to do about an error code.
pub(crate) fn advice(code: i32) -> &'static str {
    match code {
        2 => "Free memory of the device, or choose a smaller size",
        9 => "A launch is larger than HIP takes: choose a smaller size, and please report it",
        98 | 200 | 209 => {
            "The kernel was made for another device: remove the kernel cache, and see whether HSA_OVERRIDE_GFX_VERSION is set"
        }
        100 | 101 => {
            "See `rocminfo` for the devices there are, and HIP_VISIBLE_DEVICES and ROCR_VISIBLE_DEVICES for those that are shown"
        }
        700 | 719 => {
            "A kernel went wrong and the device's context is lost: start again. If it happens again, please report it"
        }
        900..=910 => "The capture of a graph was refused: `--launch compiled` works without one",
        999 => "See the kernel's log (`dmesg | grep -i amdgpu`) for what happened to the device",
        _ => "Start again; if it happens again, please report it",
    }
}
