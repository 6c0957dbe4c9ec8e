//! Stands in for the driver while cuDNN makes plans on a machine that has none: loading a kernel succeeds, all else says that
//! there is no device.

use std::ffi::{CStr, c_char, c_int, c_void};

const NO_DEVICE: c_int = 100;

#[unsafe(no_mangle)]
pub extern "C" fn cuDriverGetVersion(version: *mut c_int) -> c_int {
    // SAFETY: the caller gives a place for the number.
    unsafe { *version = 13000 };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuGetProcAddress_v2(
    name: *const c_char,
    function: *mut *const c_void,
    _version: c_int,
    _flags: u64,
    status: *mut c_int,
) -> c_int {
    // SAFETY: the caller gives a name, and places for the results.
    unsafe {
        let name = CStr::from_ptr(name).to_str().unwrap_or_default();
        *function = match name {
            "cuDriverGetVersion" => cuDriverGetVersion as *const c_void,
            "cuGetProcAddress" | "cuGetProcAddress_v2" => cuGetProcAddress_v2 as *const c_void,
            "cuLibraryLoadData" => cuLibraryLoadData as *const c_void,
            "cuLibraryGetKernel" => cuLibraryGetKernel as *const c_void,
            "cuLibraryUnload" => cuLibraryUnload as *const c_void,
            "cuKernelGetFunction" => cuKernelGetFunction as *const c_void,
            "cuKernelSetAttribute" => cuKernelSetAttribute as *const c_void,
            _ => absent as *const c_void,
        };
        if !status.is_null() {
            *status = 0;
        }
    }
    0
}

extern "C" fn absent() -> c_int {
    NO_DEVICE
}

macro_rules! functions {
    ($result:expr; $($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> c_int {
            $result
        }
    )* };
}

/// Functions that give a handle through their first parameter: any but null will do.
macro_rules! makers {
    ($($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        pub extern "C" fn $name(out: *mut usize) -> c_int {
            // SAFETY: the caller gives a place for the handle.
            unsafe { *out = 0x1000 };
            0
        }
    )* };
}

makers! { cuLibraryLoadData cuLibraryLoadFromFile cuLibraryGetKernel cuLibraryGetModule cuKernelGetFunction }

functions! { 0; cuLibraryUnload cuKernelSetAttribute cuFuncSetAttribute }

functions! { NO_DEVICE;
    cuInit cuDeviceGet cuDeviceGetCount cuDeviceGetAttribute cuDeviceGetName cuCtxGetCurrent cuCtxGetDevice
    cuCtxSetCurrent cuCtxPushCurrent_v2 cuCtxPopCurrent_v2 cuDevicePrimaryCtxRetain cuModuleLoadData
    cuModuleLoadDataEx cuModuleGetFunction cuModuleUnload cuLibraryGetGlobal cuKernelGetAttribute cuLaunchKernel cuLaunchKernelEx cuGetErrorString
    cuGetErrorName cuStreamGetCtx cuMemsetD8Async cuMemsetD32Async cuMemcpyHtoDAsync_v2 cuTensorMapEncodeTiled
    cuTensorMapEncodeIm2col cuPointerGetAttribute cuOccupancyMaxActiveClusters
    cuOccupancyMaxPotentialClusterSize cuLinkCreate cuLinkAddData cuLinkComplete cuLinkDestroy
    cuLaunchCooperativeKernel cuCtxGetLimit cuCtxPushCurrent cuCtxPopCurrent
}
