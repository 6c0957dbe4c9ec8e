//! What the driver tells of a device.

use super::Own;
use cudarc::driver::sys::{CUdevice, CUuuid};
use std::ffi::{c_char, c_int};
use tintype_gpu::driver::Status;

/// A device before it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) ordinal: usize,
    pub(crate) device: CUdevice,
    pub(crate) name: String,
    /// `GPU-` or, for a slice, `MIG-` and the UUID.
    pub(crate) id: String,
    pub(crate) memory: u64,
    /// Compute capability times ten.
    pub(crate) capability: u32,
    pub(crate) multiprocessors: u32,
    pub(crate) warp: u32,
    /// Bytes of shared memory that a block may ask for.
    pub(crate) shared: u32,
    /// Whether memory can be allocated in the order of a stream.
    pub(crate) pools: bool,
    pub(crate) mode: Mode,
}

/// Who may use a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Any process.
    Shared,
    /// One process at a time.
    Exclusive,
    /// None.
    Prohibited,
}

/// Asks the driver, which must be initialised.
pub(crate) fn facts(own: &Own, ordinal: usize) -> Result<Facts, Status> {
    let mut device = 0;
    // SAFETY: every pointer below is to a local that may be written, and says how long it is where it must.
    unsafe { own.cuDeviceGet(&mut device, ordinal as c_int) }?;
    let attribute = |number: c_int| {
        let mut value = 0;
        // SAFETY: as above; the device is the driver's.
        unsafe { own.cuDeviceGetAttribute(&mut value, number, device) }.map(|()| value)
    };
    let mut name = [0 as c_char; 256];
    // SAFETY: as above.
    unsafe { own.cuDeviceGetName(name.as_mut_ptr(), name.len() as c_int, device) }?;
    let mut uuid = CUuuid { bytes: [0; 16] };
    // SAFETY: as above.
    unsafe { own.cuDeviceGetUuid_v2(&mut uuid, device) }?;
    let mut memory = 0;
    // SAFETY: as above.
    unsafe { own.cuDeviceTotalMem_v2(&mut memory, device) }?;
    let name = text(&name);
    // Attribute numbers are those of CUdevice_attribute in cuda.h.
    Ok(Facts {
        ordinal,
        device,
        id: identifier(&name, &uuid),
        name,
        memory: memory as u64,
        capability: (attribute(75)? * 10 + attribute(76)?).unsigned_abs(),
        multiprocessors: attribute(16)?.unsigned_abs(),
        warp: attribute(10)?.unsigned_abs(),
        shared: attribute(97)?.unsigned_abs(),
        pools: attribute(115)? != 0,
        mode: match attribute(20)? {
            2 => Mode::Prohibited,
            1 | 3 => Mode::Exclusive,
            _ => Mode::Shared,
        },
    })
}

fn text(bytes: &[c_char]) -> String {
    let bytes: Vec<u8> = bytes.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The UUID as `nvidia-smi -L` writes it. A slice's name ends in its profile, `MIG 1g.10gb`.
fn identifier(name: &str, uuid: &CUuuid) -> String {
    let hex: String = uuid.bytes.iter().map(|&byte| format!("{:02x}", byte as u8)).collect();
    let kind = if name.contains(" MIG ") { "MIG" } else { "GPU" };
    format!("{kind}-{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_written_as_nvidia_smi_does() {
        let uuid = CUuuid { bytes: std::array::from_fn(|i| (i as u8 * 0x11) as c_char) };
        assert_eq!(identifier("NVIDIA H100 80GB HBM3", &uuid), "GPU-00112233-4455-6677-8899-aabbccddeeff");
        assert!(identifier("NVIDIA H100 80GB HBM3 MIG 1g.10gb", &uuid).starts_with("MIG-0011"));
    }
}
