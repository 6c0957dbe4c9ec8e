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

#[cfg(test)]
mod tests {
    use super::round;
    use crate::trace::fragment;
    use crate::{Binary, DType, Op, TensorType, Unary};

    /// Runs a definition on one number, each operation rounded to its dtype.
    fn evaluate(x: f32) -> f32 {
        let block = fragment("round", &[TensorType::new(DType::F32, [1])], |_, x| round(&x[0])).unwrap();
        let mut values = vec![x; block.values.len()];
        for node in &block.nodes {
            let operand = |i: usize| values[node.inputs[i].index()];
            let result = match node.op {
                Op::Constant { value, .. } => value as f32,
                Op::Broadcast { .. } | Op::Cast { dtype: DType::F32 } => operand(0),
                Op::Cast { dtype: DType::I32 } => operand(0).trunc(),
                Op::Cast { .. } => {
                    let bits = operand(0).to_bits();
                    f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
                }
                Op::Unary { function: Unary::Abs } => operand(0).abs(),
                Op::Unary { function: Unary::Log } => operand(0).ln(),
                Op::Unary { function: Unary::Exp } => operand(0).exp(),
                Op::Binary { function: Binary::Add } => operand(0) + operand(1),
                Op::Binary { function: Binary::Sub } => operand(0) - operand(1),
                Op::Binary { function: Binary::Mul } => operand(0) * operand(1),
                Op::Binary { function: Binary::Div } => operand(0) / operand(1),
                Op::Binary { function: Binary::Max } => operand(0).max(operand(1)),
                Op::Binary { function: Binary::Min } => operand(0).min(operand(1)),
                _ => f32::NAN,
            };
            values[node.outputs[0].index()] = result;
        }
        values[block.outputs[0].value.index()]
    }

    #[test]
    fn rounding_is_to_nearest_and_ties_go_to_even() {
        // Every magnitude of E4M3 by its code: four bits of exponent, three of mantissa.
        let value = |code: u32| match (code >> 3, code & 7) {
            (0, mantissa) => mantissa as f32 / 512.0,
            (exponent, mantissa) => (8 + mantissa) as f32 / 8.0 * (exponent as f32 - 7.0).exp2(),
        };
        assert_eq!((value(126), evaluate(0.0)), (448.0, 0.0));
        for code in 0..126 {
            let (low, high) = (value(code), value(code + 1));
            let middle = (low + high) / 2.0;
            let even = if code % 2 == 0 { low } else { high };
            let cases = [(low, low), (middle.next_down(), low), (middle, even), (middle.next_up(), high)];
            for (x, wanted) in cases.into_iter().chain([(high.next_down(), high), (high.next_up(), high)]) {
                assert_eq!((evaluate(x), evaluate(-x)), (wanted, -wanted), "{x:e}, code {code}");
            }
        }
    }
}
