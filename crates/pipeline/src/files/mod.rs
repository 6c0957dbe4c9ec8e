//! Files: weights read through memory maps, pictures, and writing that leaves nothing half-written.

mod beside;
mod bytes;
mod checkpoint;
mod digest;
mod exif;
mod format;
mod jpeg;
mod latents;
mod locate;
mod mapped;
mod nearest;
mod png;
mod png_memory;
mod rearrange;
mod sheet;
mod webp;

pub use beside::{abandon_writes, check_writable, write_beside};
pub use bytes::{Bytes, FileMap};
pub use checkpoint::{Checkpoint, MappedTensor, TensorView};
pub use format::{JPEG_QUALITY, PictureFormat, read_picture, write_picture};
pub use latents::{Latents, read_latents, write_latents};
pub(crate) use locate::has_weights;
pub use png::{Picture, read_png, write_png};
pub(crate) use rearrange::{Part, View};
pub use safetensors::Dtype;
pub use sheet::contact_sheet;
