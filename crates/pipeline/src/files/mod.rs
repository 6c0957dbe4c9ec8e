//! Files: weights read through memory maps, pictures, and writing that leaves nothing half-written.

mod beside;
mod checkpoint;
mod locate;
mod mapped;
mod nearest;
mod png;
mod png_memory;

pub use beside::{check_writable, write_beside};
pub use checkpoint::{Checkpoint, MappedTensor, TensorView};
pub use memmap2::Mmap;
pub use png::{Picture, read_png, write_png};
pub use safetensors::Dtype;
