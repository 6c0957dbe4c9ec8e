//! HIP's runtime, opened once.

use crate::libraries::{self, Library, REMEDY};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::OnceLock;
use tintype_accel::{Obstacle, ObstacleKind};
use tintype_gpu::Dialect;
use tintype_gpu::driver::{Api, Opened, table};

table! {
    /// The functions that CUDA has not alike. Enumerations are integers here, with the values of `hip_runtime_api.h`.
    pub(crate) struct Own {
        hipInit(flags: c_uint);
        hipRuntimeGetVersion(version: *mut c_int);
        hipGetDeviceCount(count: *mut c_int);
        hipSetDevice(device: c_int);
        hipDeviceGetAttribute(value: *mut c_int, attribute: c_int, device: c_int);
        hipGetDevicePropertiesR0600(properties: *mut c_void, device: c_int);
    }
}

/// A runtime that has every function that is called.
pub(crate) struct Loaded {
    pub(crate) api: Api,
    pub(crate) own: Own,
    pub(crate) opened: &'static Opened,
    /// As HIP numbers versions: 60342134 is 6.3.42134.
    pub(crate) version: i32,
}

/// The runtime, looked for at the first call, or why there is none that can be used.
pub(crate) fn api() -> Result<&'static Loaded, &'static Obstacle> {
    static LOADED: OnceLock<Result<Loaded, Obstacle>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref()
}

fn load() -> Result<Loaded, Obstacle> {
    let obstacle = |kind, reason| Obstacle { kind, reason, remedy: REMEDY.into() };
    let opened = libraries::find(Library::Hip)
        .map_err(|missing| obstacle(ObstacleKind::LibraryNotFound, missing.to_string()))?;
    let path = opened.path.display();
    let lacks = |missing: Vec<_>| {
        let reason = format!("the HIP runtime {path} lacks {}", missing.join(", "));
        obstacle(ObstacleKind::DriverTooOld, reason)
    };
    let own = Own::load(opened.library, Dialect::Hip).map_err(lacks)?;
    let api = Api::load(opened.library, Dialect::Hip).map_err(lacks)?;
    let mut version = 0;
    // SAFETY: the integer may be written; this call needs no device.
    unsafe { own.hipRuntimeGetVersion(&mut version) }.map_err(|status| {
        let reason = format!("the HIP runtime {path} does not tell its version (code {})", status.code);
        obstacle(ObstacleKind::DriverTooOld, reason)
    })?;
    Ok(Loaded { api, own, opened, version })
}

/// `6.3.42134` of 60342134.
pub(crate) fn dotted(version: i32) -> String {
    format!("{}.{}.{}", version / 10_000_000, version / 100_000 % 100, version % 100_000)
}
