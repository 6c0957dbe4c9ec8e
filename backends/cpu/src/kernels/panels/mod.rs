//! Linear layers whose weight was packed once, into the order that the multiplying kernel reads it in.
//!
//! Columns of the result are taken in panels of a kernel's width. A panel holds, for each depth in turn, the weights of
//! its columns side by side; where the kernel sums two products in one instruction, two depths of a column stand
//! together. Panels past the last column, and an odd last depth, are filled up with zeros.
//!
//! | level        | f32 panels hold | bf16                | f16                |
//! |--------------|-----------------|---------------------|--------------------|
//! | `portable`   | f32, 8 wide     | bf16, 8 wide        | f32, 8 wide        |
//! | `neon`       | f32, 16 wide    | bf16, 16 wide       | f32, 16 wide       |
//! | `avx2`       | f32, 16 wide    | bf16, 16 wide       | f16, 16 wide       |
//! | `avx512`     | f32, 32 wide    | bf16, 32 wide       | f16, 32 wide       |
//! | `avx512bf16` | f32, 32 wide    | bf16 pairs, 32 wide | f16, 32 wide       |
//!
//! Narrow weights are widened on the way into the registers, once for all rows of a block: that costs less than reading
//! twice the bytes. Where the widening would be done in software (f16 without an instruction for it), panels are f32.
//!
//! # Bits
//!
//! An element of the result is summed by one accumulator over blocks of [`Kernel::DEPTH`](kernel::Kernel::DEPTH) depths,
//! in order, and the blocks' sums are added in order. That holds for every extent and every tile, so a row of the result
//! has the same bits in any company and on any number of threads. Bits do differ between levels: `portable` rounds every
//! product, the others fuse it with the addition. `avx512bf16` on bf16 takes subnormal numbers as zero, adds the two
//! products of a pair one after the other, each fused, and always rounds to even; all of that is far below half a unit in
//! the last place of the bf16 that the sum is rounded to.

mod blocked;
mod grid;
mod kernel;
mod pack;
mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(test)]
pub(crate) mod tests;

use crate::level::Level;
use crate::tensor::{Element, View};
use tintype_program::DType;

/// A packed weight of `n` columns and depth `k`: what [`pack`] wrote, for the same level and dtype.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels<'a> {
    /// The panels, on a cache line's boundary.
    pub(crate) bytes: &'a [u8],
    /// The weight's rows, which are the columns of the result.
    pub(crate) n: usize,
    /// The depth.
    pub(crate) k: usize,
}

/// How many bytes a weight `[n, k]` takes when packed.
pub(crate) fn packed_bytes(level: Level, dtype: DType, n: usize, k: usize) -> usize {
    kernel::choose(level, dtype, pack::Size { n, k })
}

/// Packs a weight `[n, k]` into [`packed_bytes`] bytes that start on a cache line's boundary.
pub(crate) fn pack<T: Element>(level: Level, weight: &View<T>, packed: &mut [u8]) {
    kernel::choose(level, T::DTYPE, pack::Pack { weight, packed });
}

/// `x: [..., k]` times the transpose of the weight `[n, k]`, plus `bias: [n]`, to `[..., n]`.
pub(crate) fn linear<T: Element>(
    level: Level,
    x: View<T>,
    weight: Panels<'_>,
    bias: Option<View<T>>,
    out: &mut [T],
) {
    kernel::choose(level, T::DTYPE, blocked::Linear { level, x, weight, bias, out });
}
