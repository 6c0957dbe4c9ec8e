//! Types of the interface, with the sizes and offsets that version 1.16 gives them; 1.21 has the same.

use std::ffi::{c_char, c_void};

pub(crate) type Handle = *mut c_void;

/// The most dimensions that a struct of the interface has room for.
pub(crate) const DIM_MAX: usize = 25;

/// What [`Functions::tensor_retrieve_ids`](super::Functions) gives for a name that a recipe does not have.
pub(crate) const INVALID_ID: u64 = u64::MAX;

/// `synDmaDir`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Direction {
    HostToDevice = 0,
    DeviceToHost = 1,
    DeviceToDevice = 2,
}

/// `synDeviceType`: the devices that run what this plugin makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeviceType(pub(crate) i32);

impl DeviceType {
    pub(crate) const GAUDI: DeviceType = DeviceType(2);
    pub(crate) const GAUDI2: DeviceType = DeviceType(4);
    pub(crate) const GAUDI3: DeviceType = DeviceType(5);

    /// The name that the interface gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            DeviceType::GAUDI => "gaudi",
            DeviceType::GAUDI2 => "gaudi2",
            DeviceType::GAUDI3 => "gaudi3",
            _ => "unknown",
        }
    }
}

/// `synLaunchTensorInfo`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct LaunchTensor {
    pub(crate) name: *const c_char,
    pub(crate) address: u64,
    pub(crate) kind: i32,
    pub(crate) sizes: [u64; DIM_MAX],
    pub(crate) id: u64,
}

// SAFETY: `name` is null wherever this plugin makes one: tensors are named by id.
unsafe impl Send for LaunchTensor {}

/// `synTensorGeometry`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Geometry {
    pub(crate) sizes: [u64; DIM_MAX],
    pub(crate) dims: u32,
}

/// `synDeviceInfo`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct DeviceInfo {
    pub(crate) sram_base: u64,
    pub(crate) dram_base: u64,
    pub(crate) sram_size: u32,
    pub(crate) dram_size: u64,
    pub(crate) tpc_mask: u64,
    pub(crate) dram_enabled: u8,
    pub(crate) device_id: u32,
    pub(crate) fd: u32,
    pub(crate) device_type: i32,
}

/// `synDataType`, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DataType(pub(crate) i32);

impl DataType {
    pub(crate) const BF16: DataType = DataType(1 << 1);
    pub(crate) const F32: DataType = DataType(1 << 2);
    pub(crate) const I32: DataType = DataType(1 << 4);
    pub(crate) const U8: DataType = DataType(1 << 5);
    pub(crate) const F16: DataType = DataType(1 << 8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    #[test]
    fn structs_have_the_published_layouts() {
        assert_eq!((size_of::<LaunchTensor>(), offset_of!(LaunchTensor, id)), (232, 224));
        assert_eq!((offset_of!(LaunchTensor, kind), offset_of!(LaunchTensor, sizes)), (16, 24));
        assert_eq!((size_of::<Geometry>(), offset_of!(Geometry, dims)), (208, 200));
        assert_eq!((size_of::<DeviceInfo>(), offset_of!(DeviceInfo, device_type)), (56, 52));
        assert_eq!((offset_of!(DeviceInfo, dram_size), offset_of!(DeviceInfo, fd)), (24, 48));
    }
}
