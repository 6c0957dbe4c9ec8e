//! NEON: 6 rows of four vectors, with bf16 weights widened as they are loaded.

use super::kernel::{Block, Kernel, by_rows};
use crate::tensor::Element;
use half::bf16;
use std::arch::aarch64::*;
use std::marker::PhantomData;
use tintype_program::DType;

const COLUMNS: usize = 16;
const DEPTH: usize = 256;

/// For panels that hold `R`: f32 or bf16. Made only where the machine has the level.
#[derive(Clone, Copy)]
pub(super) struct Neon<R>(PhantomData<R>);

impl<R> Neon<R> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// What panels may hold.
pub(super) trait Weight: Element {}
impl Weight for f32 {}
impl Weight for bf16 {}

impl<R: Weight> Kernel for Neon<R> {
    type Left = f32;
    type Right = R;
    const ROWS: usize = 6;
    const COLUMNS: usize = COLUMNS;
    const GROUP: usize = 1;
    const DEPTH: usize = DEPTH;

    fn multiply(self, block: Block<f32, R>) {
        block.check::<Self>();
        // SAFETY: the kernel is chosen only where the machine has the instructions, and everything that it touches lies in
        // the slices, as was just checked.
        unsafe { by_rows!(block.rows, [1 2 3 4 5 6], N => rows::<R, N>(block)) }
    }
}

/// # Safety
///
/// The block has been checked, and has `N` rows.
#[target_feature(enable = "neon")]
unsafe fn rows<R: Weight, const N: usize>(block: Block<f32, R>) {
    let (left, right) = (block.left.as_ptr(), block.right.as_ptr());
    let mut sums = [[vdupq_n_f32(0.0); 4]; N];
    for p in 0..block.depth {
        // SAFETY: a depth of the panel has four vectors.
        let weights = unsafe {
            let at = right.add(p * COLUMNS);
            [load(at), load(at.add(4)), load(at.add(8)), load(at.add(12))]
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: each row has this depth.
            let x = unsafe { vld1q_dup_f32(left.add(row * DEPTH + p)) };
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = vfmaq_f32(*sum, x, weights);
            }
        }
    }
    let to = block.sums.as_mut_ptr();
    for (row, sums) in sums.iter().enumerate() {
        for (column, sum) in sums.iter().enumerate() {
            // SAFETY: the sums have as many rows, of four vectors.
            unsafe {
                let to = to.add(row * block.stride + column * 4);
                let sum = if block.add { vaddq_f32(vld1q_f32(to), *sum) } else { *sum };
                vst1q_f32(to, sum);
            }
        }
    }
}

/// Widens 4 weights.
///
/// # Safety
///
/// They can be read.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn load<R: Weight>(from: *const R) -> float32x4_t {
    // SAFETY: 4 elements can be read, and they are of the type that their dtype says.
    unsafe {
        match R::DTYPE {
            DType::Bf16 => vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(from.cast()))),
            _ => vld1q_f32(from.cast()),
        }
    }
}
