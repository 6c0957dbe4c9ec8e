//! The library, initialised.

use crate::fault::Fault;
use crate::sys::{self, DeviceType, Missing, Synapse};
use std::ffi::{CStr, c_char};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The library between `synInitialize` and `synDestroy`. There is one at a time for each library.
pub(crate) struct Runtime {
    pub(crate) synapse: Arc<Synapse>,
}

/// Why there is no runtime.
pub(crate) enum Refusal {
    Library(Missing),
    Fault(Fault),
}

static RUNNING: Mutex<Vec<Weak<Runtime>>> = Mutex::new(Vec::new());

impl Runtime {
    /// The runtime that is there, or a new one.
    pub(crate) fn get() -> Result<Arc<Self>, Refusal> {
        let synapse = sys::library().map_err(Refusal::Library)?;
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|weak| weak.strong_count() > 0);
        let known = running.iter().filter_map(Weak::upgrade);
        if let Some(known) = known.into_iter().find(|known| Arc::ptr_eq(&known.synapse, &synapse)) {
            return Ok(known);
        }
        // SAFETY: takes nothing.
        let status = unsafe { (synapse.functions.initialize)() };
        Fault::check(&synapse, "synInitialize", status).map_err(Refusal::Fault)?;
        let runtime = Arc::new(Self { synapse });
        running.push(Arc::downgrade(&runtime));
        Ok(runtime)
    }

    pub(crate) fn check(&self, call: &'static str, status: i32) -> Result<(), Fault> {
        Fault::check(&self.synapse, call, status)
    }

    /// The driver's version.
    pub(crate) fn driver_version(&self) -> Result<String, Fault> {
        let mut text = [0 as c_char; 256];
        // SAFETY: the buffer is as long as is said.
        let status = unsafe { (self.synapse.functions.driver_version)(text.as_mut_ptr(), 255) };
        self.check("synDriverGetVersion", status)?;
        Ok(read(&text))
    }

    /// How many devices there are, of every type and of those that this plugin runs on.
    pub(crate) fn devices(&self) -> Result<(u32, Vec<(DeviceType, u32)>), Fault> {
        let mut all = 0;
        // SAFETY: the library writes one number.
        self.check("synDeviceGetCount", unsafe { (self.synapse.functions.device_count)(&mut all) })?;
        let mut each = Vec::new();
        for kind in [DeviceType::GAUDI3, DeviceType::GAUDI2, DeviceType::GAUDI] {
            let mut count = 0;
            // SAFETY: the library writes one number.
            let status = unsafe { (self.synapse.functions.device_count_of)(&mut count, kind.0) };
            self.check("synDeviceGetCountByDeviceType", status)?;
            if count > 0 {
                each.push((kind, count));
            }
        }
        Ok((all, each))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // SAFETY: takes nothing; whatever hangs on the library holds this.
        let status = unsafe { (self.synapse.functions.destroy)() };
        if let Err(fault) = self.check("synDestroy", status) {
            tracing::warn!("{fault}");
        }
    }
}

/// The text in a buffer of the interface.
pub(crate) fn read(text: &[c_char]) -> String {
    let bytes: Vec<u8> = text.iter().map(|&c| c as u8).collect();
    CStr::from_bytes_until_nul(&bytes).map_or(String::new(), |text| text.to_string_lossy().into_owned())
}
