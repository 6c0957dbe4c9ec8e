//! Tests under the software double of the CUDA driver.

#[path = "../../../gpu/tests/double/mod.rs"]
mod shared;

#[allow(unused_imports, reason = "no test uses all of it")]
pub use shared::*;

const DOUBLE: Names = Names {
    driver: "TINTYPE_CUDA_DRIVER",
    machine: "TINTYPE_CUDA_DOUBLE",
    file: "libtintype_cuda_double.so",
};
