//! Functions: attributes, names, parameters, occupancy.

use std::ffi::c_char;

use crate::abi::{Answer, Handle, Out};
use crate::state::Double;
use crate::status::{INVALID_VALUE, refuse};

/// Blocks that one multiprocessor holds, by threads, registers and shared memory.
fn occupancy(d: &mut Double, blocks: Out<i32>, function: Handle, threads: i32, dynamic: u64) -> Answer {
    let kernel = d.loaded(function)?.kernel.clone();
    let (per_sm, _) = d.config.shared_memory();
    if threads <= 0 || threads as u32 > kernel.max_threads {
        return refuse(INVALID_VALUE, format!("{threads} threads a block"));
    }
    let warps = (threads as u64).div_ceil(32);
    let shared = u64::from(kernel.static_shared) + dynamic + 1024;
    let registers = warps * 32 * u64::from(kernel.registers.max(1)).next_multiple_of(8);
    let fits = [64 / warps, 65536 / registers, u64::from(per_sm) / shared, 32];
    blocks.put(fits.into_iter().min().unwrap_or(0) as i32)
}

fn name(d: &mut Double, out: Out<*const c_char>, function: Handle) -> Answer {
    out.put(d.loaded(function)?.name.as_ptr())
}

crate::exports! {
    fn cuFuncGetAttribute(value: Out<i32>, attribute: u32, function: Handle) {
        facts: |ok| format!("function={function:#x} attribute={attribute}"),
        emulate: |d| value.put(d.function_attribute(function, attribute)?),
    }

    fn cuFuncSetAttribute(function: Handle, attribute: u32, value: i32) {
        facts: |ok| format!("function={function:#x} attribute={attribute} value={value}"),
        emulate: |d| d.set_function_attribute(function, attribute, value),
    }

    fn cuFuncSetCacheConfig(function: Handle, config: u32) {
        emulate: |d| {
            d.loaded(function)?;
            if config > 3 { refuse(INVALID_VALUE, format!("cache configuration {config}")) } else { Ok(()) }
        },
    }

    fn cuFuncGetModule(module: Out<Handle>, function: Handle) {
        emulate: |d| module.put(d.loaded(function)?.module),
    }

    fn cuFuncGetName(out: Out<*const c_char>, function: Handle) {
        emulate: |d| name(d, out, function),
    }

    fn cuFuncGetParamInfo(function: Handle, index: u64, offset: Out<u64>, size: Out<u64>) {
        emulate: |d| match d.loaded(function)?.kernel.parameters.get(index as usize) {
            Some((at, bytes)) => {
                offset.put(u64::from(*at))?;
                size.put_if(u64::from(*bytes));
                Ok(())
            }
            None => refuse(INVALID_VALUE, format!("no parameter {index}")),
        },
    }

    fn cuFuncLoad(function: Handle) {
        emulate: |d| d.loaded(function).map(drop),
    }

    fn cuFuncIsLoaded(state: Out<u32>, function: Handle) {
        emulate: |d| { d.loaded(function)?; state.put(1) },
    }

    fn cuKernelGetName(out: Out<*const c_char>, kernel: Handle) {
        emulate: |d| name(d, out, kernel),
    }

    fn cuKernelGetAttribute(value: Out<i32>, attribute: u32, kernel: Handle, device: i32) {
        facts: |ok| format!("kernel={kernel:#x} attribute={attribute}"),
        emulate: |d| { d.device(device)?; value.put(d.function_attribute(kernel, attribute)?) },
    }

    fn cuKernelSetAttribute(attribute: u32, value: i32, kernel: Handle, device: i32) {
        facts: |ok| format!("kernel={kernel:#x} attribute={attribute} value={value}"),
        emulate: |d| { d.device(device)?; d.set_function_attribute(kernel, attribute, value) },
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks: Out<i32>, function: Handle, threads: i32, dynamic: u64) {
        facts: |ok| format!("function={function:#x} threads={threads} shared={dynamic}"),
        emulate: |d| occupancy(d, blocks, function, threads, dynamic),
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks: Out<i32>, function: Handle, threads: i32, dynamic: u64, flags: u32,
    ) {
        facts: |ok| format!("function={function:#x} threads={threads} shared={dynamic}"),
        emulate: |d| { Double::flags(flags, 1)?; occupancy(d, blocks, function, threads, dynamic) },
    }
}
