//! What HIP tells of a device.

use super::api::Own;
use std::ffi::c_int;
use tintype_gpu::driver::Status;

/// A device before it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) ordinal: usize,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) memory: u64,
    /// `gfx942:sramecc+:xnack-`
    pub(crate) gcn: String,
    pub(crate) compute_units: u32,
    /// Threads of a wave, as the driver has it.
    pub(crate) wave: u32,
    /// Whether memory can be allocated in the order of a stream.
    pub(crate) pools: bool,
}

/// `hipDeviceProp_tR0600` as bytes: its size and where its fields lie.
const SIZE: usize = 1472;
const NAME: usize = 0;
const UUID: usize = 256;
const MEMORY: usize = 288;
const WAVE: usize = 308;
const COMPUTE_UNITS: usize = 388;
const GCN: usize = 1160;
const TEXT: usize = 256;

/// `hipDeviceAttributeMemoryPoolsSupported`
const MEMORY_POOLS: c_int = 88;

/// Asks the driver, which must be initialised.
pub(crate) fn facts(own: &Own, ordinal: usize) -> Result<Facts, Status> {
    // Room beyond what is known of it: a newer library may write more.
    let mut properties = [0_u64; 2 * SIZE / 8];
    // SAFETY: the structure may be written, and there is twice the room that it takes.
    unsafe { own.hipGetDevicePropertiesR0600(properties.as_mut_ptr().cast(), ordinal as c_int) }?;
    let mut pools = 0;
    // SAFETY: the number may be written.
    unsafe { own.hipDeviceGetAttribute(&mut pools, MEMORY_POOLS, ordinal as c_int) }?;
    let bytes: Vec<u8> = properties.iter().flat_map(|word| word.to_ne_bytes()).collect();
    Ok(Facts { pools: pools != 0, ..read(&bytes, ordinal) })
}

fn read(bytes: &[u8], ordinal: usize) -> Facts {
    let at = |start: usize, length: usize| bytes.get(start..start + length).unwrap_or_default();
    let text = |start: usize| {
        let all = at(start, TEXT);
        let end = all.iter().position(|&byte| byte == 0).unwrap_or(all.len());
        String::from_utf8_lossy(&all[..end]).into_owned()
    };
    let number = |start: usize| at(start, 4).try_into().map_or(0, u32::from_ne_bytes);
    Facts {
        ordinal,
        name: text(NAME),
        id: identifier(at(UUID, 16)),
        memory: at(MEMORY, 8).try_into().map_or(0, u64::from_ne_bytes),
        gcn: text(GCN),
        compute_units: number(COMPUTE_UNITS),
        wave: number(WAVE),
        pools: false,
    }
}

/// `GPU-` and the sixteen digits of a device's number, as `rocminfo` writes it; other bytes as hexadecimal digits.
fn identifier(uuid: &[u8]) -> String {
    match std::str::from_utf8(uuid) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => format!("GPU-{text}"),
        _ => format!("GPU-{}", uuid.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_from_where_they_lie() {
        let mut bytes = vec![0; SIZE];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(NAME, b"AMD Instinct MI300X");
        put(UUID, b"aad1ed3f51c3e1c5");
        put(MEMORY, &(192_u64 << 30).to_ne_bytes());
        put(WAVE, &64_u32.to_ne_bytes());
        put(COMPUTE_UNITS, &304_u32.to_ne_bytes());
        put(GCN, b"gfx942:sramecc+:xnack-");
        let facts = read(&bytes, 1);
        assert_eq!((facts.name.as_str(), facts.id.as_str()), ("AMD Instinct MI300X", "GPU-aad1ed3f51c3e1c5"));
        assert_eq!((facts.memory, facts.wave, facts.compute_units), (192 << 30, 64, 304));
        assert_eq!(facts.gcn, "gfx942:sramecc+:xnack-");
    }

    #[test]
    fn a_structure_cut_short_is_read_as_empty() {
        let facts = read(&[1, 2, 3], 0);
        assert_eq!((facts.memory, facts.gcn.as_str()), (0, ""));
    }
}
