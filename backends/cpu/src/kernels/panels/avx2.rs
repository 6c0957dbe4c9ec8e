//! AVX2 with FMA and F16C: 6 rows of two vectors, with narrow weights widened as they are loaded.

use super::kernel::{Block, Kernel, by_rows, depth};
use crate::tensor::Element;
use half::{bf16, f16};
use std::arch::x86_64::*;
use std::marker::PhantomData;
use tintype_program::DType;

const COLUMNS: usize = 16;
const DEPTH: usize = depth(256);

/// For panels that hold `R`: f32, bf16 or f16. Made only where the machine has the level.
#[derive(Clone, Copy)]
pub(super) struct Avx2<R>(PhantomData<R>);

impl<R> Avx2<R> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// What panels may hold.
pub(super) trait Weight: Element {}
impl Weight for f32 {}
impl Weight for bf16 {}
impl Weight for f16 {}

impl<R: Weight> Kernel for Avx2<R> {
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
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn rows<R: Weight, const N: usize>(block: Block<f32, R>) {
    let (left, right) = (block.left.as_ptr(), block.right.as_ptr());
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for p in 0..block.depth {
        // SAFETY: a depth of the panel has two vectors.
        let weights = unsafe { [load(right.add(p * COLUMNS)), load(right.add(p * COLUMNS + 8))] };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: each row has this depth.
            let x = _mm256_set1_ps(unsafe { *left.add(row * DEPTH + p) });
            sums[0] = _mm256_fmadd_ps(x, weights[0], sums[0]);
            sums[1] = _mm256_fmadd_ps(x, weights[1], sums[1]);
        }
    }
    let to = block.sums.as_mut_ptr();
    for (row, sums) in sums.iter().enumerate() {
        for (column, sum) in sums.iter().enumerate() {
            // SAFETY: the sums have as many rows, of two vectors.
            unsafe {
                let to = to.add(row * block.stride + column * 8);
                let sum = if block.add { _mm256_add_ps(_mm256_loadu_ps(to), *sum) } else { *sum };
                _mm256_storeu_ps(to, sum);
            }
        }
    }
}

/// Widens 8 weights.
///
/// # Safety
///
/// They can be read.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn load<R: Weight>(from: *const R) -> __m256 {
    // SAFETY: 8 elements can be read, and they are of the type that their dtype says.
    unsafe {
        match R::DTYPE {
            DType::Bf16 => {
                let bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(bits))
            }
            DType::F16 => _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
            _ => _mm256_loadu_ps(from.cast()),
        }
    }
}
