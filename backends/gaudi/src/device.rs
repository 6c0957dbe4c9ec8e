//! The device that the process holds, and what is asked of it.

use crate::fault::Fault;
use crate::runtime::Runtime;
use crate::sys::{DeviceType, Direction, Handle, Status};
use std::ffi::c_void;
use std::sync::Arc;

/// An acquired device. The runtime gives a process one at a time, so all who ask for it share it.
pub(crate) struct Acquired {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) id: u32,
    pub(crate) kind: DeviceType,
    pub(crate) module: Option<u32>,
    pub(crate) memory: u64,
    pub(crate) name: String,
    /// For messages.
    pub(crate) label: String,
}

/// A stream. Calls on it are ordered by who holds it.
pub(crate) struct Stream(Handle);

/// An event.
pub(crate) struct Event(Handle);

/// Memory of the host that the device reads and writes.
pub(crate) struct Pinned {
    pub(crate) pointer: *mut u8,
    pub(crate) bytes: usize,
}

// SAFETY: handles of the interface may be used from any thread.
unsafe impl Send for Stream {}
// SAFETY: as above; calls on a stream are made by who holds the lock around it.
unsafe impl Sync for Stream {}
// SAFETY: as above.
unsafe impl Send for Event {}
// SAFETY: as above; asking and waiting change nothing.
unsafe impl Sync for Event {}
// SAFETY: the memory is its holder's alone.
unsafe impl Send for Pinned {}

impl Acquired {
    pub(crate) fn check(&self, call: &'static str, status: i32) -> Result<(), Fault> {
        self.runtime.check(call, status)
    }

    /// Bytes of device memory: free, and all.
    pub(crate) fn memory_info(&self) -> Result<(u64, u64), Fault> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: the library writes two numbers.
        let status = unsafe { (self.runtime.synapse.functions.memory_info)(self.id, &mut free, &mut total) };
        self.check("synDeviceGetMemoryInfo", status)?;
        Ok((free, total))
    }

    pub(crate) fn allocate(&self, bytes: u64) -> Result<u64, Fault> {
        let mut address = 0;
        // SAFETY: the library writes one address.
        let status =
            unsafe { (self.runtime.synapse.functions.device_malloc)(self.id, bytes, 0, 0, &mut address) };
        self.check("synDeviceMalloc", status)?;
        Ok(address)
    }

    pub(crate) fn free(&self, address: u64) {
        // SAFETY: who frees no longer uses the memory, and nor does the device.
        let status = unsafe { (self.runtime.synapse.functions.device_free)(self.id, address, 0) };
        self.warn("synDeviceFree", status);
    }

    pub(crate) fn pin(&self, bytes: usize) -> Result<Pinned, Fault> {
        let mut pointer: *mut c_void = std::ptr::null_mut();
        // SAFETY: the library writes one pointer.
        let status =
            unsafe { (self.runtime.synapse.functions.host_malloc)(self.id, bytes as u64, 0, &mut pointer) };
        self.check("synHostMalloc", status)?;
        Ok(Pinned { pointer: pointer.cast(), bytes })
    }

    pub(crate) fn unpin(&self, pinned: Pinned) {
        // SAFETY: the memory came from `pin`, and is nobody's any more.
        let status = unsafe { (self.runtime.synapse.functions.host_free)(self.id, pinned.pointer.cast(), 0) };
        self.warn("synHostFree", status);
    }

    pub(crate) fn stream(&self) -> Result<Stream, Fault> {
        let mut handle: Handle = std::ptr::null_mut();
        // SAFETY: the library writes one handle.
        let status = unsafe { (self.runtime.synapse.functions.stream_create)(&mut handle, self.id, 0) };
        self.check("synStreamCreateGeneric", status)?;
        Ok(Stream(handle))
    }

    pub(crate) fn end_stream(&self, stream: &Stream) {
        // SAFETY: a stream of this device that nobody uses any more.
        let status = unsafe { (self.runtime.synapse.functions.stream_destroy)(stream.0) };
        self.warn("synStreamDestroy", status);
    }

    pub(crate) fn synchronize(&self, stream: &Stream) -> Result<(), Fault> {
        // SAFETY: a stream of this device.
        let status = unsafe { (self.runtime.synapse.functions.stream_synchronize)(stream.0) };
        self.check("synStreamSynchronize", status)
    }

    /// Enqueues a copy between addresses of the device, or of pinned memory.
    pub(crate) fn copy(
        &self,
        stream: &Stream,
        from: u64,
        bytes: u64,
        to: u64,
        direction: Direction,
    ) -> Result<(), Fault> {
        // SAFETY: both ranges belong to whoever enqueues the copy, and stay until the stream has passed it.
        let status =
            unsafe { (self.runtime.synapse.functions.copy)(stream.0, from, bytes, to, direction as i32) };
        self.check("synMemCopyAsync", status)
    }

    /// Marks this point of a stream.
    pub(crate) fn record(&self, stream: &Stream) -> Result<Event, Fault> {
        let mut handle: Handle = std::ptr::null_mut();
        let functions = &self.runtime.synapse.functions;
        // SAFETY: the library writes one handle.
        let status = unsafe { (functions.event_create)(&mut handle, self.id, 0) };
        self.check("synEventCreate", status)?;
        let event = Event(handle);
        // SAFETY: an event and a stream of this device.
        let status = unsafe { (functions.event_record)(event.0, stream.0) };
        self.check("synEventRecord", status).inspect_err(|_| self.forget(Event(event.0)))?;
        Ok(event)
    }

    pub(crate) fn poll(&self, event: &Event) -> Result<bool, Fault> {
        // SAFETY: an event of this device.
        let status = unsafe { (self.runtime.synapse.functions.event_query)(event.0) };
        match Status(status) {
            Status::BUSY => Ok(false),
            _ => self.check("synEventQuery", status).map(|()| true),
        }
    }

    pub(crate) fn wait(&self, event: &Event) -> Result<(), Fault> {
        // SAFETY: an event of this device.
        let status = unsafe { (self.runtime.synapse.functions.event_synchronize)(event.0) };
        self.check("synEventSynchronize", status)
    }

    pub(crate) fn forget(&self, event: Event) {
        // SAFETY: an event of this device that nobody asks for any more.
        let status = unsafe { (self.runtime.synapse.functions.event_destroy)(event.0) };
        self.warn("synEventDestroy", status);
    }

    pub(crate) fn warn(&self, call: &'static str, status: i32) {
        if let Err(fault) = self.check(call, status) {
            tracing::warn!("{fault}");
        }
    }
}

impl Stream {
    pub(crate) fn handle(&self) -> Handle {
        self.0
    }
}
