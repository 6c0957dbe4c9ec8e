//! Rounding float64 to narrower formats, and reading and writing their bytes.

use tintype_program::DType;

/// Whether results are rounded to their declared dtypes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Never: what the Program means, as mathematics. Casts between floating-point types do nothing; casts to
    /// integers truncate and saturate; constants are what their dtype holds.
    #[default]
    None,
    /// Every operation's result is rounded once to its declared dtype, to nearest, ties to even.
    Declared,
}

/// A binary floating-point format, as rounding sees it.
pub(crate) struct Format {
    /// Bits of the significand, the implicit one included.
    pub precision: i32,
    /// The exponent of the smallest normal number.
    pub least_exponent: i32,
    /// The largest finite number.
    pub largest: f64,
}

pub(crate) const F32: Format = Format { precision: 24, least_exponent: -126, largest: f32::MAX as f64 };
pub(crate) const F16: Format = Format { precision: 11, least_exponent: -14, largest: 65_504.0 };
pub(crate) const BF16: Format =
    Format { precision: 8, least_exponent: -126, largest: 3.389_531_389_251_535_5e38 };
pub(crate) const E4M3: Format = Format { precision: 4, least_exponent: -6, largest: 448.0 };

impl Format {
    /// The nearest number of the format, ties to even; beyond the largest, infinity.
    ///
    /// Written out rather than taken from a library, because libraries round float64 to f16 by way of f32, which
    /// rounds twice.
    pub(crate) fn round(&self, x: f64) -> f64 {
        let nearest = self.nearest(x);
        if nearest.abs() > self.largest { f64::INFINITY.copysign(x) } else { nearest }
    }

    /// As [`Format::round`], but the largest number where that would be infinity.
    pub(crate) fn round_saturating(&self, x: f64) -> f64 {
        let nearest = self.nearest(x);
        if nearest.abs() > self.largest { self.largest.copysign(x) } else { nearest }
    }

    fn nearest(&self, x: f64) -> f64 {
        if x == 0.0 || !x.is_finite() {
            return x;
        }
        let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let quantum = f64::powi(2.0, exponent.max(self.least_exponent) - self.precision + 1);
        // Dividing and multiplying by a power of two is exact here: no format reaches float64's ends.
        (x / quantum).round_ties_even() * quantum
    }
}

/// The value of `dtype` that `x` becomes when it is cast: floats to nearest, integers truncated and saturated, NaN
/// to zero.
pub(crate) fn to_dtype(x: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F32 => F32.round(x),
        DType::F16 => F16.round(x),
        DType::Bf16 => BF16.round(x),
        DType::I32 => f64::from(x as i32),
        DType::U8 => f64::from(x as u8),
    }
}

/// The elements of a buffer of `dtype`. A trailing part of an element is left out.
pub fn from_bytes(bytes: &[u8], dtype: DType) -> Vec<f64> {
    let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let half = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
    match dtype {
        DType::F32 => bytes.chunks_exact(4).map(|b| f64::from(f32::from_bits(word(b)))).collect(),
        DType::I32 => bytes.chunks_exact(4).map(|b| f64::from(word(b) as i32)).collect(),
        DType::F16 => bytes.chunks_exact(2).map(|b| half::f16::from_bits(half(b)).to_f64()).collect(),
        DType::Bf16 => bytes.chunks_exact(2).map(|b| half::bf16::from_bits(half(b)).to_f64()).collect(),
        DType::U8 => bytes.iter().map(|&b| f64::from(b)).collect(),
    }
}

/// Elements as a buffer of `dtype`, little-endian, each rounded as a cast would.
pub fn to_bytes(elements: &[f64], dtype: DType) -> Vec<u8> {
    let rounded = elements.iter().map(|&x| to_dtype(x, dtype));
    match dtype {
        DType::F32 => rounded.flat_map(|x| (x as f32).to_le_bytes()).collect(),
        DType::I32 => rounded.flat_map(|x| (x as i32).to_le_bytes()).collect(),
        DType::F16 => rounded.flat_map(|x| half::f16::from_f64(x).to_le_bytes()).collect(),
        DType::Bf16 => rounded.flat_map(|x| half::bf16::from_f64(x).to_le_bytes()).collect(),
        DType::U8 => rounded.map(|x| x as u8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_agree_with_the_bit_patterns_of_every_f16_and_bf16() {
        for bits in 0..=u16::MAX {
            let (a, b) = (half::f16::from_bits(bits).to_f64(), half::bf16::from_bits(bits).to_f64());
            for (x, format) in [(a, F16), (b, BF16)] {
                assert!(x.is_nan() || format.round(x) == x, "{x}");
            }
        }
    }

    #[test]
    fn f32_agrees_with_the_processor() {
        for bits in (0..u64::MAX - (1 << 40)).step_by((1 << 44) + 12_345) {
            let x = f64::from_bits(bits);
            assert!(x.is_nan() || F32.round(x) == f64::from(x as f32), "{x}");
        }
    }

    #[test]
    fn ties_go_to_even_and_are_not_rounded_twice() {
        assert_eq!(F16.round(1.0 + f64::powi(2.0, -11)), 1.0);
        assert_eq!(F16.round(1.0 + 3.0 * f64::powi(2.0, -11)), 1.0 + f64::powi(2.0, -9));
        // By way of f32 this would first become the tie, then 1.
        assert_eq!(F16.round(1.0 + f64::powi(2.0, -11) + f64::powi(2.0, -40)), 1.0 + f64::powi(2.0, -10));
        assert_eq!(F16.round(65_519.9), 65_504.0);
        assert_eq!(F16.round(65_520.0), f64::INFINITY);
        assert_eq!(F16.round(f64::powi(2.0, -25)), 0.0);
        assert_eq!(E4M3.round_saturating(1e9), 448.0);
        assert_eq!(E4M3.round(f64::powi(2.0, -9) * 0.75), f64::powi(2.0, -9));
    }

    #[test]
    fn integers_truncate_and_saturate() {
        assert_eq!(
            [-1.9, 1.9, 3e10, -3e10].map(|x| to_dtype(x, DType::I32)),
            [-1.0, 1.0, 2147483647.0, -2147483648.0]
        );
        assert_eq!([-1.9, 1.9, 300.0].map(|x| to_dtype(x, DType::U8)), [0.0, 1.0, 255.0]);
    }

    #[test]
    fn bytes_round_trip() {
        for dtype in DType::ALL {
            let elements = [0.0, 1.0, 2.0, 77.0, 255.0];
            assert_eq!(from_bytes(&to_bytes(&elements, dtype), dtype), elements);
        }
    }
}
