//! Normal numbers as `torch.randn` draws them on the CPU.
//!
//! Source: ATen's `native/cpu/DistributionTemplates.h` and `core/DistributionsHelper.h` (torch 2.11). From 16
//! values on, PyTorch fills the tensor with uniform numbers and turns each block of 16 into normals by
//! Box-Muller, eight pairs a block; a remainder redraws the last 16 as one block. Below 16 it draws one by one in
//! double precision and keeps the second of each pair for the next call.

use super::mersenne::Mersenne;
use half::{bf16, f16};
use std::f64::consts::TAU;

/// The dtype in which noise is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoiseDtype {
    /// 32-bit floats: 24-bit uniforms.
    F32,
    /// bfloat16: 8-bit uniforms, every intermediate rounded to bfloat16.
    BF16,
    /// IEEE half: 11-bit uniforms, every intermediate rounded to half.
    F16,
}

impl NoiseDtype {
    /// The name on the command line and in a picture's file.
    pub const fn name(self) -> &'static str {
        match self {
            NoiseDtype::F32 => "f32",
            NoiseDtype::BF16 => "bf16",
            NoiseDtype::F16 => "f16",
        }
    }

    /// The dtype of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [NoiseDtype::F32, NoiseDtype::BF16, NoiseDtype::F16].into_iter().find(|dtype| dtype.name() == name)
    }

    /// Significand bits, the hidden one included: as many random bits make a uniform number.
    fn digits(self) -> u32 {
        match self {
            NoiseDtype::F32 => 24,
            NoiseDtype::BF16 => 8,
            NoiseDtype::F16 => 11,
        }
    }

    /// The nearest number of this dtype. PyTorch converts through f32, so twice rounded is right here.
    fn round(self, value: f32) -> f32 {
        match self {
            NoiseDtype::F32 => value,
            NoiseDtype::BF16 => bf16::from_f32(value).to_f32(),
            NoiseDtype::F16 => f16::from_f32(value).to_f32(),
        }
    }
}

/// PyTorch's CPU generator: `torch.Generator().manual_seed(seed)`. Draws carry state from call to call.
#[derive(Clone)]
pub struct Generator {
    engine: Mersenne,
    /// The second of a pair drawn one by one, kept for the next such draw as PyTorch keeps it.
    kept: Option<f64>,
}

impl Generator {
    /// A generator in the state that `manual_seed(seed)` leaves. Only the low 32 bits of the seed count.
    pub fn new(seed: u64) -> Self {
        Generator { engine: Mersenne::new(seed), kept: None }
    }

    /// `count` standard normal numbers, as `torch.randn(count, dtype=…)` gives them, widened to f32.
    ///
    /// Every value is exactly representable in `dtype`. bf16 and f16 equal PyTorch bit for bit; f32 lies within
    /// 4e-6, since PyTorch's AVX2 code approximates sine and logarithm.
    pub fn randn(&mut self, dtype: NoiseDtype, count: usize) -> Vec<f32> {
        if count < 16 {
            return (0..count).map(|_| dtype.round(self.one_normal() as f32)).collect();
        }
        let mut values: Vec<f32> = (0..count).map(|_| self.uniform(dtype)).collect();
        for block in values.chunks_exact_mut(16) {
            box_muller(dtype, block);
        }
        if !count.is_multiple_of(16) {
            let tail = &mut values[count - 16..];
            tail.fill_with(|| self.uniform(dtype));
            box_muller(dtype, tail);
        }
        values
    }

    /// Uniform in [0, 1), a multiple of 2^-digits: exact in `dtype`.
    fn uniform(&mut self, dtype: NoiseDtype) -> f32 {
        let digits = dtype.digits();
        let bits = self.engine.next_u32() & ((1 << digits) - 1);
        bits as f32 / (1u32 << digits) as f32
    }

    /// Uniform in [0, 1) with 53 bits.
    fn uniform_f64(&mut self) -> f64 {
        let bits = self.engine.next_u64() & ((1 << 53) - 1);
        bits as f64 / (1u64 << 53) as f64
    }

    fn one_normal(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let u1 = self.uniform_f64();
        let u2 = self.uniform_f64();
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let (sin, cos) = (TAU * u1).sin_cos();
        self.kept = Some(radius * sin);
        radius * cos
    }
}

/// Turns a block of 16 uniforms into normals in place: value j with value j + 8, for j below 8.
fn box_muller(dtype: NoiseDtype, block: &mut [f32]) {
    let (left, right) = block.split_at_mut(8);
    // Functions are evaluated in f64 and rounded: the same on every platform, unlike libm's f32 functions.
    let round = |x: f64| dtype.round(x as f32);
    for (a, b) in left.iter_mut().zip(right) {
        let log = round(f64::from(1.0 - *a).ln());
        let radius = round(f64::from(dtype.round(-2.0 * log)).sqrt());
        // f32 multiplies by 2π rounded to f32; bf16 and f16 multiply in double and round once.
        let angle = match dtype {
            NoiseDtype::F32 => TAU as f32 * *b,
            NoiseDtype::BF16 | NoiseDtype::F16 => round(TAU * f64::from(*b)),
        };
        let (sin, cos) = f64::from(angle).sin_cos();
        // Adding the mean of zero turns -0 into +0, as PyTorch's addition does.
        *a = dtype.round(radius * round(cos)) + 0.0;
        *b = dtype.round(radius * round(sin)) + 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_dtype() {
        for dtype in [NoiseDtype::F32, NoiseDtype::BF16, NoiseDtype::F16] {
            for count in [0, 1, 15, 16, 17, 31, 1000] {
                let values = Generator::new(3).randn(dtype, count);
                assert_eq!(values.len(), count);
                assert!(values.iter().all(|&v| v.is_finite() && dtype.round(v) == v));
            }
        }
    }

    // tests/golden_random.rs compares with PyTorch; these are properties.

    #[test]
    fn draws_continue_from_one_another() {
        let whole = Generator::new(9).randn(NoiseDtype::F32, 6);
        let mut parts = Generator::new(9);
        let parts: Vec<f32> = [1, 3, 2].into_iter().flat_map(|n| parts.randn(NoiseDtype::F32, n)).collect();
        assert_eq!(whole, parts);
        let mut generator = Generator::new(9);
        assert_ne!(generator.randn(NoiseDtype::BF16, 64), generator.randn(NoiseDtype::BF16, 64));
    }

    #[test]
    fn a_large_draw_is_standard_normal() {
        for dtype in [NoiseDtype::F32, NoiseDtype::BF16, NoiseDtype::F16] {
            let values = Generator::new(5).randn(dtype, 100_000);
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e5;
            let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 1e5 - mean * mean;
            assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{dtype:?} {mean} {variance}");
        }
    }
}
