//! Launches, with what HIP asks of them.

use crate::beneath::{cu, enter};
use crate::entry::run;
use std::ffi::c_void;

/// `hipErrorInvalidConfiguration` and `hipErrorInvalidValue`
const INVALID_CONFIGURATION: i32 = 9;
const INVALID_VALUE: i32 = 1;
/// Bytes of LDS that a block may have.
pub(crate) const LDS: u32 = 64 << 10;

/// A kernel may have all of a device's LDS without asking; CUDA has it ask.
pub(crate) fn allow_shared(function: *const u64) {
    /// `CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES` and `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`
    const FIXED: i32 = 1;
    const DYNAMIC: i32 = 8;
    // SAFETY: the driver has just written it.
    let function = unsafe { *function };
    let mut fixed = 0;
    let asked = cu!("cuFuncGetAttribute"(&mut fixed, FIXED, function) as fn(*mut i32, i32, u64));
    if asked == 0 {
        let most = (LDS as i32 - fixed).max(0);
        // A launch that wants more fails by itself.
        let _ = cu!("cuFuncSetAttribute"(function, DYNAMIC, most) as fn(u64, i32, i32));
    }
}

/// HIP's `hipModuleLaunchKernel`.
#[allow(clippy::too_many_arguments, reason = "the vendor's signature")]
#[unsafe(no_mangle)]
pub extern "C" fn hipModuleLaunchKernel(
    function: u64,
    grid_x: u32,
    grid_y: u32,
    grid_z: u32,
    block_x: u32,
    block_y: u32,
    block_z: u32,
    shared: u32,
    stream: u64,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> i32 {
    let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
    let facts =
        || format!("stream={stream} function={function} grid={grid:?} block={block:?} shared={shared}");
    run("hipModuleLaunchKernel", "cuLaunchKernel", facts, || {
        let status = enter();
        if status != 0 {
            return Ok(status);
        }
        // Not so CUDA: the threads of a grid along an axis are a number of 32 bits.
        let too_many =
            |(blocks, threads): (&u32, &u32)| u64::from(*blocks) * u64::from(*threads) > u64::from(u32::MAX);
        if grid.iter().zip(&block).any(too_many) {
            return Err((INVALID_CONFIGURATION, "2^32 threads or more along an axis".into()));
        }
        if block.iter().map(|&threads| u64::from(threads)).product::<u64>() > 1024 {
            return Err((INVALID_CONFIGURATION, "a block of more than 1024 threads".into()));
        }
        if shared > LDS {
            return Err((INVALID_VALUE, format!("{shared} bytes of LDS")));
        }
        Ok(cu!("cuLaunchKernel"(
            function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared, stream, params, extra
        )
            as fn(u64, u32, u32, u32, u32, u32, u32, u32, u64, *mut *mut c_void, *mut *mut c_void)))
    })
}
