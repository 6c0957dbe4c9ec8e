//! What one vendor does in its own way.

use super::{Handle, Status};
use std::ffi::c_int;

/// A graph that holds the one that is captured. Destroyed when dropped, with what it holds.
pub trait Outer {
    /// The graph that is launched.
    fn graph(&self) -> Handle;

    /// Begins the capture of what it holds.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    fn begin(&self, stream: Handle, mode: c_int) -> Result<(), Status>;
}

/// A device of a vendor, held for as long as this lives.
pub trait Vendor: Send + Sync {
    /// The device, as the driver numbers it.
    fn device(&self) -> c_int;

    /// Makes the device current on this thread.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    fn enter(&self) -> Result<(), Status>;

    /// Lets a kernel have so much dynamic shared memory, where it must be asked for.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    fn allow_shared(&self, _function: Handle, _bytes: u32) -> Result<(), Status> {
        Ok(())
    }

    /// A graph for captured work to lie in, where the vendor launches it sooner so. The device is current.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    fn outer(&self) -> Result<Option<Box<dyn Outer>>, Status> {
        Ok(None)
    }

    /// What to do about an error code, as a sentence without its full stop.
    fn advice(&self, code: i32) -> &'static str;
}
