//! Devices.

use crate::abi::{Answer, Out, Text, put_text};
use crate::config::Config;
use crate::status::{INVALID_DEVICE, INVALID_VALUE, refuse};

fn bus_id(device: i32) -> String {
    format!("0000:{:02X}:00.0", device + 1)
}

fn uuid(device: i32) -> [u8; 16] {
    let mut bytes = *b"tintype-double\0\0";
    bytes[15] = device as u8;
    bytes
}

fn text(out: Out<u8>, len: i32, value: &str) -> Answer {
    if len <= 0 || out.is_null() {
        return refuse(INVALID_VALUE, "no room for a text");
    }
    put_text(out, len as usize, value);
    Ok(())
}

/// `CUdevice_attribute` of a device like an H100, as far as the configuration does not say otherwise.
fn attribute(config: &Config, device: i32, attribute: u32) -> Answer<i32> {
    let (per_sm, opt_in) = config.shared_memory();
    let hopper = i32::from(config.capability >= 90);
    Ok(match attribute {
        1..=3 | 44 | 46 => 1024,
        4 => 64,
        5 | 11 => i32::MAX,
        6 | 7 => 65535,
        8 => 48 << 10,
        9 => 64 << 10,
        10 => 32,
        12 | 82 => 65536,
        13 => 1_980_000,
        14 | 30 => 512,
        16 => 132,
        19 | 15 | 31 | 32 | 41 | 78..=80 | 83 | 89..=91 | 95 | 99 | 102 | 103 | 113 | 115 | 122 => 1,
        20 => {
            if config.busy {
                3
            } else {
                0
            }
        }
        33 => device + 1,
        36 => 2_619_000,
        37 => 5120,
        38 => 50 << 20,
        39 => 2048,
        40 => 3,
        75 => (config.capability / 10) as i32,
        76 => (config.capability % 10) as i32,
        81 => per_sm as i32,
        87 => 2,
        97 => opt_in as i32,
        106 => 32,
        108 => 32 << 20,
        109 => 128 << 20,
        111 => 1024,
        120 | 127 => hopper,
        1..=160 => 0,
        _ => return refuse(INVALID_VALUE, format!("device attribute {attribute}")),
    })
}

crate::exports! {
    fn cuDeviceGetCount(count: Out<i32>) {
        facts: |ok| if ok { format!("count={}", count.get().unwrap_or(0)) } else { String::new() },
        emulate: |d| count.put(d.config.devices),
    }

    fn cuDeviceGet(device: Out<i32>, ordinal: i32) {
        facts: |ok| format!("ordinal={ordinal}"),
        emulate: |d| { d.device(ordinal)?; device.put(ordinal) },
    }

    fn cuDeviceGetName(name: Out<u8>, len: i32, device: i32) {
        emulate: |d| { d.device(device)?; text(name, len, &d.config.name) },
    }

    fn cuDeviceGetUuid(out: Out<[u8; 16]>, device: i32) {
        emulate: |d| { d.device(device)?; out.put(uuid(device)) },
    }

    fn cuDeviceGetUuid_v2(out: Out<[u8; 16]>, device: i32) {
        emulate: |d| { d.device(device)?; out.put(uuid(device)) },
    }

    fn cuDeviceTotalMem_v2(bytes: Out<u64>, device: i32) {
        emulate: |d| { d.device(device)?; bytes.put(d.config.memory) },
    }

    fn cuDeviceGetAttribute(value: Out<i32>, which: u32, device: i32) {
        facts: |ok| format!("attribute={which}{}", if ok { format!(" value={}", value.get().unwrap_or(0)) } else { String::new() }),
        emulate: |d| { d.device(device)?; value.put(attribute(&d.config, device, which)?) },
    }

    fn cuDeviceGetPCIBusId(id: Out<u8>, len: i32, device: i32) {
        emulate: |d| { d.device(device)?; text(id, len, &bus_id(device)) },
    }

    fn cuDeviceGetByPCIBusId(device: Out<i32>, id: Text) {
        emulate: |d| {
            let id = id.get()?;
            match (0..d.config.devices).find(|number| bus_id(*number).eq_ignore_ascii_case(&id)) {
                Some(number) => device.put(number),
                None => refuse(INVALID_DEVICE, format!("no device at `{id}`")),
            }
        },
    }

    fn cuDeviceComputeCapability(major: Out<i32>, minor: Out<i32>, device: i32) {
        emulate: |d| {
            d.device(device)?;
            major.put((d.config.capability / 10) as i32)?;
            minor.put((d.config.capability % 10) as i32)
        },
    }

    fn cuDeviceCanAccessPeer(can: Out<i32>, device: i32, peer: i32) {
        emulate: |d| { d.device(device)?; d.device(peer)?; can.put(0) },
    }
}
