//! A device's primary context, current on whichever thread calls.

use super::failure::{OUT_OF_MEMORY, describe};
use super::{Api, Facts};
use crate::libraries::Status;
use cudarc::driver::sys::{CUcontext, CUdevice};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};
use tintype_accel::{Error, Result};

thread_local! {
    /// The number of the context that this thread made current last.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

/// The device's primary context, which all libraries of the process share. Released when dropped.
pub(crate) struct Context {
    pub(crate) api: &'static Api,
    pub(crate) label: String,
    device: CUdevice,
    raw: CUcontext,
    /// Never given twice, unlike the address of a context that was released and made anew.
    number: u64,
}

// SAFETY: a context may be current on any thread, on several at once.
unsafe impl Send for Context {}
// SAFETY: as above; the driver locks it itself.
unsafe impl Sync for Context {}

impl Context {
    /// The driver's handle.
    pub(super) fn context(&self) -> CUcontext {
        self.raw
    }

    pub(crate) fn retain(api: &'static Api, facts: &Facts) -> Result<Self> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let label = format!("cuda:{}", facts.ordinal);
        let mut raw = null_mut();
        // SAFETY: the device is one that the driver gave; the handle may be written.
        let retained = unsafe { api.cuDevicePrimaryCtxRetain(&mut raw, facts.device) };
        retained.map_err(|status| error(api, &label, status))?;
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let context = Self { api, label, device: facts.device, raw, number };
        context.enter()?;
        Ok(context)
    }

    /// Makes it current on this thread, unless it is.
    pub(crate) fn enter(&self) -> Result<()> {
        if CURRENT.get() != self.number {
            // SAFETY: the context is retained.
            self.ok(unsafe { self.api.cuCtxSetCurrent(self.raw) })?;
            CURRENT.set(self.number);
        }
        Ok(())
    }

    /// The device, as the driver numbers it.
    pub(crate) fn device(&self) -> CUdevice {
        self.device
    }

    /// A status as an error of this device.
    pub(crate) fn error(&self, status: Status) -> Error {
        error(self.api, &self.label, status)
    }

    /// A call's result, its status as an error of this device.
    pub(crate) fn ok(&self, result: std::result::Result<(), Status>) -> Result<()> {
        result.map_err(|status| self.error(status))
    }
}

fn error(api: &Api, label: &str, status: Status) -> Error {
    let (device, reason) = (label.to_owned(), describe(api, status));
    match status.code {
        OUT_OF_MEMORY => Error::DriverOutOfMemory { device, reason },
        _ => Error::Device { device, reason },
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if CURRENT.get() == self.number {
            CURRENT.set(0);
        }
        // SAFETY: retained once, released once, after everything that lies in it: all of that owns a share of this.
        // An error of the release has nowhere to go, and nothing is left to be released.
        let _ = unsafe { self.api.cuDevicePrimaryCtxRelease_v2(self.device) };
    }
}
