//! Parameters of the nodes of the kernel library. A later version holds the fields of the earlier ones.
//! Layouts: section 3 of the reference; each is held to its size and offsets here, at compile time.

use super::layout;
layout! { SoftmaxParams: 4 align 4 {
    dim: i32 = 0,
} }
layout! { SoftmaxParamsV3: 8 align 4 {
    dim: i32 = 0,
    data_type_size: i32 = 4,
} }
layout! { SoftmaxParamsV4: 12 align 4 {
    dim: i32 = 0,
    data_type_size: i32 = 4,
    valid_count_axis: i32 = 8,
} }
layout! { SoftmaxParamsV5: 16 align 4 {
    dim: i32 = 0,
    data_type_size: i32 = 4,
    valid_count_axis: i32 = 8,
    is_approximation: i32 = 12,
} }
layout! { SoftmaxParamsV6: 20 align 4 {
    dim: i32 = 0,
    data_type_size: i32 = 4,
    valid_count_axis: i32 = 8,
    is_approximation: i32 = 12,
    triangular_mode: i32 = 16,
} }
layout! { SoftmaxParamsV7: 24 align 4 {
    dim: i32 = 0,
    data_type_size: i32 = 4,
    valid_count_axis: i32 = 8,
    is_approximation: i32 = 12,
    triangular_mode: i32 = 16,
    mode: i32 = 20,
} }
layout! { LayerNormKernelParams: 8 align 4 {
    eps_valid: u8 = 0,
    eps: f32 = 4,
} }
layout! { LayerNormKernelParamsNorm: 16 align 4 {
    eps_valid: u8 = 0,
    eps: f32 = 4,
    norm_axis_bmp: i32 = 8,
    param_axis_bmp: i32 = 12,
} }
layout! { LayerNormKernelParamsPt: 20 align 4 {
    eps_valid: u8 = 0,
    eps: f32 = 4,
    norm_axis_bmp: i32 = 8,
    param_axis_bmp: i32 = 12,
    normalized_shape_dims: u32 = 16,
} }
layout! { LayerNormKernelParamsRmsNorm: 24 align 4 {
    eps_valid: u8 = 0,
    eps: f32 = 4,
    norm_axis_bmp: i32 = 8,
    param_axis_bmp: i32 = 12,
    normalized_shape_dims: u32 = 16,
    fast_math: u8 = 20,
} }
layout! { RmsNormParams: 8 align 4 {
    bwd_stage: u32 = 0,
    num_tpc: i32 = 4,
} }
layout! { RmsNormParamsV2: 12 align 4 {
    bwd_stage: u32 = 0,
    num_tpc: i32 = 4,
    bwd_mode: i32 = 8,
} }
layout! { RmsNormParamsV3: 16 align 4 {
    bwd_stage: u32 = 0,
    num_tpc: i32 = 4,
    bwd_mode: i32 = 8,
    use_stages: u8 = 12,
} }
layout! { RmsNormParamsV4: 20 align 4 {
    bwd_stage: u32 = 0,
    num_tpc: i32 = 4,
    bwd_mode: i32 = 8,
    use_stages: u8 = 12,
    fast_math: u8 = 13,
    dummy: i32 = 16,
} }
layout! { DropoutKernelParamsOptionalMaskOut: 12 align 4 {
    ratio: f32 = 0,
    seed: u32 = 4,
    disable_mask_out: u8 = 8,
} }
layout! { SdpaParams: 24 align 4 {
    scale: f32 = 0,
    is_causal: u8 = 4,
    dropout: DropoutKernelParamsOptionalMaskOut = 8,
    is_inference: u8 = 20,
} }
layout! { SdpaParamsV2: 28 align 4 {
    scale: f32 = 0,
    is_causal: u8 = 4,
    dropout: DropoutKernelParamsOptionalMaskOut = 8,
    is_inference: u8 = 20,
    softmax_mode: i32 = 24,
} }
layout! { SdpaParamsV3: 32 align 4 {
    scale: f32 = 0,
    is_causal: u8 = 4,
    dropout: DropoutKernelParamsOptionalMaskOut = 8,
    is_inference: u8 = 20,
    softmax_mode: i32 = 24,
    flags: u32 = 28,
} }
layout! { DropoutKernelParams: 8 align 4 {
    ratio: f32 = 0,
    seed: u32 = 4,
} }
layout! { DropoutKernelParamsOptionalTrain: 16 align 4 {
    ratio: f32 = 0,
    seed: u32 = 4,
    disable_mask_out: u8 = 8,
    is_training: i32 = 12,
} }
layout! { GeluKernelParams: 1 align 1 {
    approximation: u8 = 0,
} }
layout! { GeluKernelParamsV2: 8 align 4 {
    approximation: u8 = 0,
    accuracy_mode: i32 = 4,
} }
layout! { CastKernelParams: 4 align 4 {
    round_mode: i32 = 0,
} }
layout! { CastKernelParamsV2: 8 align 4 {
    round_mode: i32 = 0,
    seed: u32 = 4,
} }
layout! { CastKernelParamsV3: 12 align 4 {
    round_mode: i32 = 0,
    seed: u32 = 4,
    mode: i32 = 8,
} }
layout! { CastKernelParamsV4: 16 align 4 {
    round_mode: i32 = 0,
    seed: u32 = 4,
    mode: i32 = 8,
    safe_cast_check: u8 = 12,
} }
layout! { ConstantKernelParams: 4 align 4 {
    constant: u32 = 0,
} }
layout! { ConstantKernelParams_v2: 8 align 4 {
    const_low: i32 = 0,
    const_high: i32 = 4,
} }
layout! { ReductionParams: 4 align 4 {
    reduction_dimension: u32 = 0,
} }
layout! { ReductionParamsV2: 8 align 4 {
    reduction_dimension_mask: u32 = 0,
    keep_dim: u8 = 4,
} }
layout! { ResizeKernelParams: 44 align 4 {
    mode: i32 = 0,
    scale_dim1: f32 = 4,
    scale_dim2: f32 = 8,
    scale_dim3: f32 = 12,
    coord_trans_mode: i32 = 16,
    nearest_mode: i32 = 20,
    exclude_outside: u8 = 24,
    use_scales: u8 = 25,
    cubic_coeff_a: f32 = 28,
    size1: i32 = 32,
    size2: i32 = 36,
    size3: i32 = 40,
} }
layout! { ResizeKernelParamsGauss: 52 align 4 {
    mode: i32 = 0,
    scale_dim1: f32 = 4,
    scale_dim2: f32 = 8,
    scale_dim3: f32 = 12,
    coord_trans_mode: i32 = 16,
    nearest_mode: i32 = 20,
    exclude_outside: u8 = 24,
    use_scales: u8 = 25,
    cubic_coeff_a: f32 = 28,
    size1: i32 = 32,
    size2: i32 = 36,
    size3: i32 = 40,
    filter_width: i32 = 44,
    sigma: f32 = 48,
} }
layout! { UpsampleKernelParams: 8 align 4 {
    mode: i32 = 0,
    scale: i32 = 4,
} }
