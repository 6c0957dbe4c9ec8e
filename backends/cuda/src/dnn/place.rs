//! Where plans are made: on a device, or on paper.

use super::descriptor::Descriptor;
use super::table::{Object, Table};
use super::values::{attribute, kind, of};
use crate::Stream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A device's handle, made when it is first needed, or the description of a device that is not there.
pub(super) enum Place {
    Device(Mutex<Handle>),
    Paper(Descriptor),
}

/// `cudnnHandle_t`: not to be used by two threads at once.
pub(super) struct Handle {
    object: Option<Object>,
    stream: Stream,
    table: Arc<Table>,
}

// SAFETY: the library lets any thread use a handle, one at a time, which the mutex around it sees to.
unsafe impl Send for Handle {}

impl Place {
    pub(super) fn device(table: &Arc<Table>, stream: Stream) -> Self {
        Self::Device(Mutex::new(Handle { object: None, stream, table: table.clone() }))
    }

    /// A device as the library describes it to itself in JSON.
    pub(super) fn paper(table: &Arc<Table>, json: &str) -> Result<Self, String> {
        let device = Descriptor::new(table, kind::DEVICE)?;
        device.set(attribute::DEVICE_JSON, of::CHARACTER, json.as_bytes())?;
        Ok(Self::Paper(device.finalize("describing a device")?))
    }

    /// The handle, locked, made now if there is none yet.
    pub(super) fn handle(&self) -> Result<Held<'_>, String> {
        let Self::Device(handle) = self else {
            return Err("cuDNN was opened without a device: it makes plans and launches none".into());
        };
        let mut handle = handle.lock().unwrap_or_else(PoisonError::into_inner);
        let object = handle.object()?;
        Ok(Held { object, _lock: handle })
    }
}

/// A handle that this thread alone uses.
pub(super) struct Held<'a> {
    object: Object,
    _lock: MutexGuard<'a, Handle>,
}

impl Held<'_> {
    pub(super) fn object(&self) -> Object {
        self.object
    }
}

impl Handle {
    fn object(&mut self) -> Result<Object, String> {
        if let Some(object) = self.object {
            return Ok(object);
        }
        let (create, stream) = (self.table.cudnnCreate()?, self.table.cudnnSetStream()?);
        let mut object = std::ptr::null_mut();
        // SAFETY: `object` is a place for the pointer.
        self.table.check(unsafe { create(&mut object) }, "cudnnCreate")?;
        self.object = Some(object);
        // SAFETY: the handle was made above; the stream lives as long as what uses it.
        let status = unsafe { stream(object, self.stream.0) };
        if let Err(reason) = self.table.check(status, "cudnnSetStream") {
            self.close();
            return Err(reason);
        }
        Ok(object)
    }

    fn close(&mut self) {
        if let (Some(object), Ok(destroy)) = (self.object.take(), self.table.cudnnDestroy()) {
            // SAFETY: made by `cudnnCreate`, given back once.
            unsafe { destroy(object) };
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
