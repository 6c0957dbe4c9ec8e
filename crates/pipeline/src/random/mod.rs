//! PyTorch's CPU random numbers, so that one seed gives diffusers' picture.
//!
//! PyTorch draws a different number of bits for each dtype, so the bf16 and f32 draws from one seed are
//! unrelated: the dtype of the draw is part of a picture's identity.

mod mersenne;
mod normal;

pub use normal::{Generator, NoiseDtype};
