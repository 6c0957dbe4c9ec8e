//! Rounding to OCP E4M3, written in f32 arithmetic that is exact at every step that decides a rounding.

use crate::{Binary, DType, Reduce, Result, Unary, Value};

/// The largest magnitude of E4M3.
const LARGEST: f64 = 448.0;
/// The exponent below which E4M3 is subnormal.
const LEAST_EXPONENT: f64 = -6.0;
/// Stands in for a row's scale where the row is all zero.
const LEAST_SCALE: f64 = 1e-30;

/// Each row of `x: f32[rows, columns]` divided by `absmax / 448`, rounded to E4M3, and multiplied back.
pub(super) fn round_rows(x: &Value) -> Result<Value> {
    if x.shape()[1] == 0 {
        return Ok(x.clone());
    }
    let largest = x.unary(Unary::Abs)?.reduce(Reduce::Max, &[1])?;
    let scale = (&largest / LARGEST)?.binary_scalar(Binary::Max, LEAST_SCALE)?;
    &round(&(x / &scale)?)? * &scale
}

/// The nearest E4M3 value, ties to even, of magnitudes up to 448.
pub(super) fn round(x: &Value) -> Result<Value> {
    // The binade, by a logarithm. Where that errs, next to a power of two, both steps give that power.
    let magnitude = x.unary(Unary::Abs)?.binary_scalar(Binary::Max, LEAST_EXPONENT.exp2())?;
    let log = (&magnitude.unary(Unary::Log)? * std::f64::consts::LOG2_E)?;
    // Shifted to be positive, where truncating is rounding down.
    let exponent = &truncate(&(&log - (LEAST_EXPONENT - 1.0))?)? + (LEAST_EXPONENT - 1.0);
    // Three bits of mantissa. bf16 rounds what an exponential gives to the power of two that it must be.
    let step = (&(&exponent? - 3.0)? * std::f64::consts::LN_2)?.unary(Unary::Exp)?;
    let step = step.cast(DType::Bf16)?.cast(DType::F32)?;
    let scaled = (x / &step)?;
    let whole = truncate(&scaled)?;
    // Twice the fraction is exact, unlike the fraction plus a half.
    let twice = (&(&scaled - &whole)? * 2.0)?;
    let away = truncate(&twice)?;
    // At a half or more the remainder is zero or at least 2^-23.
    let beyond = (&(&twice - &away)?.unary(Unary::Abs)? * 24f64.exp2())?.binary_scalar(Binary::Min, 1.0)?;
    let even = (&truncate(&(&whole * 0.5)?)? * 2.0)?;
    let odd = (&whole - &even)?.unary(Unary::Abs)?;
    let rounded = (&whole + &(&away * &beyond.binary(Binary::Max, &odd)?)?)?;
    &rounded * &step
}

/// Rounded towards zero.
fn truncate(x: &Value) -> Result<Value> {
    x.cast(DType::I32)?.cast(DType::F32)
}
