//! The device that the process holds.

use crate::fault::Fault;
use crate::runtime::{Runtime, read};
use crate::sys::{DeviceInfo, DeviceType, Direction, Handle, Status};
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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

static HELD: Mutex<Weak<Acquired>> = Mutex::new(Weak::new());

impl Acquired {
    /// The device with this module id, or any of the best type that there is.
    pub(crate) fn get(runtime: &Arc<Runtime>, module: Option<u32>) -> Result<Arc<Self>, Fault> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held.upgrade()
            && Arc::ptr_eq(&known.runtime, runtime)
            && (module.is_none() || known.module == module)
        {
            return Ok(known);
        }
        let functions = &runtime.synapse.functions;
        let mut id = 0;
        match module {
            Some(module) => {
                // SAFETY: the library writes one number.
                let status = unsafe { (functions.acquire_by_module)(&mut id, module) };
                runtime.check("synDeviceAcquireByModuleId", status)?;
            }
            None => {
                let (_, kinds) = runtime.devices()?;
                let kind = kinds.first().map_or(DeviceType::GAUDI2, |(kind, _)| *kind);
                // SAFETY: the library writes one number.
                let status = unsafe { (functions.acquire_by_type)(&mut id, kind.0) };
                runtime.check("synDeviceAcquireByDeviceType", status)?;
            }
        }
        let acquired = Acquiring { runtime, id, done: false };
        let mut info = DeviceInfo::default();
        // SAFETY: the struct has the layout of the interface.
        runtime.check("synDeviceGetInfo", unsafe { (functions.device_info)(id, &mut info) })?;
        let mut text = [0 as c_char; 256];
        // SAFETY: the buffer is as long as is said.
        runtime.check("synDeviceGetName", unsafe { (functions.device_name)(text.as_mut_ptr(), 255, id) })?;
        acquired.finish();
        let device = Arc::new(Self {
            runtime: Arc::clone(runtime),
            id,
            kind: DeviceType(info.device_type),
            module,
            memory: info.dram_size,
            name: read(&text),
            label: format!("{}:0", crate::NAME),
        });
        *held = Arc::downgrade(&device);
        Ok(device)
    }

    fn check(&self, call: &'static str, status: i32) -> Result<(), Fault> {
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

    fn warn(&self, call: &'static str, status: i32) {
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

impl Drop for Acquired {
    fn drop(&mut self) {
        // SAFETY: whatever lies on the device holds this, so nothing does any more.
        let status = unsafe { (self.runtime.synapse.functions.release)(self.id) };
        self.warn("synDeviceRelease", status);
    }
}

/// A device that is acquired and not wholly known yet: given back where that fails.
struct Acquiring<'r> {
    runtime: &'r Runtime,
    id: u32,
    done: bool,
}

impl Acquiring<'_> {
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for Acquiring<'_> {
    fn drop(&mut self) {
        if !self.done {
            // SAFETY: acquired just now.
            unsafe { (self.runtime.synapse.functions.release)(self.id) };
        }
    }
}
