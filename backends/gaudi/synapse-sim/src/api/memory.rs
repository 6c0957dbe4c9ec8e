//! Device memory, and host memory that the device may reach.

use super::api;
use crate::abi::{Outcome, Status, fault};
use crate::guard::put;
use crate::state::state;

fn no_flags(flags: u32) -> Outcome {
    if flags != 0 { fault(Status::FAIL, format!("flags {flags}, only 0 is taken")) } else { Ok(()) }
}

api! {
    fn synDeviceMalloc(id: u32, size: u64, wanted: u64, flags: u32, address: *mut u64) |facts| {
        *facts = format!("size={size}");
        let _ = wanted; // Ignored on Gaudi 2 and 3 (section 5).
        put(address, 0)?;
        no_flags(flags)?;
        let mut state = state();
        let device = state.device(id)?;
        if size == 0 {
            return Ok(());
        }
        let base = device.memory.allocate(size)?;
        *facts += &format!(" address={base:#x}");
        put(address, base)
    }

    fn synDeviceFree(id: u32, address: u64, flags: u32) |facts| {
        *facts = format!("address={address:#x}");
        no_flags(flags)?;
        let mut state = state();
        let device = state.device(id)?;
        if address == 0 { Ok(()) } else { device.memory.free(address) }
    }

    fn synDeviceGetMemoryInfo(id: u32, free: *mut u64, total: *mut u64) |_facts| {
        let mut state = state();
        let memory = &state.device(id)?.memory;
        put(free, memory.total.saturating_sub(memory.used()))?;
        put(total, memory.total)
    }

    fn synHostMalloc(id: u32, size: u64, flags: u32, buffer: *mut u64) |facts| {
        *facts = format!("size={size}");
        put(buffer, 0)?;
        no_flags(flags)?;
        if size == 0 {
            return fault(Status::INVALID_ARGUMENT, "0 bytes of host memory"); // Silent; the stricter reading.
        }
        let base = state().device(id)?.host.allocate(size)?;
        *facts += &format!(" host={base:#x}");
        put(buffer, base)
    }

    fn synHostFree(id: u32, buffer: u64, flags: u32) |facts| {
        *facts = format!("host={buffer:#x}");
        no_flags(flags)?;
        state().device(id)?.host.forget(buffer, true)
    }

    fn synHostMap(id: u32, size: u64, buffer: u64) |facts| {
        *facts = format!("size={size} host={buffer:#x}");
        let mut state = state();
        let device = state.device(id)?;
        if buffer == 0 || size == 0 {
            return fault(Status::INVALID_ARGUMENT, "NULL, or 0 bytes");
        }
        device.host.map(buffer, size)
    }

    fn synHostUnmap(id: u32, buffer: u64) |facts| {
        *facts = format!("host={buffer:#x}");
        state().device(id)?.host.forget(buffer, false)
    }
}
