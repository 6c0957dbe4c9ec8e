//! Streams, events, memory, modules and graphs: the driver's own under HIP's names.

use crate::entry::laid;
use crate::state;
use std::ffi::{c_char, c_void};
use std::thread;

/// `hipErrorInvalidHandle`, `hipErrorInvalidValue` and `hipErrorStreamCaptureUnsupported`
const INVALID_HANDLE: i32 = 400;
const INVALID_VALUE: i32 = 1;
const CAPTURE_UNSUPPORTED: i32 = 900;

/// HIP ends the process at a stream that is none.
fn a_stream(stream: u64) -> Result<(), (i32, String)> {
    if stream == 0 {
        return Err((INVALID_HANDLE, "the null stream; the plugin has one of its own".into()));
    }
    Ok(())
}

fn given<T>(pointer: *const T) -> Result<(), (i32, String)> {
    if pointer.is_null() { Err((INVALID_VALUE, "a null pointer".into())) } else { Ok(()) }
}

/// What HIP refuses on a thread whose stream captures, whatever the capture's mode.
fn outside_capture() -> Result<(), (i32, String)> {
    let me = thread::current().id();
    if state::lock().captures.values().any(|thread| *thread == me) {
        return Err((CAPTURE_UNSUPPORTED, "while this thread captures".into()));
    }
    Ok(())
}

laid! {
    fn hipStreamCreateWithFlags(stream: *mut u64, flags: u32) = "cuStreamCreate", asking given(stream);
    fn hipStreamDestroy(stream: u64) = "cuStreamDestroy_v2", asking a_stream(stream);
    fn hipStreamSynchronize(stream: u64) = "cuStreamSynchronize", asking a_stream(stream);
    fn hipStreamBeginCapture(stream: u64, mode: i32) = "cuStreamBeginCapture_v2", asking a_stream(stream),
        then state::lock().captures.insert(stream, thread::current().id());
    fn hipStreamIsCapturing(stream: u64, status: *mut i32) = "cuStreamIsCapturing", asking a_stream(stream);

    fn hipEventCreateWithFlags(event: *mut u64, flags: u32) = "cuEventCreate", asking given(event);
    fn hipEventDestroy(event: u64) = "cuEventDestroy_v2";
    fn hipEventRecord(event: u64, stream: u64) = "cuEventRecord", asking a_stream(stream);
    fn hipEventQuery(event: u64) = "cuEventQuery", asking outside_capture();
    fn hipEventSynchronize(event: u64) = "cuEventSynchronize", asking outside_capture();

    fn hipMemGetInfo(free: *mut usize, total: *mut usize) = "cuMemGetInfo_v2";
    fn hipMalloc(address: *mut u64, bytes: usize) = "cuMemAlloc_v2", asking given(address);
    fn hipFree(address: u64) = "cuMemFree_v2";
    fn hipMallocAsync(address: *mut u64, bytes: usize, stream: u64) = "cuMemAllocAsync", asking a_stream(stream);
    fn hipFreeAsync(address: u64, stream: u64) = "cuMemFreeAsync", asking a_stream(stream);
    fn hipDeviceGetDefaultMemPool(pool: *mut u64, device: i32) = "cuDeviceGetDefaultMemPool";
    fn hipMemPoolSetAttribute(pool: u64, attribute: i32, value: *mut c_void) = "cuMemPoolSetAttribute", asking given(value);
    fn hipMemPoolGetAttribute(pool: u64, attribute: i32, value: *mut c_void) = "cuMemPoolGetAttribute", asking given(value);
    fn hipMemPoolTrimTo(pool: u64, keep: usize) = "cuMemPoolTrimTo", asking outside_capture();
    fn hipHostMalloc(address: *mut *mut c_void, bytes: usize, flags: u32) = "cuMemHostAlloc", asking given(address);
    fn hipHostFree(address: *mut c_void) = "cuMemFreeHost";
    fn hipMemcpyHtoDAsync(to: u64, from: *const c_void, bytes: usize, stream: u64) = "cuMemcpyHtoDAsync_v2", asking a_stream(stream);
    fn hipMemcpyDtoHAsync(to: *mut c_void, from: u64, bytes: usize, stream: u64) = "cuMemcpyDtoHAsync_v2", asking a_stream(stream);
    fn hipMemcpyDtoDAsync(to: u64, from: u64, bytes: usize, stream: u64) = "cuMemcpyDtoDAsync_v2", asking a_stream(stream);

    fn hipModuleLoadData(module: *mut u64, image: *const c_void) = "cuModuleLoadData", asking outside_capture();
    fn hipModuleUnload(module: u64) = "cuModuleUnload";
    fn hipModuleGetFunction(function: *mut u64, module: u64, name: *const c_char) = "cuModuleGetFunction", asking given(name),
        then crate::launch::allow_shared(function);
    fn hipFuncGetAttribute(value: *mut i32, attribute: i32, function: u64) = "cuFuncGetAttribute";

    fn hipGraphInstantiateWithFlags(exec: *mut u64, graph: u64, flags: u64) = "cuGraphInstantiateWithFlags", asking given(exec);
    fn hipGraphUpload(exec: u64, stream: u64) = "cuGraphUpload", asking a_stream(stream);
    fn hipGraphLaunch(exec: u64, stream: u64) = "cuGraphLaunch", asking a_stream(stream);
    fn hipGraphDestroy(graph: u64) = "cuGraphDestroy";
    fn hipGraphExecDestroy(exec: u64) = "cuGraphExecDestroy";
}

/// HIP's `hipStreamEndCapture`.
#[unsafe(no_mangle)]
pub extern "C" fn hipStreamEndCapture(stream: u64, graph: *mut u64) -> i32 {
    crate::entry::run(
        "hipStreamEndCapture",
        "cuStreamEndCapture",
        || format!("stream={stream}"),
        || {
            let status = crate::beneath::enter();
            if status != 0 {
                return Ok(status);
            }
            given(graph)?;
            // Whatever comes of it, the capture is over.
            state::lock().captures.remove(&stream);
            Ok(crate::beneath::cu!("cuStreamEndCapture"(stream, graph) as fn(u64, *mut u64)))
        },
    )
}
