//! The innermost loops of attention: tiles of products, and rows of scores made weights.

use crate::level::Level;

/// How tiles are computed on one machine, for one dtype. It can only be made where the machine has the instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

impl Tile {
    /// The tiles of a level; `pairs` asks for words of two bf16, which not every level has.
    pub fn new(level: Level, pairs: bool) -> Self {
        let level = if level.is_supported() { level } else { Level::Portable };
        let kind = match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16 if pairs => Kind::Avx512Bf16,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx512Bf16 => Kind::Avx512,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Kind::Avx2,
            _ => Kind::Portable,
        };
        // Read on machines whose levels all take f32.
        let _ = pairs;
        Self { kind }
    }

    /// Whether a word is two bf16 rather than one f32.
    pub fn pairs(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.kind == Kind::Avx512Bf16;
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// A tile's rows and columns.
    pub fn extents(self) -> [usize; 2] {
        match self.kind {
            Kind::Portable => [4, 16],
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => [6, 16],
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 | Kind::Avx512Bf16 => [12, 32],
        }
    }

    /// `c = a b`, or `c += a b`, of one tile: `a` has rows `strides[0]` words apart and `steps` words long, `b` is `steps`
    /// lines of a word a column, the rows of `c` lie `strides[1]` apart.
    #[inline(always)]
    pub fn multiply(
        self,
        steps: usize,
        a: &[f32],
        b: &[f32],
        c: &mut [f32],
        strides: [usize; 2],
        accumulate: bool,
    ) {
        let [rows, columns] = self.extents();
        assert!((rows - 1) * strides[0] + steps <= a.len(), "the left rows are shorter than their extents");
        assert!(steps * columns <= b.len(), "the right panel is shorter than its extents");
        assert!((rows - 1) * strides[1] + columns <= c.len(), "the tile is shorter than its extents");
        match self.kind {
            Kind::Portable => portable(steps, a, b, c, strides, accumulate),
            // SAFETY: the kind is made only where the machine has the instructions, and the slices hold the tile, as was
            // just checked.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::avx2(steps, a, b, c, strides, accumulate) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::avx512(steps, a, b, c, strides, accumulate) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Bf16 => unsafe { x86::avx512bf16(steps, a, b, c, strides, accumulate) },
        }
    }

    /// Scales scores, of which `len` count and the others get no weight, and finds the largest, `before` included.
    pub fn scale(self, scores: &mut [f32], len: usize, scale: f32, mask: Option<&[f32]>, before: f32) -> f32 {
        scores[len..].fill(f32::NEG_INFINITY);
        let (counted, columns) = (&mut scores[..len], mask.map(|mask| &mask[..len]));
        match self.kind {
            Kind::Portable => scaled(counted, scale, columns, before),
            // SAFETY: the kind is made only where the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::scaled_avx2(counted, scale, columns, before) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 | Kind::Avx512Bf16 => unsafe { x86::scaled_avx512(counted, scale, columns, before) },
        }
    }

    /// Replaces scores by `e^(score - shift)` and returns their sum. Words of two bf16 fill the first half of the row,
    /// and it is those rounded weights that are summed. A row has whole tiles of columns.
    pub fn weigh(self, scores: &mut [f32], shift: f32) -> f32 {
        assert!(scores.len().is_multiple_of(self.extents()[1]), "a row is not of whole tiles");
        match self.kind {
            Kind::Portable => weighed(scores, shift),
            // SAFETY: the kind is made only where the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::weighed_avx2(scores, shift) },
            // SAFETY: as above, and the row has whole vectors.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::weighed_avx512(scores, shift) },
            // SAFETY: as above; what has AVX-512 BF16 has what the rest of the function needs.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Bf16 => unsafe { x86::weighed_avx512bf16(scores, shift) },
        }
    }
}

fn portable(steps: usize, a: &[f32], b: &[f32], c: &mut [f32], [across, row]: [usize; 2], accumulate: bool) {
    let mut sums = [[0f32; 16]; 4];
    for (step, b) in b.chunks_exact(16).take(steps).enumerate() {
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = a[i * across + step];
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for (c, sum) in c[i * row..i * row + 16].iter_mut().zip(sums) {
            *c = if accumulate { *c + sum } else { *sum };
        }
    }
}

#[inline(always)]
fn scaled(scores: &mut [f32], scale: f32, mask: Option<&[f32]>, before: f32) -> f32 {
    match mask {
        Some(mask) => scores.iter_mut().zip(mask).for_each(|(s, m)| *s = *s * scale + *m),
        None => scores.iter_mut().for_each(|s| *s *= scale),
    }
    let mut lanes = [before; 16];
    let whole = scores.chunks_exact(16);
    let rest = whole.remainder();
    // NaN is passed over here; it comes back from the exponential.
    let larger = |a: &mut f32, b: &f32| *a = if *b > *a { *b } else { *a };
    for chunk in whole {
        lanes.iter_mut().zip(chunk).for_each(|(a, b)| larger(a, b));
    }
    lanes.iter_mut().zip(rest).for_each(|(a, b)| larger(a, b));
    lanes.iter().fold(before, |a, b| if *b > a { *b } else { a })
}

#[inline(always)]
fn weighed(scores: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0f32; 16];
    for chunk in scores.chunks_exact_mut(16) {
        for (lane, score) in lanes.iter_mut().zip(chunk) {
            *score = crate::kernels::math::exp(*score - shift);
            *lane += *score;
        }
    }
    lanes.iter().sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// As [`super::scaled`].
    #[target_feature(enable = "avx2,fma")]
    pub fn scaled_avx2(scores: &mut [f32], scale: f32, mask: Option<&[f32]>, before: f32) -> f32 {
        super::scaled(scores, scale, mask, before)
    }

    /// As [`super::scaled`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub fn scaled_avx512(scores: &mut [f32], scale: f32, mask: Option<&[f32]>, before: f32) -> f32 {
        super::scaled(scores, scale, mask, before)
    }

    /// As [`super::weighed`].
    #[target_feature(enable = "avx2,fma")]
    pub fn weighed_avx2(scores: &mut [f32], shift: f32) -> f32 {
        super::weighed(scores, shift)
    }

    /// As [`weighed_avx512`], stored as bf16.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
    pub fn weighed_avx512bf16(scores: &mut [f32], shift: f32) -> f32 {
        let len = scores.len();
        let row = scores.as_mut_ptr();
        let zero = _mm512_setzero_ps();
        let (mut low, mut high) = (zero, zero);
        for at in (0..len - len % 32).step_by(32) {
            // SAFETY: elements `at..at + 32` lie in the row; they are read before words `at / 2..at / 2 + 16`, which are
            // none of a later step's elements, are written.
            unsafe {
                let a = exp(_mm512_sub_ps(_mm512_loadu_ps(row.add(at)), _mm512_set1_ps(shift)));
                let b = exp(_mm512_sub_ps(_mm512_loadu_ps(row.add(at + 16)), _mm512_set1_ps(shift)));
                let words = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(b, a));
                _mm512_storeu_ps(row.add(at / 2), _mm512_castsi512_ps(words));
                low = _mm512_add_ps(low, _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words)));
                let upper = _mm512_and_si512(words, _mm512_set1_epi32(0xffff_0000_u32 as i32));
                high = _mm512_add_ps(high, _mm512_castsi512_ps(upper));
            }
        }
        _mm512_reduce_add_ps(_mm512_add_ps(low, high))
    }

    /// As [`super::weighed`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub fn weighed_avx512(scores: &mut [f32], shift: f32) -> f32 {
        let len = scores.len();
        let row = scores.as_mut_ptr();
        let (mut low, mut high) = (_mm512_setzero_ps(), _mm512_setzero_ps());
        for at in (0..len - len % 32).step_by(32) {
            // SAFETY: elements `at..at + 32` lie in the row.
            unsafe {
                let a = exp(_mm512_sub_ps(_mm512_loadu_ps(row.add(at)), _mm512_set1_ps(shift)));
                let b = exp(_mm512_sub_ps(_mm512_loadu_ps(row.add(at + 16)), _mm512_set1_ps(shift)));
                _mm512_storeu_ps(row.add(at), a);
                _mm512_storeu_ps(row.add(at + 16), b);
                low = _mm512_add_ps(low, a);
                high = _mm512_add_ps(high, b);
            }
        }
        _mm512_reduce_add_ps(_mm512_add_ps(low, high))
    }

    /// `e^x`, as [`crate::kernels::math::exp`] but with fused products and one step to the power of two.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn exp(x: __m512) -> __m512 {
        let set = |v: f32| _mm512_set1_ps(v);
        // The second operand is the result where either is NaN.
        let x = _mm512_min_ps(set(89.0), _mm512_max_ps(set(-104.0), x));
        let n = _mm512_roundscale_ps::<0>(_mm512_mul_ps(x, set(std::f32::consts::LOG2_E)));
        let r = _mm512_fnmadd_ps(n, set(0.693_359_4), x);
        let r = _mm512_fmadd_ps(n, set(2.121_944_4e-4), r);
        let p = _mm512_fmadd_ps(set(1.987_569_1e-4), r, set(1.398_199_9e-3));
        let p = _mm512_fmadd_ps(p, r, set(8.333_452e-3));
        let p = _mm512_fmadd_ps(p, r, set(4.166_579_6e-2));
        let p = _mm512_fmadd_ps(p, r, set(1.666_666_5e-1));
        let p = _mm512_fmadd_ps(p, r, set(0.5));
        let p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r);
        _mm512_scalef_ps(_mm512_add_ps(p, set(1.0)), n)
    }

    /// Six rows of two vectors.
    ///
    /// # Safety
    ///
    /// The slices hold the tile.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn avx2(
        steps: usize,
        a: &[f32],
        b: &[f32],
        c: &mut [f32],
        [across, row]: [usize; 2],
        accumulate: bool,
    ) {
        let mut sums = [[_mm256_setzero_ps(); 2]; 6];
        let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
        // SAFETY: rows of `a` have `steps` words, `b` has `steps` lines of 16, and rows of `c` have 16 elements, all
        // within their slices, by this function's contract.
        unsafe {
            for step in 0..steps {
                let line = [_mm256_loadu_ps(b.add(step * 16)), _mm256_loadu_ps(b.add(step * 16 + 8))];
                for (i, sums) in sums.iter_mut().enumerate() {
                    let a = _mm256_broadcast_ss(&*a.add(i * across + step));
                    sums[0] = _mm256_fmadd_ps(a, line[0], sums[0]);
                    sums[1] = _mm256_fmadd_ps(a, line[1], sums[1]);
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                for (j, sum) in sums.iter().enumerate() {
                    let c = c.add(i * row + j * 8);
                    let sum = if accumulate { _mm256_add_ps(_mm256_loadu_ps(c), *sum) } else { *sum };
                    _mm256_storeu_ps(c, sum);
                }
            }
        }
    }

    /// Twelve rows of two vectors, a word of `a` broadcast and multiplied with a line of `b` by `$dot`.
    macro_rules! tile {
        ($name:ident, $features:literal, |$sum:ident, $a:ident, $b:ident| $dot:expr) => {
            /// Twelve rows of two vectors.
            ///
            /// # Safety
            ///
            /// The slices hold the tile.
            #[target_feature(enable = $features)]
            pub unsafe fn $name(
                steps: usize,
                a: &[f32],
                b: &[f32],
                c: &mut [f32],
                [across, row]: [usize; 2],
                accumulate: bool,
            ) {
                let mut sums = [[_mm512_setzero_ps(); 2]; 12];
                let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
                // SAFETY: rows of `a` have `steps` words, `b` has `steps` lines of 32, and rows of `c` have 32 elements,
                // all within their slices, by this function's contract.
                unsafe {
                    for step in 0..steps {
                        let line = b.add(step * 32);
                        let line = [_mm512_loadu_ps(line), _mm512_loadu_ps(line.add(16))];
                        for (i, sums) in sums.iter_mut().enumerate() {
                            let $a = _mm512_set1_ps(*a.add(i * across + step));
                            for ($sum, $b) in sums.iter_mut().zip(line) {
                                *$sum = $dot;
                            }
                        }
                    }
                    for (i, sums) in sums.iter().enumerate() {
                        for (j, sum) in sums.iter().enumerate() {
                            let c = c.add(i * row + j * 16);
                            let sum = if accumulate { _mm512_add_ps(_mm512_loadu_ps(c), *sum) } else { *sum };
                            _mm512_storeu_ps(c, sum);
                        }
                    }
                }
            }
        };
    }

    tile!(avx512, "avx512f,avx512bw,avx512vl,avx512dq", |sum, a, b| _mm512_fmadd_ps(a, b, *sum));
    tile!(avx512bf16, "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16", |sum, a, b| {
        _mm512_dpbf16_ps(
            *sum,
            std::mem::transmute::<__m512, __m512bh>(a),
            std::mem::transmute::<__m512, __m512bh>(b),
        )
    });
}
