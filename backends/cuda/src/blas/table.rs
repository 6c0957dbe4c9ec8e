//! cuBLASLt's functions and enumerators.

use crate::table::table;
use std::ffi::{c_char, c_void};

/// An opaque object of the library.
pub(super) type Object = *mut c_void;

table! {
    /// The part of cuBLASLt that is used.
    Table {
        cublasLtGetVersion() -> usize;
        cublasLtGetStatusName(i32) -> *const c_char;
        cublasLtCreate(*mut Object) -> i32;
        cublasLtDestroy(Object) -> i32;
        cublasLtMatmulDescCreate(*mut Object, i32, i32) -> i32;
        cublasLtMatmulDescDestroy(Object) -> i32;
        cublasLtMatmulDescSetAttribute(Object, i32, *const c_void, usize) -> i32;
        cublasLtMatrixLayoutCreate(*mut Object, i32, u64, u64, i64) -> i32;
        cublasLtMatrixLayoutDestroy(Object) -> i32;
        cublasLtMatrixLayoutSetAttribute(Object, i32, *const c_void, usize) -> i32;
        cublasLtMatmulPreferenceCreate(*mut Object) -> i32;
        cublasLtMatmulPreferenceDestroy(Object) -> i32;
        cublasLtMatmulPreferenceSetAttribute(Object, i32, *const c_void, usize) -> i32;
        cublasLtMatmulAlgoGetHeuristic(
            Object, Object, Object, Object, Object, Object, Object, i32, *mut Choice, *mut i32,
        ) -> i32;
        cublasLtMatmulAlgoConfigGetAttribute(*const Algorithm, i32, *mut c_void, usize, *mut usize) -> i32;
        cublasLtMatmul(
            Object, Object, *const c_void, *const c_void, Object, *const c_void, Object, *const c_void,
            *const c_void, Object, *mut c_void, Object, *const Algorithm, *mut c_void, usize, *mut c_void,
        ) -> i32;
    }
}

/// `cublasLtMatmulAlgo_t`: opaque, and free to be copied.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Algorithm(pub(super) [u64; 8]);

/// `cublasLtMatmulHeuristicResult_t`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Choice {
    pub(super) algorithm: Algorithm,
    pub(super) workspace: usize,
    /// Whether the rest of this struct holds anything.
    pub(super) status: i32,
    pub(super) waves: f32,
    reserved: [i32; 4],
}

pub(super) mod compute {
    pub const F32: i32 = 68;
    pub const FAST_TF32: i32 = 77;
}

/// `cudaDataType_t`
pub(super) mod data {
    pub const F32: i32 = 0;
    pub const F16: i32 = 2;
    pub const BF16: i32 = 14;
}

pub(super) mod operation {
    pub const TRANSPOSE_A: i32 = 3;
    pub const TRANSPOSE_B: i32 = 4;
    pub const EPILOGUE: i32 = 7;
    pub const BIAS: i32 = 8;
    pub const BIAS_TYPE: i32 = 26;
}

pub(super) mod epilogue {
    pub const NONE: i32 = 1;
    pub const BIAS: i32 = 4;
    pub const GELU: i32 = 32;
    pub const GELU_BIAS: i32 = 36;
}

pub(super) mod layout {
    pub const BATCH: i32 = 5;
    pub const BATCH_STRIDE: i32 = 6;
}

pub(super) mod preference {
    pub const WORKSPACE: i32 = 1;
    pub const REDUCTION: i32 = 3;
    /// Of a; those of b, c and d follow.
    pub const ALIGNMENT: i32 = 5;
}

/// `CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE`: parts of a sum are kept in f32 and added in a fixed order.
pub(super) const IN_F32: u32 = 2;

/// What an algorithm is made of, in the order of its report.
pub(super) const CONFIGURATION: [(&str, i32); 4] =
    [("algorithm", 0), ("tile", 1), ("stages", 6), ("split", 2)];
