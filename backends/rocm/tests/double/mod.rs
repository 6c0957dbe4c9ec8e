//! Tests under the software double of HIP.

#[path = "../../../gpu/tests/double/mod.rs"]
mod shared;

#[allow(unused_imports, reason = "no test uses all of it")]
pub use shared::*;

const DOUBLE: Names = Names {
    driver: "TINTYPE_ROCM_DRIVER",
    machine: "TINTYPE_ROCM_DOUBLE",
    file: "libtintype_rocm_double.so",
};
