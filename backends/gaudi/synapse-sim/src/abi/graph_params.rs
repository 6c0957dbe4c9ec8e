//! Parameters of the nodes that the graph compiler implements.
//! Layouts: section 3 of the reference; each is held to its size and offsets here, at compile time.

use super::layout;
layout! { SynActivationParams: 24 align 8 {
    relu_enable: u8 = 0,
    res_after_pwl: u8 = 1,
    struct_padding: u16 = 2,
    num_channels: u32 = 4,
    pwl_neg_coeff: u64 = 8,
    pwl_pos_coeff: u64 = 16,
} }
layout! { SynConvolutionParams: 72 align 8 {
    k_w: u32 = 0,
    k_h: u32 = 4,
    d_w: u32 = 8,
    d_h: u32 = 12,
    pad_l: i32 = 16,
    pad_r: i32 = 20,
    pad_t: i32 = 24,
    pad_b: i32 = 28,
    dil_w: u32 = 32,
    dil_h: u32 = 36,
    activation: SynActivationParams = 40,
    n_groups: u32 = 64,
    struct_padding1: u32 = 68,
} }
layout! { SynConvolutionParamsV2: 112 align 8 {
    k_w: u32 = 0,
    k_h: u32 = 4,
    d_w: u32 = 8,
    d_h: u32 = 12,
    pad_l: i32 = 16,
    pad_r: i32 = 20,
    pad_t: i32 = 24,
    pad_b: i32 = 28,
    dil_w: u32 = 32,
    dil_h: u32 = 36,
    activation: SynActivationParams = 40,
    n_groups: u32 = 64,
    struct_padding1: u32 = 68,
    padding_type: i32 = 72,
    reserved: [u32; 9] = 76,
} }
layout! { SynConvolution3DParams: 96 align 8 {
    kernel: [u32; 3] = 0,
    stride: [u32; 3] = 12,
    padding: [i32; 6] = 24,
    dilation: [u32; 3] = 48,
    struct_padding1: u32 = 60,
    activation: SynActivationParams = 64,
    n_groups: u32 = 88,
    struct_padding2: u32 = 92,
} }
layout! { SynConvolution3DParamsV2: 136 align 8 {
    kernel: [u32; 3] = 0,
    stride: [u32; 3] = 12,
    padding: [i32; 6] = 24,
    dilation: [u32; 3] = 48,
    struct_padding1: u32 = 60,
    activation: SynActivationParams = 64,
    n_groups: u32 = 88,
    struct_padding2: u32 = 92,
    padding_type: i32 = 96,
    reserved: [u32; 9] = 100,
} }
layout! { SynGEMMParams: 2 align 1 {
    transpose_a: u8 = 0,
    transpose_b: u8 = 1,
} }
layout! { SynTransposeParams: 24 align 4 {
    permutation: [i32; 5] = 0,
    tensor_dim: u32 = 20,
} }
layout! { SynTransposeParamsNDims: 104 align 4 {
    tensor_dim: u32 = 0,
    permutation: [u32; 25] = 4,
} }
layout! { SynAxisParams: 4 align 4 {
    axis: u32 = 0,
} }
layout! { SynSliceParams: 80 align 4 {
    axes: [u32; 5] = 0,
    starts: [u32; 5] = 20,
    ends: [u32; 5] = 40,
    steps: [u32; 5] = 60,
} }
layout! { SynSliceParamsNDims: 400 align 4 {
    axes: [u32; 25] = 0,
    starts: [u32; 25] = 100,
    ends: [u32; 25] = 200,
    steps: [u32; 25] = 300,
} }
layout! { SynSliceParamsV2: 704 align 8 {
    axes: [u32; 25] = 0,
    struct_padding: u32 = 100,
    starts: [u64; 25] = 104,
    ends: [u64; 25] = 304,
    steps: [u64; 25] = 504,
} }
layout! { SynSliceAxisParams: 12 align 4 {
    axis: u32 = 0,
    begin: u32 = 4,
    end: u32 = 8,
} }
layout! { SynSliceAxisParamsV2: 24 align 8 {
    axis: u32 = 0,
    struct_padding: u32 = 4,
    begin: u64 = 8,
    end: u64 = 16,
} }
layout! { SynStridedOpParams: 208 align 8 {
    base_offset: u64 = 0,
    strides: [u64; 25] = 8,
} }
layout! { SynEinsumParams: 51 align 1 {
    equation: [u8; 51] = 0,
} }
layout! { SynBeamParams: 12 align 4 {
    bsw: u32 = 0,
    axis: u32 = 4,
    bottom_k: u8 = 8,
} }
