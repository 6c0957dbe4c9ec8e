//! Acquiring the device.

use crate::device::Acquired;
use crate::fault::Fault;
use crate::runtime::{Runtime, read};
use crate::sys::{DeviceInfo, DeviceType};
use std::ffi::c_char;
use std::sync::{Arc, Mutex, PoisonError, Weak};

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
