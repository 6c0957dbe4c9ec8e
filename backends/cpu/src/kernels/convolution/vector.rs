//! Vectors of sums, one type a level.

/// A vector of 4-byte elements, each an f32 or a pair of bf16.
pub(super) trait Vector: Copy {
    /// Elements of a vector.
    const LANES: usize;

    /// Zeros.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn zero() -> Self;

    /// Reads neighbours.
    ///
    /// # Safety
    /// The machine has the instructions, and [`Self::LANES`] elements can be read.
    unsafe fn load(from: *const f32) -> Self;

    /// Reads one element for all lanes.
    ///
    /// # Safety
    /// The machine has the instructions, and one element can be read.
    unsafe fn splat(from: *const f32) -> Self;

    /// `self + a b`.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;

    /// Writes the sums.
    ///
    /// # Safety
    /// The machine has the instructions, and [`Self::LANES`] elements can be written.
    unsafe fn store(self, to: *mut f32);
}

/// Four lanes, for the compiler to make vectors of.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

impl Vector for Portable {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the caller's.
        Self([unsafe { *from }; 4])
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        let mut sum = self;
        for lane in 0..4 {
            // Where it is no instruction, a fused product would be a call.
            sum.0[lane] = if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
                a.0[lane].mul_add(b.0[lane], sum.0[lane])
            } else {
                sum.0[lane] + a.0[lane] * b.0[lane]
            };
        }
        sum
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512, Avx512Bf16};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Vector;
    use std::arch::x86_64::*;

    macro_rules! vector {
        ($name:ident, $type:ty, $lanes:literal, $doc:literal, $zero:ident, $load:ident, $splat:ident, $store:ident,
         |$sum:ident, $a:ident, $b:ident| $add:expr) => {
            #[doc = $doc]
            #[derive(Clone, Copy)]
            pub(in super::super) struct $name($type);

            impl Vector for $name {
                const LANES: usize = $lanes;

                #[inline(always)]
                unsafe fn zero() -> Self {
                    // SAFETY: the caller's.
                    Self(unsafe { $zero() })
                }

                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: the caller's.
                    Self(unsafe { $load(from) })
                }

                #[inline(always)]
                unsafe fn splat(from: *const f32) -> Self {
                    // SAFETY: the caller's.
                    Self(unsafe { $splat(*from) })
                }

                #[inline(always)]
                unsafe fn add_product(self, a: Self, b: Self) -> Self {
                    let ($sum, $a, $b) = (self.0, a.0, b.0);
                    // SAFETY: the caller's; what is cast is as large and any bits are valid.
                    Self(unsafe { $add })
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: the caller's.
                    unsafe { $store(to, self.0) }
                }
            }
        };
    }

    vector!(
        Avx2,
        __m256,
        8,
        "Eight f32.",
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_set1_ps,
        _mm256_storeu_ps,
        |sum, a, b| _mm256_fmadd_ps(a, b, sum)
    );
    vector!(
        Avx512,
        __m512,
        16,
        "Sixteen f32.",
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_set1_ps,
        _mm512_storeu_ps,
        |sum, a, b| _mm512_fmadd_ps(a, b, sum)
    );
    vector!(
        Avx512Bf16,
        __m512,
        16,
        "Sixteen pairs of bf16, or sums of their products in f32.",
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_set1_ps,
        _mm512_storeu_ps,
        |sum, a, b| _mm512_dpbf16_ps(
            sum,
            std::mem::transmute::<__m512, __m512bh>(a),
            std::mem::transmute::<__m512, __m512bh>(b)
        )
    );
}
