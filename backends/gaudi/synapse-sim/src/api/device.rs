//! Initialisation and the device: one a process, its id always 0.

use std::ffi::{c_char, c_int};

use super::api;
use crate::abi::{INVALID_DEVICE, Outcome, Status, fault};
use crate::guard::{put, put_text, text};
use crate::host::Host;
use crate::memory::Memory;
use crate::state::{Device, State, state};

pub const GAUDI2: i32 = 4;
pub const GAUDI3: i32 = 5;

/// The device there is: Gaudi 2, or what SYNAPSE_SIM_DEVICE says (`gaudi2`, `gaudi3`, `none`).
pub fn present() -> Option<i32> {
    match std::env::var("SYNAPSE_SIM_DEVICE").as_deref() {
        Ok("none") => None,
        Ok("gaudi3") => Some(GAUDI3),
        _ => Some(GAUDI2),
    }
}

/// Its memory in bytes: 96 GiB, or 128 GiB on Gaudi 3, or what SYNAPSE_SIM_MEMORY says.
pub fn memory_size(kind: i32) -> u64 {
    let set = std::env::var("SYNAPSE_SIM_MEMORY").ok().and_then(|size| size.parse().ok());
    set.unwrap_or(if kind == GAUDI3 { 128 << 30 } else { 96 << 30 })
}

fn acquire(out: *mut u32, wanted: Option<i32>) -> Outcome {
    put(out, INVALID_DEVICE)?;
    let mut state = state();
    if !state.initialized {
        return fault(Status::UNINITIALIZED, "synInitialize was not called");
    }
    if state.device.is_some() {
        return fault(Status::DEVICE_ALREADY_ACQUIRED, "this process has its device");
    }
    let Some(kind) = present() else {
        return fault(Status::NO_DEVICE_FOUND, "there is no device");
    };
    if wanted.is_some_and(|wanted| wanted != kind) {
        return fault(Status::DEVICE_TYPE_MISMATCH, format!("the device is of type {kind}"));
    }
    state.device = Some(Device { kind, memory: Memory::new(memory_size(kind)), host: Host::default() });
    put(out, 0)
}

/// Takes the device away, noting what was not given back.
fn release(state: &mut State) -> Outcome {
    let streams: Vec<_> = state.streams.drain().map(|(_, stream)| stream).collect();
    let events = state.events.drain().count();
    if !streams.is_empty() || events > 0 {
        crate::misuse::note(format!("leak: {} streams and {events} events at release", streams.len()));
    }
    for stream in streams {
        // What failed there no one asks for any more.
        let _ = stream.synchronize();
        stream.close();
    }
    if let Some(device) = state.device.take() {
        let (regions, used) = (device.memory.live().count(), device.memory.used());
        if regions > 0 {
            crate::misuse::note(format!("leak: {regions} allocations of {used} bytes at release"));
        }
        let mapped = device.host.live().count();
        if mapped > 0 {
            crate::misuse::note(format!("leak: {mapped} host ranges at release"));
        }
    }
    Ok(())
}

api! {
    fn synInitialize() |_facts| {
        state().initialized = true; // A second call is synSuccess too (section 5).
        Ok(())
    }

    fn synDestroy() |_facts| {
        let mut state = state();
        if state.device.is_some() {
            crate::misuse::note("leak: the device at synDestroy".into());
            release(&mut state)?;
        }
        *state = State::default();
        Ok(())
    }

    fn synDeviceGetCount(count: *mut u32) |_facts| { put(count, u32::from(present().is_some())) }

    fn synDeviceGetCountByDeviceType(count: *mut u32, kind: i32) |_facts| {
        put(count, u32::from(present() == Some(kind)))
    }

    fn synDeviceCount(count: *mut [u32; 8]) |_facts| {
        let mut counts = [0; 8];
        if let Some(kind) = present() {
            counts[kind as usize] = 1;
        }
        put(count, counts)
    }

    fn synDeviceGetModuleIDs(ids: *mut u32, size: *mut u32) |_facts| {
        let room = crate::guard::get(size)?;
        put(size, u32::from(present().is_some()))?;
        if present().is_some() && room > 0 { put(ids, 0) } else { Ok(()) }
    }

    fn synDeviceAcquireByDeviceType(id: *mut u32, kind: i32) |facts| {
        *facts = format!("type={kind}");
        acquire(id, Some(kind))
    }

    fn synDeviceAcquireByModuleId(id: *mut u32, module: u32) |facts| {
        *facts = format!("module={module}");
        if module != 0 {
            put(id, INVALID_DEVICE)?;
            return fault(Status::NO_DEVICE_FOUND, "the only module is 0");
        }
        acquire(id, None)
    }

    fn synDeviceAcquire(id: *mut u32, bus: *const c_char) |_facts| {
        if !bus.is_null() && text(bus)? != BUS {
            put(id, INVALID_DEVICE)?;
            return fault(Status::NO_DEVICE_FOUND, format!("the only device is at {BUS}"));
        }
        acquire(id, None)
    }

    fn synDeviceRelease(id: u32) |_facts| {
        let mut state = state();
        state.device(id)?;
        release(&mut state)
    }

    fn synDeviceSynchronize(id: u32) |_facts| {
        let streams: Vec<_> = {
            let mut state = state();
            state.device(id)?;
            state.streams.values().cloned().collect()
        };
        // All are waited for, then the first failure is told.
        let outcomes: Vec<Outcome> = streams.iter().map(|stream| stream.synchronize()).collect();
        outcomes.into_iter().collect()
    }

    fn synDriverGetVersion(version: *mut c_char, room: c_int) |_facts| {
        put_text(version, usize::try_from(room).unwrap_or(0), concat!("synapse-sim ", env!("CARGO_PKG_VERSION")))
    }

    fn synDeviceGetName(name: *mut c_char, room: c_int, id: u32) |_facts| {
        let kind = state().device(id)?.kind;
        put_text(name, usize::try_from(room).unwrap_or(0), if kind == GAUDI3 { "GAUDI3" } else { "GAUDI2" })
    }

    fn synDeviceGetPCIBusId(name: *mut c_char, room: c_int, id: u32) |_facts| {
        state().device(id)?;
        put_text(name, usize::try_from(room).unwrap_or(0), BUS)
    }
}

/// Where the device is said to be.
const BUS: &str = "0000:00:00.0";
