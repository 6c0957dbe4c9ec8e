//! The driver's functions that this plugin uses.

use crate::libraries::{self, Found, Library, table};
use cudarc::driver::sys::{
    CUcontext, CUdevice, CUdeviceptr, CUevent, CUfunction, CUgraph, CUgraphConditionalHandle, CUgraphExec,
    CUgraphNode, CUmemoryPool, CUmodule, CUstream, CUuuid,
};
use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};
use std::sync::OnceLock;
use tintype_accel::{Obstacle, ObstacleKind};

/// The oldest driver, as CUDA numbers versions. It has every function below, and runs what any library and compiler of
/// CUDA 12 makes.
const OLDEST: i32 = 12_000;

table! {
    /// Enumerations are integers here, with the values of `cuda.h`.
    pub(crate) struct Api {
        cuInit(flags: c_uint);
        cuDriverGetVersion(version: *mut c_int);
        cuGetErrorName(error: c_int, name: *mut *const c_char);
        cuGetErrorString(error: c_int, text: *mut *const c_char);
        cuDeviceGetCount(count: *mut c_int);
        cuDeviceGet(device: *mut CUdevice, ordinal: c_int);
        cuDeviceGetName(name: *mut c_char, length: c_int, device: CUdevice);
        cuDeviceGetUuid_v2(uuid: *mut CUuuid, device: CUdevice);
        cuDeviceTotalMem_v2(bytes: *mut usize, device: CUdevice);
        cuDeviceGetAttribute(value: *mut c_int, attribute: c_int, device: CUdevice);
        cuDeviceGetDefaultMemPool(pool: *mut CUmemoryPool, device: CUdevice);
        cuDevicePrimaryCtxRetain(context: *mut CUcontext, device: CUdevice);
        cuDevicePrimaryCtxRelease_v2(device: CUdevice);
        cuCtxSetCurrent(context: CUcontext);
        cuStreamCreate(stream: *mut CUstream, flags: c_uint);
        cuStreamDestroy_v2(stream: CUstream);
        cuStreamSynchronize(stream: CUstream);
        cuStreamBeginCapture_v2(stream: CUstream, mode: c_int);
        cuStreamEndCapture(stream: CUstream, graph: *mut CUgraph);
        cuStreamIsCapturing(stream: CUstream, status: *mut c_int);
        cuEventCreate(event: *mut CUevent, flags: c_uint);
        cuEventDestroy_v2(event: CUevent);
        cuEventRecord(event: CUevent, stream: CUstream);
        cuEventQuery(event: CUevent);
        cuEventSynchronize(event: CUevent);
        cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
        cuMemAlloc_v2(address: *mut CUdeviceptr, bytes: usize);
        cuMemFree_v2(address: CUdeviceptr);
        cuMemAllocAsync(address: *mut CUdeviceptr, bytes: usize, stream: CUstream);
        cuMemFreeAsync(address: CUdeviceptr, stream: CUstream);
        cuMemPoolSetAttribute(pool: CUmemoryPool, attribute: c_int, value: *mut c_void);
        cuMemPoolGetAttribute(pool: CUmemoryPool, attribute: c_int, value: *mut c_void);
        cuMemPoolTrimTo(pool: CUmemoryPool, keep: usize);
        cuMemHostAlloc(address: *mut *mut c_void, bytes: usize, flags: c_uint);
        cuMemFreeHost(address: *mut c_void);
        cuMemcpyHtoDAsync_v2(to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream);
        cuMemcpyDtoHAsync_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream);
        cuMemcpyDtoDAsync_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream);
        cuModuleLoadData(module: *mut CUmodule, image: *const c_void);
        cuModuleUnload(module: CUmodule);
        cuModuleGetFunction(function: *mut CUfunction, module: CUmodule, name: *const c_char);
        cuFuncGetAttribute(value: *mut c_int, attribute: c_int, function: CUfunction);
        cuFuncSetAttribute(function: CUfunction, attribute: c_int, value: c_int);
        cuLaunchKernel(
            function: CUfunction,
            grid_x: c_uint,
            grid_y: c_uint,
            grid_z: c_uint,
            block_x: c_uint,
            block_y: c_uint,
            block_z: c_uint,
            shared: c_uint,
            stream: CUstream,
            params: *mut *mut c_void,
            extra: *mut *mut c_void,
        );
        cuGraphInstantiateWithFlags(exec: *mut CUgraphExec, graph: CUgraph, flags: c_ulonglong);
        cuGraphUpload(exec: CUgraphExec, stream: CUstream);
        cuGraphLaunch(exec: CUgraphExec, stream: CUstream);
        cuGraphDestroy(graph: CUgraph);
        cuGraphExecDestroy(exec: CUgraphExec);
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
            stream: CUstream,
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
    let api = Api::load(library.library)
        .map_err(|missing| old(format!("the driver {path} lacks {}", missing.join(", "))))?;
    let mut version = 0;
    // SAFETY: the integer may be written; this call needs no initialisation.
    unsafe { api.cuDriverGetVersion(&mut version) }.map_err(|status| {
        old(format!("the driver {path} does not tell its version (code {})", status.code))
    })?;
    if version < OLDEST {
        return Err(old(format!(
            "the driver {path} runs CUDA {} at most, and CUDA {} is needed",
            dotted(version),
            dotted(OLDEST)
        )));
    }
    let nesting = if version >= NESTING { Nesting::load(library.library).ok() } else { None };
    Ok(Loaded { api, nesting, library, version })
}

/// `13.0` of 13000.
pub(crate) fn dotted(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}
