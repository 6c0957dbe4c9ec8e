//! The table of the library's functions.

use super::types::{DeviceInfo, Geometry, Handle, LaunchTensor};
use libloading::Library;
use std::ffi::{c_char, c_void};

macro_rules! functions {
    (
        required { $($name:ident = $symbol:literal ($($arg:ty),* $(,)?);)* }
        optional { $($later:ident = $later_symbol:literal: $later_type:ty;)* }
    ) => {
        /// The functions that this plugin calls. Required ones are in version 1.16 and later, and return a status;
        /// optional ones are not in all of these.
        pub(crate) struct Functions {
            $(pub(crate) $name: unsafe extern "C" fn($($arg),*) -> i32,)*
            $(pub(crate) $later: Option<$later_type>,)*
        }

        impl Functions {
            /// The table of an open library, or the required names that it lacks.
            pub(crate) fn of(library: &Library) -> Result<Self, Vec<&'static str>> {
                let mut missing = Vec::new();
                $(
                    // SAFETY: the symbol of this name has this type in every version that exports it.
                    let $name = unsafe {
                        library.get::<unsafe extern "C" fn($($arg),*) -> i32>($symbol.as_bytes())
                    };
                    let $name = $name.ok().map(|symbol| *symbol);
                    if $name.is_none() {
                        missing.push($symbol);
                    }
                )*
                $(
                    // SAFETY: the symbol of this name has this type in every version that exports it.
                    let $later = unsafe { library.get::<$later_type>($later_symbol.as_bytes()) };
                    let $later = $later.ok().map(|symbol| *symbol);
                )*
                match ($($name,)*) {
                    ($(Some($name),)*) => Ok(Self { $($name,)* $($later,)* }),
                    _ => Err(missing),
                }
            }
        }
    };
}

functions! {
    required {
        initialize = "synInitialize"();
        destroy = "synDestroy"();
        status_description = "synStatusGetBriefDescription"(i32, *mut c_char, usize);
        driver_version = "synDriverGetVersion"(*mut c_char, i32);
        device_count = "synDeviceGetCount"(*mut u32);
        device_count_of = "synDeviceGetCountByDeviceType"(*mut u32, i32);
        acquire_by_type = "synDeviceAcquireByDeviceType"(*mut u32, i32);
        acquire_by_module = "synDeviceAcquireByModuleId"(*mut u32, u32);
        release = "synDeviceRelease"(u32);
        device_info = "synDeviceGetInfo"(u32, *mut DeviceInfo);
        device_name = "synDeviceGetName"(*mut c_char, i32, u32);
        memory_info = "synDeviceGetMemoryInfo"(u32, *mut u64, *mut u64);
        device_malloc = "synDeviceMalloc"(u32, u64, u64, u32, *mut u64);
        device_free = "synDeviceFree"(u32, u64, u32);
        host_malloc = "synHostMalloc"(u32, u64, u32, *mut *mut c_void);
        host_free = "synHostFree"(u32, *const c_void, u32);
        stream_create = "synStreamCreateGeneric"(*mut Handle, u32, u32);
        stream_destroy = "synStreamDestroy"(Handle);
        stream_synchronize = "synStreamSynchronize"(Handle);
        event_create = "synEventCreate"(*mut Handle, u32, u32);
        event_destroy = "synEventDestroy"(Handle);
        event_record = "synEventRecord"(Handle, Handle);
        event_query = "synEventQuery"(Handle);
        event_synchronize = "synEventSynchronize"(Handle);
        copy = "synMemCopyAsync"(Handle, u64, u64, u64, i32);
        graph_create = "synGraphCreate"(*mut Handle, i32);
        graph_destroy = "synGraphDestroy"(Handle);
        graph_compile = "synGraphCompile"(*mut Handle, Handle, *const c_char, *const c_char);
        section_create = "synSectionCreate"(*mut Handle, u64, Handle);
        tensor_create = "synTensorHandleCreate"(*mut Handle, Handle, i32, *const c_char);
        tensor_geometry = "synTensorSetGeometry"(Handle, *const Geometry, i32);
        tensor_data_type = "synTensorSetDeviceDataType"(Handle, i32);
        tensor_section = "synTensorAssignToSection"(Handle, Handle, u64);
        tensor_host_ptr = "synTensorSetHostPtr"(Handle, *mut c_void, u64, i32, bool);
        node_create = "synNodeCreate"(
            Handle, *const Handle, *const Handle, u32, u32, *const c_void, u32, *const c_char, *const c_char,
            *const *const c_char, *const *const c_char
        );
        recipe_destroy = "synRecipeDestroy"(Handle);
        recipe_serialize = "synRecipeSerialize"(Handle, *const c_char);
        recipe_deserialize = "synRecipeDeSerialize"(*mut Handle, *const c_char);
        workspace_size = "synWorkspaceGetSize"(*mut u64, Handle);
        tensor_ids = "synTensorRetrieveIds"(Handle, *mut *const c_char, *mut u64, u32);
        launch = "synLaunch"(Handle, *const LaunchTensor, u32, u64, Handle, u32);
    }
    optional {
        last_message = "synGetLastErrorMessage": unsafe extern "C" fn() -> *const c_char;
    }
}
