//! What stands before every kernel's text: element types, conversions and lanes, by dialect.

use crate::{Architecture, Dialect, MatrixUnit};
use tintype_program::DType;

const COMMON: &str = include_str!("prelude/common.h");
const MATRIX: &str = include_str!("prelude/matrix.h");

/// The text that a kernel's own is put behind.
pub fn text(architecture: &Architecture) -> String {
    let dialect = match architecture.dialect {
        Dialect::Cuda => "TINTYPE_CUDA",
        Dialect::Hip => "TINTYPE_HIP",
    };
    let common = format!("#define {dialect} 1\n#define WARP {}\n{COMMON}", architecture.warp);
    // RDNA 4 has its matrices in other lanes than RDNA 3.
    match architecture.matrix {
        MatrixUnit::None | MatrixUnit::TensorCores => common,
        MatrixUnit::Mfma => format!("{common}#define MATRIX_MFMA 1\n{MATRIX}"),
        MatrixUnit::Wmma if architecture.name.starts_with("gfx12") => {
            format!("{common}#define MATRIX_WMMA 12\n{MATRIX}")
        }
        MatrixUnit::Wmma => format!("{common}#define MATRIX_WMMA 11\n{MATRIX}"),
    }
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
