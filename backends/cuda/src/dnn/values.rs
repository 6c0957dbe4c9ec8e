//! cuDNN's enumerators, which are the same in every version since 9.8 that has them.

/// `cudnnBackendDescriptorType_t`
pub(super) mod kind {
    pub const POINTWISE: i32 = 0;
    pub const CONVOLUTION: i32 = 1;
    pub const ENGINE: i32 = 2;
    pub const CONFIGURATION: i32 = 3;
    pub const HEURISTICS: i32 = 4;
    pub const PLAN: i32 = 5;
    pub const CONVOLUTION_FORWARD: i32 = 10;
    pub const POINTWISE_OPERATION: i32 = 13;
    pub const GRAPH: i32 = 15;
    pub const VARIANT_PACK: i32 = 16;
    pub const TENSOR: i32 = 17;
    pub const MATMUL: i32 = 18;
    pub const MATMUL_OPERATION: i32 = 19;
    pub const REDUCTION: i32 = 21;
    pub const REDUCTION_OPERATION: i32 = 22;
    pub const DEVICE: i32 = 38;
    pub const ATTENTION: i32 = 41;
}

/// `cudnnBackendAttributeType_t`
pub(super) mod of {
    pub const HANDLE: i32 = 0;
    pub const DATA_TYPE: i32 = 1;
    pub const BOOLEAN: i32 = 2;
    pub const I64: i32 = 3;
    pub const F32: i32 = 4;
    pub const POINTER: i32 = 6;
    pub const CONVOLUTION_MODE: i32 = 7;
    pub const HEURISTIC: i32 = 8;
    pub const NUMERICAL_NOTE: i32 = 11;
    pub const POINTWISE_MODE: i32 = 14;
    pub const DESCRIPTOR: i32 = 15;
    pub const REDUCTION: i32 = 18;
    pub const CHARACTER: i32 = 24;
}

/// `cudnnBackendAttributeName_t`
pub(super) mod attribute {
    pub const POINTWISE_MODE: i32 = 0;
    pub const POINTWISE_PRECISION: i32 = 1;
    pub const CONVOLUTION_PRECISION: i32 = 100;
    pub const CONVOLUTION_MODE: i32 = 101;
    pub const CONVOLUTION_DILATIONS: i32 = 102;
    pub const CONVOLUTION_STRIDES: i32 = 103;
    pub const CONVOLUTION_AFTER: i32 = 104;
    pub const CONVOLUTION_BEFORE: i32 = 105;
    pub const CONVOLUTION_AXES: i32 = 106;
    pub const HEURISTIC_MODE: i32 = 200;
    pub const HEURISTIC_GRAPH: i32 = 201;
    pub const HEURISTIC_RESULTS: i32 = 202;
    pub const HEURISTIC_DEVICE: i32 = 204;
    pub const CONFIGURATION_ENGINE: i32 = 300;
    pub const PLAN_HANDLE: i32 = 400;
    pub const PLAN_CONFIGURATION: i32 = 401;
    pub const PLAN_WORKSPACE: i32 = 402;
    pub const PLAN_JSON: i32 = 405;
    pub const PLAN_DEVICE: i32 = 407;
    pub const FORWARD_ALPHA: i32 = 700;
    pub const FORWARD_BETA: i32 = 701;
    pub const FORWARD_CONVOLUTION: i32 = 702;
    pub const FORWARD_WEIGHT: i32 = 703;
    pub const FORWARD_X: i32 = 704;
    pub const FORWARD_Y: i32 = 705;
    pub const POINTWISE: i32 = 750;
    pub const POINTWISE_X: i32 = 751;
    pub const POINTWISE_B: i32 = 752;
    pub const POINTWISE_Y: i32 = 753;
    pub const GRAPH_HANDLE: i32 = 800;
    pub const GRAPH_OPERATIONS: i32 = 801;
    pub const TENSOR_ALIGNMENT: i32 = 900;
    pub const TENSOR_TYPE: i32 = 901;
    pub const TENSOR_DIMENSIONS: i32 = 902;
    pub const TENSOR_STRIDES: i32 = 903;
    pub const TENSOR_ID: i32 = 906;
    pub const TENSOR_VIRTUAL: i32 = 907;
    pub const TENSOR_BY_VALUE: i32 = 908;
    pub const PACK_IDS: i32 = 1000;
    pub const PACK_POINTERS: i32 = 1001;
    pub const PACK_WORKSPACE: i32 = 1003;
    pub const ENGINE_NUMERICAL_NOTE: i32 = 1303;
    pub const MATMUL_PRECISION: i32 = 1500;
    pub const MATMUL_A: i32 = 1520;
    pub const MATMUL_B: i32 = 1521;
    pub const MATMUL_C: i32 = 1522;
    pub const MATMUL: i32 = 1523;
    pub const REDUCTION_OPERATOR: i32 = 1600;
    pub const REDUCTION_PRECISION: i32 = 1601;
    pub const REDUCTION_X: i32 = 1610;
    pub const REDUCTION_Y: i32 = 1611;
    pub const REDUCTION: i32 = 1612;
    pub const DEVICE_JSON: i32 = 2702;
    pub const ATTENTION_Q: i32 = 2800;
    pub const ATTENTION_K: i32 = 2801;
    pub const ATTENTION_V: i32 = 2802;
    pub const ATTENTION_O: i32 = 2803;
    pub const ATTENTION_SCALE: i32 = 2805;
}

/// `cudnnPointwiseMode_t`
pub(super) mod pointwise {
    pub const ADD: i32 = 0;
    pub const MULTIPLY: i32 = 1;
    pub const DIVIDE: i32 = 6;
    pub const SUBTRACT: i32 = 9;
    pub const EXP: i32 = 13;
    pub const LOG: i32 = 15;
}

/// `cudnnReduceTensorOp_t`
pub(super) mod reduction {
    pub const SUM: i32 = 0;
    pub const MAXIMUM: i32 = 3;
}

/// `cudnnBackendNumericalNote_t`
pub(super) mod note {
    pub const TENSOR_CORE: i32 = 0;
    pub const DOWN_CONVERT_INPUTS: i32 = 1;
    pub const REDUCED_PRECISION: i32 = 2;
    pub const FFT: i32 = 3;
    pub const NONDETERMINISTIC: i32 = 4;
    /// The first of four forms of Winograd's transform.
    pub const WINOGRAD: i32 = 5;
    pub const WINOGRAD_LAST: i32 = 8;
}

/// `CUDNN_CROSS_CORRELATION`
pub(super) const CROSS_CORRELATION: i32 = 1;
/// `CUDNN_HEUR_MODE_A`
pub(super) const HEURISTIC_A: i32 = 3;

/// `cudnnDataType_t` of an element type.
pub(super) fn data(dtype: tintype_program::DType) -> Result<i32, String> {
    use tintype_program::DType;
    match dtype {
        DType::F32 => Ok(0),
        DType::F16 => Ok(2),
        DType::Bf16 => Ok(9),
        other => Err(format!("cuDNN is not asked for {other}")),
    }
}
