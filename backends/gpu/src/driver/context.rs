//! A device, current on whichever thread calls.

use super::failure::{OUT_OF_MEMORY, describe};
use super::{Api, Status, Vendor};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering};
use tintype_accel::{Error, Result};

thread_local! {
    /// The number of the context that this thread made current last.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

/// A device that is held. Let go when dropped, after everything that lies on it: all of that owns a share of this.
pub struct Context {
    /// The driver's functions.
    pub api: &'static Api,
    /// The plugin's name.
    pub backend: &'static str,
    /// `cuda:0`
    pub label: String,
    vendor: Box<dyn Vendor>,
    /// Never given twice.
    number: u64,
}

impl Context {
    /// Makes a device current on this thread.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    pub fn new(
        api: &'static Api,
        backend: &'static str,
        label: String,
        vendor: Box<dyn Vendor>,
    ) -> Result<Self> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let context = Self { api, backend, label, vendor, number };
        context.enter()?;
        Ok(context)
    }

    /// Makes it current on this thread, unless it is.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    pub fn enter(&self) -> Result<()> {
        if CURRENT.get() != self.number {
            self.ok(self.vendor.enter())?;
            CURRENT.set(self.number);
        }
        Ok(())
    }

    /// The device, as the driver numbers it.
    pub(crate) fn device(&self) -> c_int {
        self.vendor.device()
    }

    /// What the vendor does in its own way.
    pub(crate) fn vendor(&self) -> &dyn Vendor {
        self.vendor.as_ref()
    }

    /// A status as an error of this device.
    pub fn error(&self, status: Status) -> Error {
        error(self.api, &self.label, status, self.vendor.advice(status.code))
    }

    /// A call's result, its status as an error of this device.
    ///
    /// # Errors
    ///
    /// The status.
    pub fn ok<T>(&self, result: std::result::Result<T, Status>) -> Result<T> {
        result.map_err(|status| self.error(status))
    }
}

/// A status as an error of a device.
pub fn error(api: &Api, label: &str, status: Status, advice: &str) -> Error {
    let (device, reason) = (label.to_owned(), describe(api, status, advice));
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
    }
}
