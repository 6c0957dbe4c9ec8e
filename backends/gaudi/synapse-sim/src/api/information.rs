//! What the runtime says of the device and of itself.

use std::cell::RefCell;
use std::ffi::{CString, c_char};

use super::api;
use super::device::{memory_size, present};
use crate::abi::tensors::{SynDeviceInfo, SynDeviceInfoV2};
use crate::abi::{Outcome, Status, fault};
use crate::guard::{list, put, put_text, text};
use crate::memory::DRAM_BASE;
use crate::state::state;

/// 48 MiB on chip: a guess, which no caller should lean on.
const SRAM: u32 = 48 << 20;

/// A device attribute. Frequencies and masks are guesses.
fn attribute(attribute: i32, kind: i32, free: Option<u64>) -> Outcome<u64> {
    Ok(match attribute {
        0 => 0x1000_0000_0000_0000,
        1 => DRAM_BASE,
        2 => u64::from(SRAM),
        3 => memory_size(kind),
        4 => match free {
            Some(free) => free,
            None => return fault(Status::NO_DEVICE_FOUND, "free memory is of an acquired device"),
        },
        5 => 0xff_ffff,
        6 => 1,
        7 => kind as u64,
        8 => 1650,
        9 => u64::from(SRAM),
        10 => 0,
        11 => 128,
        12 => crate::abi::TENSOR_DIM_MAX as u64,
        _ => return fault(Status::INVALID_ARGUMENT, format!("no device attribute {attribute}")),
    })
}

fn attributes(values: *mut u64, wanted: *const i32, count: u32, kind: i32, free: Option<u64>) -> Outcome {
    for (index, wanted) in list(wanted, count as usize)?.into_iter().enumerate() {
        put(values.wrapping_add(index), attribute(wanted, kind, free)?)?;
    }
    Ok(())
}

fn there() -> Outcome<i32> {
    present().map_or_else(|| fault(Status::NO_DEVICE_FOUND, "there is no device"), Ok)
}

api! {
    fn synDeviceGetAttribute(values: *mut u64, wanted: *const i32, count: u32, id: u32) |_facts| {
        let (kind, free) = {
            let mut state = state();
            let device = state.device(id)?;
            (device.kind, device.memory.total.saturating_sub(device.memory.used()))
        };
        attributes(values, wanted, count, kind, Some(free))
    }

    fn synDeviceGetAttributeByModuleId(values: *mut u64, wanted: *const i32, count: u32, module: u32) |_facts| {
        if module != 0 {
            return fault(Status::NO_DEVICE_FOUND, "the only module is 0");
        }
        attributes(values, wanted, count, there()?, None)
    }

    fn synDeviceTypeGetAttribute(values: *mut u64, wanted: *const i32, count: u32, kind: i32) |_facts| {
        if kind != super::device::GAUDI2 && kind != super::device::GAUDI3 {
            return fault(Status::INVALID_ARGUMENT, format!("device type {kind}"));
        }
        attributes(values, wanted, count, kind, None)
    }

    fn synDeviceGetInfo(id: u32, out: *mut SynDeviceInfo) |_facts| {
        let kind = state().device(id)?.kind;
        put(out, SynDeviceInfo {
            sram_base_address: 0x1000_0000_0000_0000,
            dram_base_address: DRAM_BASE,
            sram_size: SRAM,
            dram_size: memory_size(kind),
            tpc_enabled_mask: 0xff_ffff,
            dram_enabled: 1,
            device_id: id,
            fd: 0,
            device_type: kind,
        })
    }

    fn synDeviceGetInfoV2(id: u32, out: *mut SynDeviceInfoV2) |_facts| {
        let kind = state().device(id)?.kind;
        put(out, SynDeviceInfoV2 {
            sram_base_address: 0x1000_0000_0000_0000,
            dram_base_address: DRAM_BASE,
            sram_size: SRAM,
            dram_size: memory_size(kind),
            tpc_enabled_mask: 0xff_ffff,
            dram_enabled: 1,
            device_id: id,
            fd: 0,
            device_type: kind,
            device_index: 0,
            reserved: 0,
        })
    }

    fn synConfigurationSet(name: *const c_char, value: *const c_char) |facts| {
        let (name, value) = (text(name)?, text(value)?);
        *facts = format!("{name}={value}");
        let mut state = state();
        if state.device.is_some() {
            // Most are taken only before the device is acquired (section 5); here, all.
            return fault(Status::FAIL, "the device is acquired");
        }
        state.configuration.insert(name, value);
        Ok(())
    }

    fn synConfigurationGet(name: *const c_char, value: *mut c_char, size: u64) |_facts| {
        let name = text(name)?;
        match state().configuration.get(&name) {
            Some(kept) => put_text(value, size as usize, kept),
            None => fault(Status::INVALID_ARGUMENT, format!("{name} was not set")),
        }
    }

    fn synStatusGetBriefDescription(status: i32, out: *mut c_char, room: usize) |_facts| {
        // Texts of two statuses are known; the others get their names.
        let text = match status {
            0 => "Success",
            26 => "Generic failure",
            _ => Status(status).name(),
        };
        put_text(out, room, text)
    }

    fn synProfilerGetCurrentTimeNS(time: *mut u64) |_facts| { put(time, crate::event::now()) }
}

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// The last failure of this thread (of version 1.21).
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub extern "C" fn synGetLastError() -> i32 {
    crate::guard::last().0.0
}

/// Why the last call of this thread failed (of version 1.21). Good until the thread asks again.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub extern "C" fn synGetLastErrorMessage() -> *const c_char {
    let message = CString::new(crate::guard::last().1.replace('\0', " ")).unwrap_or_default();
    MESSAGE.with_borrow_mut(|kept| {
        *kept = message;
        kept.as_ptr()
    })
}
