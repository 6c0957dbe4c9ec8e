//! Structures of the runtime: launches, tensors, devices.
//! Layouts: section 3 of the reference; each is held to its size and offsets here, at compile time.

use std::ffi::{c_char, c_void};

use super::layout;
layout! { TensorMetadataInfo: 288 align 8 {
    tensor_name: *const c_char = 0,
    element_type: u32 = 8,
    zp: f64 = 16,
    scale: f64 = 24,
    dimensions: u32 = 32,
    dimensions_size: [u64; 25] = 40,
    roi_size_in_bytes: u64 = 240,
    batch_size: u16 = 248,
    is_input: u8 = 250,
    layout: [u8; 20] = 251,
    section_id: u32 = 272,
    offset_in_section: u64 = 280,
} }
layout! { SynQuantDynamicRange: 16 align 8 {
    min: f64 = 0,
    max: f64 = 8,
} }
layout! { SynQuantZPScale: 16 align 8 {
    zp: f64 = 0,
    scale: f64 = 8,
} }
layout! { SynQuantMetadata: 24 align 8 {
    data_type: i32 = 0,
    zp_scales: *mut SynQuantZPScale = 8,
    num_zpscales: u32 = 16,
} }
layout! { SynFpQuantParam: 16 align 8 {
    scale: f64 = 0,
    exp_bias: u32 = 8,
} }
layout! { SynFpQuantMetadata: 24 align 8 {
    data_type: i32 = 0,
    fp_quant_params: *mut SynFpQuantParam = 8,
    num_fp_quant_params: u32 = 16,
} }
layout! { SynQuantFlags: 3 align 1 {
    enable_per_channel_quant: u8 = 0,
    is_sparsified_weights: u8 = 1,
    is_weights: u8 = 2,
} }
layout! { SynTensorHandleMap: 16 align 8 {
    orig_handle: *mut c_void = 0,
    new_handle: *mut c_void = 8,
} }
layout! { SynNodeHandleMap: 16 align 8 {
    orig_handle: u64 = 0,
    new_handle: u64 = 8,
} }
layout! { SynDynamicStridedDmaH2dTensor: 64 align 8 {
    num_strides: u64 = 0,
    offset: u64 = 8,
    strides: [u64; 6] = 16,
} }
layout! { SynDynamicSliceDmaH2dTensor: 88 align 8 {
    dims: u64 = 0,
    steps: [u64; 5] = 8,
    starts: [u64; 5] = 48,
} }
layout! { SynQuantizationParams: 32 align 8 {
    m_zp: f64 = 0,
    m_scale: f64 = 8,
    m_exp_bias: u32 = 16,
    m_q_data_type: i32 = 20,
    m_struct_pad: u32 = 24,
} }
layout! { SynPerChannelQuantizationParams: 32 align 8 {
    m_pc_zps: *mut f64 = 0,
    m_pc_scales: *mut f64 = 8,
    m_pc_exp_bias: *mut u32 = 16,
    m_num_channels: u32 = 24,
    m_q_data_type: i32 = 28,
} }
layout! { DynamicRange: 24 align 8 {
    min: f64 = 0,
    max: f64 = 8,
    is_set: u8 = 16,
} }
layout! { SynTensorDescriptor: 528 align 8 {
    m_batch_pos: u32 = 0,
    m_data_type: i32 = 4,
    m_dims: u32 = 8,
    m_sizes: [u32; 5] = 12,
    m_quantization_params: [SynQuantizationParams; 6] = 32,
    m_ptr: *mut c_void = 224,
    m_is_weights: u8 = 232,
    m_is_quantized: u8 = 233,
    m_name: *const c_char = 240,
    m_strides: [u32; 5] = 248,
    m_is_output: u8 = 268,
    m_enable_per_channel_quant: u8 = 269,
    m_per_channel_quantization_params: [SynPerChannelQuantizationParams; 6] = 272,
    m_is_input: u8 = 464,
    m_is_static: u8 = 465,
    m_min_sizes: [u32; 5] = 468,
    m_tensor_type: i32 = 488,
    m_dynamic_range: DynamicRange = 496,
    m_is_sparsity_weights: u8 = 520,
} }
layout! { SynTraceEvent: 208 align 16 over {
    name: *const c_char = 0,
    category: *const c_char = 8,
    kind: u8 = 16,
    timestamp: [u8; 16] = 32,
    duration: [u8; 16] = 48,
    engine_type: u32 = 64,
    engine_index: u32 = 68,
    context_id: u64 = 72,
    arguments: [u64; 16] = 80,
} }
layout! { SynGraphAttributeVal: 8 align 8 {
    i_attr_val: u64 = 0,
} }
