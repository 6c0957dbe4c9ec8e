//! Descriptions of products, matrices and preferences.

use super::given;
use super::objects::{INVALID_VALUE, Layout, Operation, Refusal, Thing};
use crate::entry::run;
use crate::state;
use std::ffi::c_void;

/// hipBLASLt's `hipblasLtMatmulDescCreate`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmulDescCreate(made: *mut u64, compute: i32, scale: i32) -> i32 {
    let facts = || format!("compute={compute} scale={scale}");
    run("hipblasLtMatmulDescCreate", "", facts, || {
        let operation =
            Operation { compute, scale, transposes: [111; 2], epilogue: 1, ..Operation::default() };
        state::lock().objects.make(made, Thing::Operation(operation))
    })
}

/// hipBLASLt's `hipblasLtMatmulDescDestroy`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmulDescDestroy(object: u64) -> i32 {
    run("hipblasLtMatmulDescDestroy", "", String::new, || {
        state::lock().objects.destroy(object, |thing| matches!(thing, Thing::Operation(_)))
    })
}

/// hipBLASLt's `hipblasLtMatrixLayoutCreate`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatrixLayoutCreate(
    made: *mut u64,
    dtype: i32,
    rows: u64,
    columns: u64,
    leading: i64,
) -> i32 {
    let facts = || format!("type={dtype} rows={rows} columns={columns} leading={leading}");
    run("hipblasLtMatrixLayoutCreate", "", facts, || {
        let layout = Layout { dtype, rows, columns, leading, count: 1, stride: 0 };
        state::lock().objects.make(made, Thing::Layout(layout))
    })
}

/// hipBLASLt's `hipblasLtMatrixLayoutDestroy`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatrixLayoutDestroy(object: u64) -> i32 {
    run("hipblasLtMatrixLayoutDestroy", "", String::new, || {
        state::lock().objects.destroy(object, |thing| matches!(thing, Thing::Layout(_)))
    })
}

/// hipBLASLt's `hipblasLtMatmulPreferenceCreate`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmulPreferenceCreate(made: *mut u64) -> i32 {
    run("hipblasLtMatmulPreferenceCreate", "", String::new, || {
        state::lock().objects.make(made, Thing::Preference(0))
    })
}

/// hipBLASLt's `hipblasLtMatmulPreferenceDestroy`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmulPreferenceDestroy(object: u64) -> i32 {
    run("hipblasLtMatmulPreferenceDestroy", "", String::new, || {
        state::lock().objects.destroy(object, |thing| matches!(thing, Thing::Preference(_)))
    })
}

/// A value of exactly so many bytes.
fn value<T: Copy>(from: *const c_void, bytes: usize) -> Result<T, Refusal> {
    given(from)?;
    if bytes != size_of::<T>() {
        return Err((INVALID_VALUE, format!("{bytes} bytes, not {}", size_of::<T>())));
    }
    // SAFETY: the caller's value of so many bytes, which the library would read as well.
    Ok(unsafe { from.cast::<T>().read_unaligned() })
}

fn unknown(attribute: i32) -> Refusal {
    (INVALID_VALUE, format!("the double does not know attribute {attribute}"))
}

/// hipBLASLt's `hipblasLtMatmulDescSetAttribute`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmulDescSetAttribute(
    object: u64,
    attribute: i32,
    from: *const c_void,
    bytes: usize,
) -> i32 {
    let facts = || format!("attribute={attribute} bytes={bytes}");
    run("hipblasLtMatmulDescSetAttribute", "", facts, || {
        let mut double = state::lock();
        let operation = double.objects.operation(object)?;
        match attribute {
            0 | 1 => operation.transposes[attribute as usize] = value(from, bytes)?,
            2 => operation.epilogue = value(from, bytes)?,
            3 => operation.bias = value(from, bytes)?,
            4 => operation.bias_type = value(from, bytes)?,
            other => return Err(unknown(other)),
        }
        Ok(0)
    })
}

/// hipBLASLt's `hipblasLtMatrixLayoutSetAttribute`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatrixLayoutSetAttribute(
    object: u64,
    attribute: i32,
    from: *const c_void,
    bytes: usize,
) -> i32 {
    let facts = || format!("attribute={attribute} bytes={bytes}");
    run("hipblasLtMatrixLayoutSetAttribute", "", facts, || {
        let mut double = state::lock();
        let layout = double.objects.layout(object)?;
        match attribute {
            0 => layout.count = value(from, bytes)?,
            1 => layout.stride = value(from, bytes)?,
            other => return Err(unknown(other)),
        }
        Ok(0)
    })
}

/// hipBLASLt's `hipblasLtMatmulPreferenceSetAttribute`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmulPreferenceSetAttribute(
    object: u64,
    attribute: i32,
    from: *const c_void,
    bytes: usize,
) -> i32 {
    let facts = || format!("attribute={attribute} bytes={bytes}");
    run("hipblasLtMatmulPreferenceSetAttribute", "", facts, || {
        let mut double = state::lock();
        let workspace = double.objects.preference(object)?;
        match attribute {
            1 => *workspace = value(from, bytes)?,
            other => return Err(unknown(other)),
        }
        Ok(0)
    })
}
