//! Latents as pictures, `[b, c, h, w]`, and as tokens of 2 by 2 patches, `[b, (h / 2) (w / 2), 4 c]`.
//!
//! Flux's order (`FluxPipeline._pack_latents` of diffusers): tokens go along rows of patches, a token's elements are
//! channel, then row, then column within the patch.

use crate::layers::extents;
use tintype_program::{Result, Value};

/// `[b, c, h, w]` to `[b, (h / 2) (w / 2), 4 c]`. Height and width must be even.
#[track_caller]
pub fn pack(latents: &Value) -> Result<Value> {
    let [b, c, h, w] = extents(latents, "pack")?;
    let (h, w) = (h / 2, w / 2);
    let patches = latents.reshape(&[b, c, h, 2, w, 2])?.transpose(&[0, 2, 4, 1, 3, 5])?;
    patches.reshape(&[b, h.saturating_mul(w), c.saturating_mul(4)])
}

/// `[b, (h / 2) (w / 2), 4 c]` to `[b, c, h, w]`, for an even `h` and `w` in latent pixels.
#[track_caller]
pub fn unpack(tokens: &Value, height: usize, width: usize) -> Result<Value> {
    let [b, _, elements] = extents(tokens, "unpack")?;
    let (h, w, c) = (height / 2, width / 2, elements / 4);
    tokens.reshape(&[b, h, w, c, 2, 2])?.transpose(&[0, 3, 1, 4, 2, 5])?.reshape(&[b, c, height, width])
}
