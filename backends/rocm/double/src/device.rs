//! Devices: as many as the driver beneath has, each pretending to be AMD's.

use crate::beneath::{NOT_THERE, cu, is_real};
use crate::config::Config;
use crate::entry::run;
use crate::launch::LDS;
use crate::state::{self, DEVICE};
use std::ffi::c_char;

/// `hipErrorNoDevice` and `hipErrorInvalidDevice`
const NO_DEVICE: i32 = 100;
const INVALID_DEVICE: i32 = 101;
const INVALID_VALUE: i32 = 1;

/// The pretended device, if it can be: a real GPU beneath has warps of 32.
fn config() -> Result<Config, (i32, String)> {
    let double = state::lock();
    if let Some(complaint) = &double.complaint {
        return Err((999, complaint.clone()));
    }
    let config = double.config.clone();
    if config.no_device {
        return Err((NO_DEVICE, "no device is pretended".into()));
    }
    if is_real() && config.wave() != 32 {
        return Err((NOT_THERE, format!("{} has waves of 64, which no CUDA device runs", config.arch)));
    }
    Ok(config)
}

fn started() -> i32 {
    cu!("cuInit"(0) as fn(u32))
}

/// HIP's `hipInit`.
#[unsafe(no_mangle)]
pub extern "C" fn hipInit(flags: u32) -> i32 {
    run(
        "hipInit",
        "cuInit",
        || format!("flags={flags}"),
        || match config()?.init {
            0 => Ok(started()),
            status => Ok(status),
        },
    )
}

/// HIP's `hipRuntimeGetVersion`.
#[unsafe(no_mangle)]
pub extern "C" fn hipRuntimeGetVersion(version: *mut i32) -> i32 {
    run("hipRuntimeGetVersion", "", String::new, || put(version, state::lock().config.version))
}

fn put<T>(to: *mut T, value: T) -> Result<i32, (i32, String)> {
    if to.is_null() {
        return Err((INVALID_VALUE, "a null pointer".into()));
    }
    // SAFETY: the caller's pointer, which HIP would write to as well.
    unsafe { to.write(value) };
    Ok(0)
}

fn count() -> Result<i32, i32> {
    let mut count = 0;
    let status = cu!("cuDeviceGetCount"(&mut count) as fn(*mut i32));
    if status == 0 { Ok(count) } else { Err(status) }
}

/// HIP's `hipGetDeviceCount`.
#[unsafe(no_mangle)]
pub extern "C" fn hipGetDeviceCount(to: *mut i32) -> i32 {
    run("hipGetDeviceCount", "cuDeviceGetCount", String::new, || {
        put(to, 0)?;
        config()?;
        match (started(), count()) {
            (0, Ok(0)) => Ok(NO_DEVICE),
            (0, Ok(found)) => put(to, found),
            (0, Err(status)) | (status, _) => Ok(status),
        }
    })
}

/// HIP's `hipSetDevice`.
#[unsafe(no_mangle)]
pub extern "C" fn hipSetDevice(device: i32) -> i32 {
    run(
        "hipSetDevice",
        "cuCtxSetCurrent",
        || format!("device={device}"),
        || {
            config()?;
            if started() != 0 || !count().is_ok_and(|count| (0..count).contains(&device)) {
                return Ok(INVALID_DEVICE);
            }
            DEVICE.set(device);
            Ok(crate::beneath::enter())
        },
    )
}

/// HIP's `hipDeviceGetAttribute`, of the few that are asked.
#[unsafe(no_mangle)]
pub extern "C" fn hipDeviceGetAttribute(value: *mut i32, attribute: i32, device: i32) -> i32 {
    let facts = || format!("attribute={attribute} device={device}");
    run("hipDeviceGetAttribute", "cuDeviceGetAttribute", facts, || {
        let config = config()?;
        match attribute {
            // MaxThreadsPerBlock, MaxSharedMemoryPerBlock and WarpSize.
            56 => put(value, 1024),
            74 => put(value, LDS as i32),
            87 => put(value, config.wave() as i32),
            // MultiprocessorCount and MemoryPoolsSupported: CUDA numbers them otherwise.
            63 => Ok(beneath(value, 16, device)),
            88 => Ok(beneath(value, 115, device)),
            _ => Err((INVALID_VALUE, "the double does not know this attribute".into())),
        }
    })
}

fn beneath(value: *mut i32, attribute: i32, device: i32) -> i32 {
    cu!("cuDeviceGetAttribute"(value, attribute, device) as fn(*mut i32, i32, i32))
}

/// HIP's `hipGetDevicePropertiesR0600`: 1472 bytes.
#[unsafe(no_mangle)]
pub extern "C" fn hipGetDevicePropertiesR0600(properties: *mut u8, device: i32) -> i32 {
    run(
        "hipGetDevicePropertiesR0600",
        "cuDeviceGetName",
        || format!("device={device}"),
        || {
            let config = config()?;
            if properties.is_null() || !count().is_ok_and(|count| (0..count).contains(&device)) {
                return Ok(INVALID_DEVICE);
            }
            let (mut name, mut uuid, mut memory, mut units) = ([0 as c_char; 200], [0_u8; 16], 0_u64, 0);
            let steps = [
                cu!("cuDeviceGetName"(name.as_mut_ptr(), 200, device) as fn(*mut c_char, i32, i32)),
                cu!("cuDeviceGetUuid_v2"(uuid.as_mut_ptr(), device) as fn(*mut u8, i32)),
                cu!("cuDeviceTotalMem_v2"(&mut memory, device) as fn(*mut u64, i32)),
                beneath(&mut units, 16, device),
            ];
            if let Some(&status) = steps.iter().find(|status| **status != 0) {
                return Ok(status);
            }
            let name: Vec<u8> = name.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
            let mut all = [0_u8; 1472];
            let mut lay = |at: usize, bytes: &[u8]| all[at..at + bytes.len()].copy_from_slice(bytes);
            lay(0, &[&name[..], b" (HIP on CUDA)"].concat());
            lay(256, &uuid);
            lay(288, &memory.to_ne_bytes());
            lay(296, &(LDS as u64).to_ne_bytes());
            lay(308, &config.wave().to_ne_bytes());
            lay(320, &1024_u32.to_ne_bytes());
            lay(388, &units.to_ne_bytes());
            let arch = config.arch.as_bytes();
            lay(1160, &arch[..arch.len().min(255)]);
            // SAFETY: the caller's structure, which is as large.
            unsafe { properties.copy_from_nonoverlapping(all.as_ptr(), all.len()) };
            Ok(0)
        },
    )
}
