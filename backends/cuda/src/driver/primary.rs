//! A device's primary context, which all libraries of the process share.

use super::nested::Nested;
use super::{Facts, Loaded, Nest, Nesting, Own};
use cudarc::driver::sys::{CUcontext, CUdevice};
use std::ffi::c_int;
use std::ptr::null_mut;
use tintype_accel::Result;
use tintype_gpu::driver::{Api, Context, Handle, Outer, Status, Vendor, error};

/// A primary context that is retained. Released when dropped.
struct Primary {
    api: &'static Api,
    own: &'static Own,
    /// Where graphs are nested.
    nesting: Option<&'static Nesting>,
    device: CUdevice,
    raw: CUcontext,
}

// SAFETY: a context may be current on any thread, on several at once.
unsafe impl Send for Primary {}
// SAFETY: as above; the driver locks it itself.
unsafe impl Sync for Primary {}

/// Retains a device's primary context, and makes it current on this thread.
pub(crate) fn context(loaded: &'static Loaded, facts: &Facts, nest: Nest) -> Result<Context> {
    let label = format!("{}:{}", crate::probe::BACKEND, facts.ordinal);
    let mut raw = null_mut();
    // SAFETY: the device is one that the driver gave; the handle may be written.
    let retained = unsafe { loaded.own.cuDevicePrimaryCtxRetain(&mut raw, facts.device) };
    retained.map_err(|status| error(&loaded.api, &label, status, advice(status.code)))?;
    let nesting = loaded.nesting.as_ref().filter(|_| nest == Nest::On);
    let primary = Primary { api: &loaded.api, own: &loaded.own, nesting, device: facts.device, raw };
    Context::new(&loaded.api, crate::probe::BACKEND, label, Box::new(primary))
}

impl Vendor for Primary {
    fn device(&self) -> c_int {
        self.device
    }

    fn enter(&self) -> std::result::Result<(), Status> {
        // SAFETY: the context is retained.
        unsafe { self.own.cuCtxSetCurrent(self.raw) }
    }

    fn allow_shared(&self, function: Handle, bytes: u32) -> std::result::Result<(), Status> {
        /// `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`: beyond 48 KiB a kernel must have asked beforehand.
        const DYNAMIC_SHARED: c_int = 8;
        // SAFETY: the function is alive.
        unsafe { self.own.cuFuncSetAttribute(function, DYNAMIC_SHARED, bytes as c_int) }
    }

    fn outer(&self) -> std::result::Result<Option<Box<dyn Outer>>, Status> {
        let Some(nesting) = self.nesting else { return Ok(None) };
        Ok(Some(Box::new(Nested::new(self.api, nesting, self.raw)?)))
    }

    fn advice(&self, code: i32) -> &'static str {
        advice(code)
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        // SAFETY: retained once, released once. An error of the release has nowhere to go, and nothing is left to be released.
        let _ = unsafe { self.own.cuDevicePrimaryCtxRelease_v2(self.device) };
    }
}

/// What to do about an error code.
pub(crate) fn advice(code: i32) -> &'static str {
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
