//! Structures of the runtime: launches, tensors, devices.
//! Layouts: section 3 of the reference; each is held to its size and offsets here, at compile time.

use std::ffi::c_char;

use super::layout;
layout! { SynLaunchTensorInfo: 232 align 8 {
    tensor_name: *const c_char = 0,
    p_tensor_address: u64 = 8,
    tensor_type: i32 = 16,
    tensor_size: [u64; 25] = 24,
    tensor_id: u64 = 224,
} }
layout! { SynLaunchTensorInfoExt: 232 align 8 {
    tensor_name: *const c_char = 0,
    p_tensor_address: u64 = 8,
    tensor_type: i32 = 16,
    tensor_size: [u64; 25] = 24,
    tensor_id: u64 = 224,
} }
layout! { SynRetrievedLaunchTensorInfo: 1536 align 8 {
    tensor_name: [u8; 1024] = 0,
    tensor_id: u64 = 1024,
    tensor_type: i32 = 1032,
    tensor_data_type: i32 = 1036,
    tensor_dims: u32 = 1040,
    tensor_max_size: [u64; 25] = 1048,
    tensor_min_size: [u64; 25] = 1248,
    tensor_permutation: [u8; 25] = 1448,
    tensor_section_id: u32 = 1476,
    tensor_offset_in_section: u64 = 1480,
    is_input: u8 = 1488,
    reserved: [u32; 10] = 1492,
} }
layout! { SynTensorGeometry: 208 align 8 {
    sizes: [u64; 25] = 0,
    dims: u32 = 200,
} }
layout! { SynTensorDeviceLayout: 100 align 4 {
    strides: [u32; 24] = 0,
    device_data_type: i32 = 96,
} }
layout! { SynTensorDeviceFullLayout: 104 align 4 {
    strides: [u32; 25] = 0,
    device_data_type: i32 = 100,
} }
layout! { SynTensorPermutation: 26 align 1 {
    permutation: [u8; 25] = 0,
    dims: u8 = 25,
} }
layout! { SynDeviceInfo: 56 align 8 {
    sram_base_address: u64 = 0,
    dram_base_address: u64 = 8,
    sram_size: u32 = 16,
    dram_size: u64 = 24,
    tpc_enabled_mask: u64 = 32,
    dram_enabled: u8 = 40,
    device_id: u32 = 44,
    fd: u32 = 48,
    device_type: i32 = 52,
} }
layout! { SynDeviceInfoV2: 72 align 8 {
    sram_base_address: u64 = 0,
    dram_base_address: u64 = 8,
    sram_size: u32 = 16,
    dram_size: u64 = 24,
    tpc_enabled_mask: u64 = 32,
    dram_enabled: u8 = 40,
    device_id: u32 = 44,
    fd: u32 = 48,
    device_type: i32 = 52,
    device_index: u8 = 56,
    reserved: u64 = 64,
} }
