//! One CUDA device with one stream.

mod ground;
mod library;

use crate::driver::{self, Facts, Loaded};
use crate::libraries::nvrtc;
use crate::probe::{self, describe};
pub(crate) use ground::Ground;
use std::sync::Arc;
use tintype_accel::{Error, Obstacle, Result};
use tintype_gpu::compiler::Compiler;
use tintype_gpu::driver::{DeviceRuntime, Parts, Queue, describe as explain, numbered, setting, unavailable};
use tintype_gpu::{Architecture, Dialect, MatrixUnit};

/// Opens a device by the driver's number for it, with so many threads to copy what goes to the device; some that keep the bus
/// busy where it is not said.
///
/// # Errors
///
/// [`Error::Unavailable`] where there is no driver or it cannot be used, [`Error::NoSuchDevice`], [`Error::Device`] where the
/// device refuses.
pub fn open(ordinal: usize, threads: Option<usize>) -> Result<DeviceRuntime> {
    let (loaded, facts) = reach(ordinal)?;
    let search = setting(probe::BACKEND, "TINTYPE_CUDA_SEARCH")?;
    let nest = setting(probe::BACKEND, "TINTYPE_CUDA_NEST")?;
    let architecture = architecture(&facts);
    let queue = Arc::new(Queue::new(Arc::new(driver::context(loaded, &facts, nest)?))?);
    let libraries = library::Libraries::new(Arc::clone(&queue), &facts.name, &architecture, search);
    DeviceRuntime::new(Parts {
        device: describe(loaded, &facts),
        compiler: Compiler::new(probe::BACKEND, nvrtc, &architecture),
        architecture,
        queue,
        libraries: Box::new(libraries),
        pools: facts.pools,
        threads,
    })
}

/// The driver, initialised, and what it says of the device that it numbers so, which is one that this plugin runs on.
pub(crate) fn reach(ordinal: usize) -> Result<(&'static Loaded, Facts)> {
    let unavailable = |obstacle: &Obstacle| unavailable(probe::BACKEND, obstacle);
    let loaded = driver::api().map_err(unavailable)?;
    let count = probe::initialise(loaded).map_err(|obstacle| unavailable(&obstacle))?;
    numbered(probe::BACKEND, ordinal, count)?;
    let facts = driver::facts(&loaded.own, ordinal).map_err(|status| Error::Device {
        device: format!("{}:{ordinal}", probe::BACKEND),
        reason: explain(&loaded.api, status, driver::advice(status.code)),
    })?;
    probe::usable(loaded, &facts).map_err(|obstacle| unavailable(&obstacle))?;
    Ok((loaded, facts))
}

/// What kernels are compiled for. On Hopper `sm_90a` has the instructions of its tensor cores.
fn architecture(facts: &Facts) -> Architecture {
    let suffix = if facts.capability == 90 { "a" } else { "" };
    Architecture {
        name: format!("sm_{}{suffix}", facts.capability),
        dialect: Dialect::Cuda,
        capability: facts.capability,
        warp: facts.warp,
        shared: facts.shared,
        matrix: MatrixUnit::TensorCores,
        multiprocessors: facts.multiprocessors,
    }
}
