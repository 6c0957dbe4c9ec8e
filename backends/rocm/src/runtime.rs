//! One ROCm device with one stream.

use crate::architecture::architecture;
use crate::driver::{self, advice};
use crate::libraries::hiprtc;
use crate::probe::{self, BACKEND};
use crate::products::Libraries;
use std::sync::Arc;
use tintype_accel::{Error, Obstacle, Result};
use tintype_gpu::compiler::Compiler;
use tintype_gpu::driver::{DeviceRuntime, Parts, Queue, error, numbered, setting, unavailable};

/// Opens a device by HIP's number for it, with so many threads to copy what goes to the device; some that keep the bus busy where
/// it is not said.
///
/// # Errors
///
/// [`Error::Unavailable`] where there is no runtime or no device that can be used, [`Error::NoSuchDevice`], [`Error::Device`]
/// where the device refuses.
pub fn open(ordinal: usize, threads: Option<usize>) -> Result<DeviceRuntime> {
    let unavailable = |obstacle: &Obstacle| unavailable(BACKEND, obstacle);
    let loaded = driver::api().map_err(unavailable)?;
    let count = probe::initialise(loaded).map_err(|obstacle| unavailable(&obstacle))?;
    numbered(BACKEND, ordinal, count)?;
    let facts = driver::facts(&loaded.own, ordinal)
        .map_err(|status| error(&loaded.api, &format!("{BACKEND}:{ordinal}"), status, advice(status.code)))?;
    probe::usable(&facts).map_err(|obstacle| unavailable(&obstacle))?;
    let architecture = architecture(&facts.gcn, facts.compute_units).ok_or_else(|| Error::Internal {
        backend: BACKEND.into(),
        reason: format!("{} is not known", facts.gcn),
    })?;
    let products = setting(BACKEND, "TINTYPE_ROCM_PRODUCTS")?;
    let queue = Arc::new(Queue::new(Arc::new(driver::context(loaded, ordinal)?))?);
    let libraries = Libraries::new(&queue, &architecture, products);
    DeviceRuntime::new(Parts {
        device: probe::describe(loaded, &facts),
        compiler: Compiler::new(BACKEND, hiprtc, &architecture),
        architecture,
        queue,
        libraries: Box::new(libraries),
        pools: facts.pools,
        threads,
    })
}
