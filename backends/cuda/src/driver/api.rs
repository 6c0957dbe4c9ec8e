//! The driver, opened once.

use crate::libraries::{self, Found, Library};
use cudarc::driver::sys::{CUcontext, CUdevice, CUgraph, CUgraphConditionalHandle, CUgraphNode, CUuuid};
use std::ffi::{c_char, c_int, c_uint, c_void};
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

table! {
    /// What a graph within a graph takes.
    pub(crate) struct Nesting {
        cuGraphCreate(graph: *mut CUgraph, flags: c_uint);
        cuGraphConditionalHandleCreate(
            condition: *mut CUgraphConditionalHandle,
            graph: CUgraph,
            context: CUcontext,
            default: c_uint,
            flags: c_uint,
        );
        cuGraphAddNode_v2(
            node: *mut CUgraphNode,
            graph: CUgraph,
            after: *const CUgraphNode,
            edges: *const c_void,
            count: usize,
            params: *mut NodeParams,
        );
        cuStreamBeginCaptureToGraph(
            stream: Handle,
            graph: CUgraph,
            after: *const CUgraphNode,
            edges: *const c_void,
            count: usize,
            mode: c_int,
        );
    }
}

/// `CUgraphNodeParams` of a conditional node. Enumerations are integers here, as above.
#[repr(C)]
pub(crate) struct NodeParams {
    /// `CU_GRAPH_NODE_TYPE_CONDITIONAL`
    pub(crate) kind: c_int,
    pub(crate) reserved: [c_int; 3],
    pub(crate) condition: CUgraphConditionalHandle,
    /// `CU_GRAPH_COND_TYPE_IF`
    pub(crate) asks: c_int,
    pub(crate) graphs: c_uint,
    /// The driver's own array of the graphs that it made.
    pub(crate) made: *const CUgraph,
    pub(crate) context: CUcontext,
    pub(crate) rest: [u64; 26],
}

// A structure of 256 bytes in the vendor's header.
const _: () = assert!(size_of::<NodeParams>() == 256);

/// The driver from which on graphs can hold graphs whose launch the device sees to: that of CUDA 12.4.
const NESTING: i32 = 12_040;

/// A driver that is new enough and has every function.
pub(crate) struct Loaded {
    pub(crate) api: Api,
    pub(crate) own: Own,
    /// Where the driver is new enough.
    pub(crate) nesting: Option<Nesting>,
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
    let nesting = if version >= NESTING { Nesting::load(library.library, Dialect::Cuda).ok() } else { None };
    Ok(Loaded { api, own, nesting, library, version })
}

/// `13.0` of 13000.
pub(crate) fn dotted(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}
