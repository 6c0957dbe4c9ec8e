//! What crosses the C interface: statuses, data types and structures.
//! Sections 1 to 3 of the reference.

#![allow(dead_code)] // The whole interface is declared and checked, whether or not a node reads it.

pub mod graph_params;
pub mod kernel_params;
pub mod kernel_params_more;
mod status;
pub mod tensors;
pub mod tensors_more;
mod types;

pub use status::{Fault, Outcome, Status, fault};
pub use types::DataType;

/// Most dimensions a structure has room for.
pub const DIM_MAX: usize = 25;
/// Most dimensions a tensor may have on these devices.
pub const TENSOR_DIM_MAX: usize = 8;
/// Most dimensions a node may have that does not say it takes more.
pub const NODE_DIM_MAX: usize = 5;
/// Bytes of a name in the structures of a launch.
pub const NAME_MAX: usize = 1024;
/// The id of a tensor that a recipe does not have.
pub const TENSOR_INVALID_ID: u64 = u64::MAX;
/// The id of no device.
pub const INVALID_DEVICE: u32 = u32::MAX;
/// A launch that finds its tensors by name.
pub const BY_NAME: u32 = 1;
/// An event that takes the time.
pub const COLLECT_TIME: u32 = 1;

/// A C structure, its size, alignment and every offset held by the compiler.
macro_rules! layout {
    ($name:ident: $size:literal align $align:literal { $($field:ident: $kind:ty = $offset:literal,)* }) => {
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { $(pub $field: $kind,)* }
        layout!(@check $name $size $align $($field $offset)*);
    };
    ($name:ident: $size:literal align 16 over { $($field:ident: $kind:ty = $offset:literal,)* }) => {
        #[repr(C, align(16))]
        #[derive(Clone, Copy)]
        pub struct $name { $(pub $field: $kind,)* }
    };
    (@check $name:ident $size:literal $align:literal $($field:ident $offset:literal)*) => {
        const _: () = {
            assert!(size_of::<$name>() == $size);
            assert!(align_of::<$name>() == $align);
            $(assert!(std::mem::offset_of!($name, $field) == $offset);)*
        };
    };
}
pub(crate) use layout;
