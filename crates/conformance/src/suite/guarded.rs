//! Buffers between guard bytes.

use std::sync::Arc;
use tintype_accel::{Accelerator, Buffer, Purpose, Result};
use tintype_program::{DType, TensorType};

const GUARD: usize = 2 * Buffer::ALIGNMENT;

/// A buffer in the middle of a storage of its own, whose other bytes nobody may write. They are NaN in every
/// floating-point dtype, so that a read past the end shows as well.
pub(super) struct Guarded {
    pub(super) buffer: Buffer,
    whole: Buffer,
}

/// The byte that stands around a buffer, and in an output before it is written.
pub(super) fn filler(dtype: DType) -> u8 {
    if dtype.is_float() { 0xff } else { 0xa5 }
}

impl Guarded {
    pub(super) fn new(accelerator: &Arc<dyn Accelerator>, ty: &TensorType) -> Result<Self> {
        let bytes = 2 * GUARD + ty.bytes().next_multiple_of(Buffer::ALIGNMENT);
        let storage = accelerator.allocate(bytes, Purpose::Data)?;
        let buffer = Buffer::at(Arc::clone(&storage), GUARD, ty.clone())?;
        Ok(Self { buffer, whole: Buffer::at(storage, 0, TensorType::new(DType::U8, [bytes]))? })
    }

    /// Writes the guards, and the content or, where there is none, more of the same.
    pub(super) fn set(&self, accelerator: &Arc<dyn Accelerator>, content: Option<&[u8]>) -> Result<()> {
        let mut image = vec![filler(self.buffer.ty().dtype); self.whole.ty().bytes()];
        if let Some(content) = content {
            image[self.buffer.range()].copy_from_slice(content);
        }
        accelerator.write(&self.whole, image)
    }

    /// The content, and the place of the first guard byte that was written, in bytes from the buffer's start.
    pub(super) fn read(&self, accelerator: &Arc<dyn Accelerator>) -> Result<(Vec<u8>, Option<isize>)> {
        let image = accelerator.download(&self.whole)?;
        let (range, filler) = (self.buffer.range(), filler(self.buffer.ty().dtype));
        let touched = (0..image.len()).find(|i| !range.contains(i) && image[*i] != filler);
        let content = image.get(range.clone()).unwrap_or_default().to_vec();
        Ok((content, touched.map(|i| i as isize - range.start as isize)))
    }
}
