//! What stands before every kernel's text: element types, conversions and lanes, by dialect.

use crate::{Architecture, Dialect};
use tintype_program::DType;

const COMMON: &str = include_str!("prelude/common.h");

/// The text that a kernel's own is put behind.
pub fn text(architecture: &Architecture) -> String {
    let dialect = match architecture.dialect {
        Dialect::Cuda => "TINTYPE_CUDA",
        Dialect::Hip => "TINTYPE_HIP",
    };
    format!("#define {dialect} 1\n#define WARP {}\n{COMMON}", architecture.warp)
}

/// The name of an element type in kernels.
pub(crate) fn name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float",
        DType::Bf16 => "bf16",
        DType::F16 => "f16",
        DType::I32 => "int",
        DType::U8 => "u8",
    }
}
