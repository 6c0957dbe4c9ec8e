//! The functions and enumerators in which cuBLASLt and hipBLASLt agree.

use crate::driver::{Handle, table};
use std::ffi::{c_int, c_void};

/// An opaque object of a library.
pub type Object = *mut c_void;

table! {
    /// Enumerations are integers here. hipBLASLt has the signatures of cuBLASLt.
    pub(crate) struct Table {
        create["cublasLtCreate", "hipblasLtCreate"](handle: *mut Object);
        destroy["cublasLtDestroy", "hipblasLtDestroy"](handle: Object);
        operation_create["cublasLtMatmulDescCreate", "hipblasLtMatmulDescCreate"](
            made: *mut Object,
            compute: c_int,
            scale: c_int,
        );
        operation_destroy["cublasLtMatmulDescDestroy", "hipblasLtMatmulDescDestroy"](object: Object);
        operation_set["cublasLtMatmulDescSetAttribute", "hipblasLtMatmulDescSetAttribute"](
            object: Object,
            attribute: c_int,
            value: *const c_void,
            bytes: usize,
        );
        layout_create["cublasLtMatrixLayoutCreate", "hipblasLtMatrixLayoutCreate"](
            made: *mut Object,
            dtype: c_int,
            rows: u64,
            columns: u64,
            leading: i64,
        );
        layout_destroy["cublasLtMatrixLayoutDestroy", "hipblasLtMatrixLayoutDestroy"](object: Object);
        layout_set["cublasLtMatrixLayoutSetAttribute", "hipblasLtMatrixLayoutSetAttribute"](
            object: Object,
            attribute: c_int,
            value: *const c_void,
            bytes: usize,
        );
        preference_create["cublasLtMatmulPreferenceCreate", "hipblasLtMatmulPreferenceCreate"](made: *mut Object);
        preference_destroy["cublasLtMatmulPreferenceDestroy", "hipblasLtMatmulPreferenceDestroy"](object: Object);
        preference_set["cublasLtMatmulPreferenceSetAttribute", "hipblasLtMatmulPreferenceSetAttribute"](
            object: Object,
            attribute: c_int,
            value: *const c_void,
            bytes: usize,
        );
        heuristic["cublasLtMatmulAlgoGetHeuristic", "hipblasLtMatmulAlgoGetHeuristic"](
            handle: Object,
            operation: Object,
            a: Object,
            b: Object,
            c: Object,
            d: Object,
            preference: Object,
            most: c_int,
            results: *mut c_void,
            found: *mut c_int,
        );
        multiply["cublasLtMatmul", "hipblasLtMatmul"](
            handle: Object,
            operation: Object,
            alpha: *const c_void,
            a: *const c_void,
            a_layout: Object,
            b: *const c_void,
            b_layout: Object,
            beta: *const c_void,
            c: *const c_void,
            c_layout: Object,
            d: *mut c_void,
            d_layout: Object,
            algorithm: *const c_void,
            workspace: *mut c_void,
            bytes: usize,
            stream: Handle,
        );
    }
}

/// Element types: `cudaDataType_t` and `hipDataType` number them alike.
pub(super) mod data {
    pub const F32: i32 = 0;
    pub const F16: i32 = 2;
    pub const BF16: i32 = 14;
}

/// What follows a product: alike in both headers. The gelu is that with a hyperbolic tangent, in both libraries.
pub(super) mod epilogue {
    pub const NONE: u32 = 1;
    pub const BIAS: u32 = 4;
    pub const GELU: u32 = 32;
    pub const GELU_BIAS: u32 = 36;
}

/// The preference for so many bytes of workspace at most: alike in both headers.
pub(super) const WORKSPACE: i32 = 1;
