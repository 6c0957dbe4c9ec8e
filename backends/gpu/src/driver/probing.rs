//! The devices that a driver has, and those that cannot be had.

use tintype_accel::{Capabilities, Device, Error, LaunchMode, Obstacle, Probe, Result};
use tintype_program::DType;

/// Every device that can be used, and why the first that cannot be can not. `start` gives the driver, started, and how many
/// devices it counts; `device` describes one by its number.
pub fn probed<D: Copy>(
    start: impl FnOnce() -> std::result::Result<(D, usize), Obstacle>,
    device: impl Fn(D, usize) -> std::result::Result<Device, Obstacle>,
) -> Probe {
    let (driver, count) = match start() {
        Ok(started) => started,
        Err(obstacle) => return Probe { devices: Vec::new(), obstacle: Some(obstacle) },
    };
    let mut probe = Probe { devices: Vec::new(), obstacle: None };
    for ordinal in 0..count {
        match device(driver, ordinal) {
            Ok(found) => probe.devices.push(found),
            Err(obstacle) => probe.obstacle = probe.obstacle.or(Some(obstacle)),
        }
    }
    probe
}

/// What every device can do that kernels of this crate are made for.
pub fn capabilities() -> Capabilities {
    Capabilities {
        dtypes: vec![DType::F32, DType::Bf16, DType::F16],
        launch: vec![LaunchMode::Graph, LaunchMode::Compiled, LaunchMode::Eager, LaunchMode::Lazy],
    }
}

/// Whether a driver's library is a software double of one.
pub fn emulated(library: &libloading::Library) -> bool {
    // SAFETY: only whether the symbol is there is asked.
    unsafe { library.get::<*const ()>(b"tintype_double_counts\0") }.is_ok()
}

/// An obstacle to opening a device.
pub fn unavailable(backend: &str, obstacle: &Obstacle) -> Error {
    Error::Unavailable {
        backend: backend.into(),
        reason: obstacle.reason.clone(),
        remedy: obstacle.remedy.clone(),
    }
}

/// Whether a device's number is one of so many.
///
/// # Errors
///
/// [`Error::NoSuchDevice`]
pub fn numbered(backend: &str, ordinal: usize, count: usize) -> Result<()> {
    match ordinal < count {
        true => Ok(()),
        false => Err(Error::NoSuchDevice {
            backend: backend.into(),
            device: ordinal.to_string(),
            known: format!("{count}, numbered from 0"),
        }),
    }
}
