//! How far from float64 a result may be, from first principles.
//!
//! An operation on f16 or bf16 accumulates in f32 and rounds once, at its output. Three errors follow:
//!
//! - the rounding at the output: at most one unit roundoff `u` of the dtype, relative to the element itself;
//! - the accumulation: at most `k u32` relative to the sum of the terms' magnitudes for `k` terms in any order
//!   (Higham 2002, equation 3.4). That sum is taken to be of the order of the tensor's largest magnitude, which holds
//!   for the suite's data up to a factor that `k` against the random walk's `sqrt k` more than covers;
//! - functions such as `exp`, which libraries give to a few units in the last place of f32.
//!
//! An element passes where `|got - want| <= element |want| + whole max|want|`, or where the two are closer than the
//! least number that the dtype is trusted to hold: hardware may flush f32 and bf16 below their normal range to zero.

use crate::interpreter::rounding::to_dtype;
use tintype_program::DType;

/// The unit roundoff of f32.
const U32: f64 = 1.0 / (1u64 << 24) as f64;

/// How far a result may be from the interpreter's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Relative to the element itself.
    pub element: f64,
    /// Relative to the largest finite magnitude of the tensor.
    pub whole: f64,
}

/// Half the distance from 1 to the next number of a dtype. Integers have none.
pub fn unit_roundoff(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => U32,
        DType::F16 => f64::powi(2.0, -11),
        DType::Bf16 => f64::powi(2.0, -8),
        DType::I32 | DType::U8 => 0.0,
    }
}

impl Tolerance {
    /// The exact result, rounded correctly: for what only moves, compares or casts elements.
    pub const EXACT: Tolerance = Tolerance { element: 0.0, whole: 0.0 };

    /// One operation that IEEE 754 rounds correctly.
    pub fn rounded(dtype: DType) -> Self {
        Self { element: unit_roundoff(dtype), whole: 0.0 }
    }

    /// A function of one element that the vendor's library gives to `ulps` units in the last place of f32.
    pub fn function(dtype: DType, ulps: u32) -> Self {
        let error = 2.0 * f64::from(ulps) * U32;
        Self { element: unit_roundoff(dtype) + error, whole: error }
    }

    /// A sum of `depth` terms.
    pub fn sum(dtype: DType, depth: usize) -> Self {
        Self { element: unit_roundoff(dtype), whole: (depth as f64 + 2.0) * U32 }
    }

    /// The same, with `roundings` more to `dtype` on the way: of an intermediate result that a kernel keeps in the
    /// dtype, or of the operations before the last.
    pub fn and_roundings(self, dtype: DType, roundings: u32) -> Self {
        Self { whole: self.whole + 2.0 * f64::from(roundings) * unit_roundoff(dtype), ..self }
    }

    /// The error of one element as a fraction of what is allowed: at most 1 passes, infinity is no number where one
    /// is wanted.
    pub fn fraction(&self, got: f64, want: f64, largest: f64, dtype: DType) -> f64 {
        let rounded = to_dtype(want, dtype);
        if got == rounded || (got.is_nan() && want.is_nan()) {
            return 0.0;
        }
        let least = match dtype {
            DType::F32 | DType::Bf16 => f64::from(f32::MIN_POSITIVE),
            DType::F16 => f64::powi(2.0, -24),
            DType::I32 | DType::U8 => 0.0,
        };
        let exact = *self == Self::EXACT || !dtype.is_float();
        let allowed = if exact { 0.0 } else { self.element * want.abs() + self.whole * largest + least };
        let error = (got - want).abs();
        // Too large for the dtype by no more than is allowed: infinity is as good as the largest number.
        if got.is_infinite() && want.is_finite() {
            let nearest = to_dtype(want + allowed.copysign(got), dtype);
            return if !exact && nearest == got { 1.0 } else { f64::INFINITY };
        }
        let fraction = error / allowed;
        if fraction.is_nan() { f64::INFINITY } else { fraction }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_fractions_of_what_is_allowed() {
        let t = Tolerance::rounded(DType::Bf16);
        assert_eq!(t.fraction(1.0, 1.0, 1.0, DType::Bf16), 0.0);
        assert!(t.fraction(1.0, 1.0 + f64::powi(2.0, -8), 1.0, DType::Bf16) <= 1.0);
        assert!(t.fraction(1.0, 1.01, 1.0, DType::Bf16) > 1.0);
        assert_eq!(t.fraction(f64::NAN, 1.0, 1.0, DType::F32), f64::INFINITY);
        assert_eq!(t.fraction(f64::NAN, f64::NAN, 1.0, DType::F32), 0.0);
        assert_eq!(t.fraction(f64::INFINITY, 1.0, 1.0, DType::F32), f64::INFINITY);
        assert_eq!(t.fraction(f64::INFINITY, 1e6, 1.0, DType::F16), 0.0);
    }

    #[test]
    fn exact_is_exact_after_rounding_to_the_dtype() {
        let t = Tolerance::EXACT;
        assert_eq!(t.fraction(f64::from(0.1f32), 0.1, 1.0, DType::F32), 0.0);
        assert!(t.fraction(0.1, 0.1, 1.0, DType::F32) > 1.0);
        assert!(t.fraction(3.0, 4.0, 9.0, DType::I32) > 1.0);
    }
}
