//! The driver, opened once.

use crate::libraries::{self, Found, Library};
use cudarc::driver::sys::{CUcontext, CUdevice, CUuuid};
use std::ffi::{c_char, c_int, c_uint};
use std::sync::OnceLock;
use tintype_accel::{Obstacle, ObstacleKind};
use tintype_gpu::Dialect;
use tintype_gpu::driver::{Api, Handle, table};

/// The oldest driver, as CUDA numbers versions. It has every function below, and runs what any library and compiler of
/// CUDA 12 makes.
const OLDEST: i32 = 12_000;

table! {
    /// The functions that HIP has not alike. Enumerations are integers here, with the values of `cuda.h`.
    pub(crate) struct Own {
        cuInit(flags: c_uint);
        cuDriverGetVersion(version: *mut c_int);
        cuDeviceGetCount(count: *mut c_int);
        cuDeviceGet(device: *mut CUdevice, ordinal: c_int);
        cuDeviceGetName(name: *mut c_char, length: c_int, device: CUdevice);
        cuDeviceGetUuid_v2(uuid: *mut CUuuid, device: CUdevice);
        cuDeviceTotalMem_v2(bytes: *mut usize, device: CUdevice);
        cuDeviceGetAttribute(value: *mut c_int, attribute: c_int, device: CUdevice);
        cuDevicePrimaryCtxRetain(context: *mut CUcontext, device: CUdevice);
        cuDevicePrimaryCtxRelease_v2(device: CUdevice);
        cuCtxSetCurrent(context: CUcontext);
        cuFuncSetAttribute(function: Handle, attribute: c_int, value: c_int);
    }
}

/// A driver that is new enough and has every function.
pub(crate) struct Loaded {
    pub(crate) api: Api,
    pub(crate) own: Own,
    pub(crate) library: &'static Found,
    /// The newest CUDA that it runs, as CUDA numbers versions: 13000.
    pub(crate) version: i32,
}

/// The driver, looked for at the first call, or why there is none that can be used.
pub(crate) fn api() -> Result<&'static Loaded, &'static Obstacle> {
    static LOADED: OnceLock<Result<Loaded, Obstacle>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref()
}

fn load() -> Result<Loaded, Obstacle> {
    let library = libraries::find(Library::Cuda).map_err(|missing| Obstacle {
        kind: ObstacleKind::LibraryNotFound,
        reason: missing.to_string(),
        remedy: Library::Cuda.remedy(),
    })?;
    let old = |reason: String| Obstacle {
        kind: ObstacleKind::DriverTooOld,
        reason,
        remedy: "Install a driver of version 525 or later, which brings CUDA 12.0".into(),
    };
    let path = library.path.display();
    let lacks = |missing: Vec<_>| old(format!("the driver {path} lacks {}", missing.join(", ")));
    let own = Own::load(library.library, Dialect::Cuda).map_err(lacks)?;
    let api = Api::load(library.library, Dialect::Cuda).map_err(lacks)?;
    let mut version = 0;
    // SAFETY: the integer may be written; this call needs no initialisation.
    unsafe { own.cuDriverGetVersion(&mut version) }.map_err(|status| {
        old(format!("the driver {path} does not tell its version (code {})", status.code))
    })?;
    if version < OLDEST {
        return Err(old(format!(
            "the driver {path} runs CUDA {} at most, and CUDA {} is needed",
            dotted(version),
            dotted(OLDEST)
        )));
    }
    Ok(Loaded { api, own, library, version })
}

/// `13.0` of 13000.
pub(crate) fn dotted(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}
