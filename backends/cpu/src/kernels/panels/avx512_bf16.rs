//! AVX-512 with BF16: each instruction adds two products of bf16 numbers to each of 16 sums.
//!
//! `VDPBF16PS` takes subnormal inputs and results as zero, ignores the rounding mode and raises nothing (Intel 64 and
//! IA-32 Architectures Software Developer's Manual, volume 2).

use super::avx512::store;
use super::kernel::{Block, Kernel, by_rows, depth};
use half::bf16;
use std::arch::x86_64::*;

const COLUMNS: usize = 32;
const DEPTH: usize = depth(512);

/// For panels of bf16 pairs. Made only where the machine has the level.
#[derive(Clone, Copy)]
pub(super) struct Avx512Bf16;

impl Kernel for Avx512Bf16 {
    type Left = bf16;
    type Right = bf16;
    const ROWS: usize = 12;
    const COLUMNS: usize = COLUMNS;
    const GROUP: usize = 2;
    const DEPTH: usize = DEPTH;

    fn multiply(self, block: Block<bf16, bf16>) {
        block.check::<Self>();
        // SAFETY: the kernel is chosen only where the machine has the instructions, and everything that it touches lies in
        // the slices, as was just checked.
        unsafe { by_rows!(block.rows, [1 2 3 4 5 6 7 8 9 10 11 12], N => rows::<N>(block)) }
    }
}

/// # Safety
///
/// The block has been checked, and has `N` rows.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn rows<const N: usize>(block: Block<bf16, bf16>) {
    let (left, right) = (block.left.as_ptr(), block.right.as_ptr());
    let (mut ahead, each) = (block.ahead.as_ptr().cast::<i8>(), block.ahead_each(block.depth / 2));
    let mut sums = [[_mm512_setzero_ps(); 2]; N];
    for p in (0..block.depth).step_by(2) {
        // Nothing is read: an address that is none does nothing.
        _mm_prefetch::<_MM_HINT_T1>(ahead);
        ahead = ahead.wrapping_add(each);
        // SAFETY: two depths of the panel have two vectors of pairs.
        let weights = unsafe { [load(right.add(p * COLUMNS)), load(right.add(p * COLUMNS + 32))] };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: each row has these two depths. They need not be aligned as one number.
            let pair = unsafe { left.add(row * DEPTH + p).cast::<i32>().read_unaligned() };
            // SAFETY: both are 512 bits of which any are valid.
            let x: __m512bh = unsafe { std::mem::transmute(_mm512_set1_epi32(pair)) };
            sums[0] = _mm512_dpbf16_ps(sums[0], x, weights[0]);
            sums[1] = _mm512_dpbf16_ps(sums[1], x, weights[1]);
        }
    }
    // SAFETY: the sums have as many rows, of two vectors.
    unsafe { store(&sums, block.sums, block.stride, block.add) };
}

/// 16 pairs of weights.
///
/// # Safety
///
/// They can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn load(from: *const bf16) -> __m512bh {
    // SAFETY: 32 elements can be read, as the caller promises; both types are 512 bits of which any are valid.
    unsafe { std::mem::transmute(_mm512_loadu_si512(from.cast())) }
}
