//! Decoding in overlapping tiles, as `AutoencoderKL.tiled_decode` of diffusers 0.36: tiles share a quarter of their side,
//! and linear ramps lead from one to the next. Group norms and the attention of the innermost level see one tile only.
//!
//! Unlike there, all tiles have one size, so that one Program decodes them: the last of a row or column is moved inward
//! instead of cut short, and its ramp is as long as what it shares.

mod blend;
mod choose;
mod grid;

pub(super) use blend::Canvas;
pub(super) use choose::{Decoding, asked, grids};
pub(crate) use choose::{LEAST, SIDES};
pub(crate) use grid::Grid;
