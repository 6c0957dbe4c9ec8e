//! Files: weights read through memory maps, pictures, and writing that leaves nothing half-written.

mod beside;
mod bytes;
mod checkpoint;
mod locate;
mod mapped;
mod nearest;
mod png;
mod png_memory;
mod rearrange;

pub use beside::{check_writable, write_beside};
pub use bytes::Bytes;
pub use checkpoint::{Checkpoint, MappedTensor, TensorView};
pub(crate) use locate::has_weights;
pub use memmap2::Mmap;
pub use png::{Picture, read_png, write_png};
pub(crate) use rearrange::{Part, View};
pub use safetensors::Dtype;
