//! Parameters of the nodes of the kernel library. A later version holds the fields of the earlier ones.
//! Layouts: section 3 of the reference; each is held to its size and offsets here, at compile time.

use super::layout;
layout! { NativeGroupNormParams: 12 align 4 {
    n: u32 = 0,
    g: u32 = 4,
    epsilon: f32 = 8,
} }
layout! { RoPESt2Params: 4 align 4 {
    offset: u32 = 0,
} }
layout! { RoPESt2ParamsV2: 8 align 4 {
    offset: u32 = 0,
    mode: i32 = 4,
} }
layout! { RoPEParams: 8 align 4 {
    base: u32 = 0,
    offset: u32 = 4,
} }
layout! { GatherKernelParams: 4 align 4 {
    axis: i32 = 0,
} }
layout! { GatherKernelParamsV2: 8 align 4 {
    axis: i32 = 0,
    batch_dims: i32 = 4,
} }
layout! { ClampKernelParams: 8 align 4 {
    upper_bound: u32 = 0,
    lower_bound: u32 = 4,
} }
layout! { RangeKernelParams: 12 align 4 {
    start: u32 = 0,
    limit: u32 = 4,
    delta: u32 = 8,
} }
layout! { BinaryWithAlphaKernelParams: 8 align 4 {
    alpha: u32 = 0,
    mode: i32 = 4,
} }
layout! { PadKernelParams: 44 align 4 {
    value: u32 = 0,
    pads: [u32; 10] = 4,
} }
layout! { PadKernelExParams: 48 align 4 {
    value: u32 = 0,
    pads: [u32; 10] = 4,
    mode: i32 = 44,
} }
layout! { InstanceNormTrainingKernelParams: 8 align 4 {
    momentum: f32 = 0,
    eps: f32 = 4,
} }
layout! { QuantizationPerTensorParams: 8 align 4 {
    scale: f32 = 0,
    zero_point: i32 = 4,
} }
layout! { QuantizationPerTensorParamsV2: 16 align 4 {
    scale: f32 = 0,
    zero_point: i32 = 4,
    quant_min: i32 = 8,
    quant_max: i32 = 12,
} }
layout! { QuantizationPerChannelParams: 4 align 4 {
    axis: i32 = 0,
} }
layout! { QuantizationPerChannelParamsV2: 12 align 4 {
    axis: i32 = 0,
    quant_min: i32 = 4,
    quant_max: i32 = 8,
} }
layout! { ScaledMaskedSoftmaxParams: 16 align 4 {
    inv_scale_attn: f32 = 0,
    grouped_batch_size: u32 = 4,
    is_use_max: u32 = 8,
    exp_mode: i32 = 12,
} }
layout! { ScaledMaskedSoftmaxParamsV2: 24 align 4 {
    inv_scale_attn: f32 = 0,
    grouped_batch_size: u32 = 4,
    is_use_max: u32 = 8,
    exp_mode: i32 = 12,
    mode: i32 = 16,
    all_slices_base: i32 = 20,
} }
layout! { ScaledMaskedSoftmaxParamsV3: 28 align 4 {
    inv_scale_attn: f32 = 0,
    grouped_batch_size: u32 = 4,
    is_use_max: u32 = 8,
    exp_mode: i32 = 12,
    mode: i32 = 16,
    all_slices_base: i32 = 20,
    is_to_zero_upper_triangle: i32 = 24,
} }
layout! { AddmmKernelParams: 8 align 4 {
    alpha: f32 = 0,
    beta: f32 = 4,
} }
layout! { ScaleParams: 4 align 4 {
    scale: f32 = 0,
} }
layout! { PixelShuffleKernelParams: 4 align 4 {
    upscale_factor: u32 = 0,
} }
layout! { SigmoidKernelParams: 4 align 4 {
    flavor: i32 = 0,
} }
layout! { TileKernelParams: 16 align 4 {
    repeat: [i32; 4] = 0,
} }
layout! { TileKernelParamsV2: 20 align 4 {
    repeat: [i32; 5] = 0,
} }
layout! { RandomNormalParams: 12 align 4 {
    mean: f32 = 0,
    stddev: f32 = 4,
    seed: u32 = 8,
} }
layout! { PhiloxRandomUniformParams: 12 align 4 {
    low: f32 = 0,
    high: f32 = 4,
    seed: u32 = 8,
} }
layout! { PhiloxRandomUniformParamsV2: 16 align 4 {
    low: f32 = 0,
    high: f32 = 4,
    seed: u32 = 8,
    counter_initial: u32 = 12,
} }
layout! { PhiloxRandomUniformParamsV3: 24 align 4 {
    low: f32 = 0,
    high: f32 = 4,
    seed: u32 = 8,
    counter_initial: u32 = 12,
    low_i: i32 = 16,
    high_i: i32 = 20,
} }
layout! { LayerNormFp8Params: 8 align 4 {
    eps_valid: u8 = 0,
    eps: f32 = 4,
} }
layout! { AveragePoolingParams: 48 align 4 {
    pad_w_begin: i32 = 0,
    pad_w_end: i32 = 4,
    pad_h_begin: i32 = 8,
    pad_h_end: i32 = 12,
    kernel_w: i32 = 16,
    kernel_h: i32 = 20,
    stride_w: i32 = 24,
    stride_h: i32 = 28,
    dilation_w: i32 = 32,
    dilation_h: i32 = 36,
    pooling_convention: i32 = 40,
    include_padding: i32 = 44,
} }
layout! { SpatialReductionParams: 44 align 4 {
    pad_w_begin: i32 = 0,
    pad_w_end: i32 = 4,
    pad_h_begin: i32 = 8,
    pad_h_end: i32 = 12,
    kernel_w: i32 = 16,
    kernel_h: i32 = 20,
    stride_w: i32 = 24,
    stride_h: i32 = 28,
    dilation_w: i32 = 32,
    dilation_h: i32 = 36,
    pooling_convention: i32 = 40,
} }
layout! { MemcpyParams: 4 align 4 {
    mode: i32 = 0,
} }
