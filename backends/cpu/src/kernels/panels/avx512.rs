//! AVX-512 without BF16: 12 rows of two vectors, with narrow weights widened as they are loaded.

use super::kernel::{Block, Kernel, by_rows, depth};
use crate::tensor::Element;
use half::{bf16, f16};
use std::arch::x86_64::*;
use std::marker::PhantomData;
use tintype_program::DType;

const COLUMNS: usize = 32;
const DEPTH: usize = depth(256);

/// For panels that hold `R`: f32, bf16 or f16. Made only where the machine has the level.
#[derive(Clone, Copy)]
pub(super) struct Avx512<R>(PhantomData<R>);

impl<R> Avx512<R> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// What panels may hold.
pub(super) trait Weight: Element {}
impl Weight for f32 {}
impl Weight for bf16 {}
impl Weight for f16 {}

impl<R: Weight> Kernel for Avx512<R> {
    type Left = f32;
    type Right = R;
    const ROWS: usize = 12;
    const COLUMNS: usize = COLUMNS;
    const GROUP: usize = 1;
    const DEPTH: usize = DEPTH;

    fn multiply(self, block: Block<f32, R>) {
        block.check::<Self>();
        // SAFETY: the kernel is chosen only where the machine has the instructions, and everything that it touches lies in
        // the slices, as was just checked.
        unsafe { by_rows!(block.rows, [1 2 3 4 5 6 7 8 9 10 11 12], N => rows::<R, N>(block)) }
    }
}

/// # Safety
///
/// The block has been checked, and has `N` rows.
#[target_feature(enable = "avx512f")]
unsafe fn rows<R: Weight, const N: usize>(block: Block<f32, R>) {
    let (left, right) = (block.left.as_ptr(), block.right.as_ptr());
    let (mut ahead, each) = (block.ahead.as_ptr().cast::<i8>(), block.ahead_each(block.depth));
    let mut sums = [[_mm512_setzero_ps(); 2]; N];
    for p in 0..block.depth {
        // Nothing is read: an address that is none does nothing.
        _mm_prefetch::<_MM_HINT_T1>(ahead);
        ahead = ahead.wrapping_add(each);
        // SAFETY: a depth of the panel has two vectors.
        let weights = unsafe { [load(right.add(p * COLUMNS)), load(right.add(p * COLUMNS + 16))] };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: each row has this depth.
            let x = _mm512_set1_ps(unsafe { *left.add(row * DEPTH + p) });
            sums[0] = _mm512_fmadd_ps(x, weights[0], sums[0]);
            sums[1] = _mm512_fmadd_ps(x, weights[1], sums[1]);
        }
    }
    // SAFETY: the sums have as many rows, of two vectors.
    unsafe { store(&sums, block.sums, block.stride, block.add) };
}

/// Widens 16 weights.
///
/// # Safety
///
/// They can be read.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load<R: Weight>(from: *const R) -> __m512 {
    // SAFETY: 16 elements can be read, and they are of the type that their dtype says.
    unsafe {
        match R::DTYPE {
            DType::Bf16 => {
                let bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits))
            }
            DType::F16 => _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())),
            _ => _mm512_loadu_ps(from.cast()),
        }
    }
}

/// Stores sums in rows `stride` apart, or adds them to what is there.
///
/// # Safety
///
/// `to` has `N` such rows, the last one of two vectors at least.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store<const N: usize>(
    sums: &[[__m512; 2]; N],
    to: &mut [f32],
    stride: usize,
    add: bool,
) {
    let to = to.as_mut_ptr();
    for (row, sums) in sums.iter().enumerate() {
        for (column, sum) in sums.iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe {
                let to = to.add(row * stride + column * 16);
                let sum = if add { _mm512_add_ps(_mm512_loadu_ps(to), *sum) } else { *sum };
                _mm512_storeu_ps(to, sum);
            }
        }
    }
}
