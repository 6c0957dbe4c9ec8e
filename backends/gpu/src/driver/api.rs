//! The functions of a driver in which CUDA's and HIP's agree but for their names.

use super::table;
use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};

/// A stream, an event, a graph, ...: an opaque pointer to whoever calls.
pub type Handle = *mut c_void;

table! {
    /// Enumerations are integers here; their values are the same in `cuda.h` and in `hip_runtime_api.h`. Device addresses are
    /// integers too, which HIP has as pointers.
    pub struct Api {
        error_name["cuGetErrorName", "hipDrvGetErrorName"](error: c_int, name: *mut *const c_char);
        error_text["cuGetErrorString", "hipDrvGetErrorString"](error: c_int, text: *mut *const c_char);
        stream_create["cuStreamCreate", "hipStreamCreateWithFlags"](stream: *mut Handle, flags: c_uint);
        stream_destroy["cuStreamDestroy_v2", "hipStreamDestroy"](stream: Handle);
        stream_synchronize["cuStreamSynchronize", "hipStreamSynchronize"](stream: Handle);
        stream_begin_capture["cuStreamBeginCapture_v2", "hipStreamBeginCapture"](stream: Handle, mode: c_int);
        stream_end_capture["cuStreamEndCapture", "hipStreamEndCapture"](stream: Handle, graph: *mut Handle);
        stream_is_capturing["cuStreamIsCapturing", "hipStreamIsCapturing"](stream: Handle, status: *mut c_int);
        event_create["cuEventCreate", "hipEventCreateWithFlags"](event: *mut Handle, flags: c_uint);
        event_destroy["cuEventDestroy_v2", "hipEventDestroy"](event: Handle);
        event_record["cuEventRecord", "hipEventRecord"](event: Handle, stream: Handle);
        event_query["cuEventQuery", "hipEventQuery"](event: Handle);
        event_synchronize["cuEventSynchronize", "hipEventSynchronize"](event: Handle);
        memory_info["cuMemGetInfo_v2", "hipMemGetInfo"](free: *mut usize, total: *mut usize);
        allocate["cuMemAlloc_v2", "hipMalloc"](address: *mut u64, bytes: usize);
        free["cuMemFree_v2", "hipFree"](address: u64);
        allocate_ordered["cuMemAllocAsync", "hipMallocAsync"](address: *mut u64, bytes: usize, stream: Handle);
        free_ordered["cuMemFreeAsync", "hipFreeAsync"](address: u64, stream: Handle);
        default_pool["cuDeviceGetDefaultMemPool", "hipDeviceGetDefaultMemPool"](pool: *mut Handle, device: c_int);
        pool_set_attribute["cuMemPoolSetAttribute", "hipMemPoolSetAttribute"](
            pool: Handle,
            attribute: c_int,
            value: *mut c_void,
        );
        pool_attribute["cuMemPoolGetAttribute", "hipMemPoolGetAttribute"](
            pool: Handle,
            attribute: c_int,
            value: *mut c_void,
        );
        pool_trim["cuMemPoolTrimTo", "hipMemPoolTrimTo"](pool: Handle, keep: usize);
        allocate_host["cuMemHostAlloc", "hipHostMalloc"](address: *mut *mut c_void, bytes: usize, flags: c_uint);
        free_host["cuMemFreeHost", "hipHostFree"](address: *mut c_void);
        copy_to_device["cuMemcpyHtoDAsync_v2", "hipMemcpyHtoDAsync"](
            to: u64,
            from: *const c_void,
            bytes: usize,
            stream: Handle,
        );
        copy_to_host["cuMemcpyDtoHAsync_v2", "hipMemcpyDtoHAsync"](
            to: *mut c_void,
            from: u64,
            bytes: usize,
            stream: Handle,
        );
        copy_on_device["cuMemcpyDtoDAsync_v2", "hipMemcpyDtoDAsync"](
            to: u64,
            from: u64,
            bytes: usize,
            stream: Handle,
        );
        module_load["cuModuleLoadData", "hipModuleLoadData"](module: *mut Handle, image: *const c_void);
        module_unload["cuModuleUnload", "hipModuleUnload"](module: Handle);
        module_function["cuModuleGetFunction", "hipModuleGetFunction"](
            function: *mut Handle,
            module: Handle,
            name: *const c_char,
        );
        function_attribute["cuFuncGetAttribute", "hipFuncGetAttribute"](
            value: *mut c_int,
            attribute: c_int,
            function: Handle,
        );
        launch["cuLaunchKernel", "hipModuleLaunchKernel"](
            function: Handle,
            grid_x: c_uint,
            grid_y: c_uint,
            grid_z: c_uint,
            block_x: c_uint,
            block_y: c_uint,
            block_z: c_uint,
            shared: c_uint,
            stream: Handle,
            params: *mut *mut c_void,
            extra: *mut *mut c_void,
        );
        graph_instantiate["cuGraphInstantiateWithFlags", "hipGraphInstantiateWithFlags"](
            exec: *mut Handle,
            graph: Handle,
            flags: c_ulonglong,
        );
        graph_upload["cuGraphUpload", "hipGraphUpload"](exec: Handle, stream: Handle);
        graph_launch["cuGraphLaunch", "hipGraphLaunch"](exec: Handle, stream: Handle);
        graph_destroy["cuGraphDestroy", "hipGraphDestroy"](graph: Handle);
        graph_exec_destroy["cuGraphExecDestroy", "hipGraphExecDestroy"](exec: Handle);
    }
}
