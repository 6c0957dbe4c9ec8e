//! Activations, and enlarging.

use crate::{DType, GeluForm, Result, Unary, Value};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

pub(super) fn gelu(x: &Value, form: GeluForm) -> Result<Value> {
    let wide = x.cast(DType::F32)?;
    let gate = match form {
        GeluForm::Erf => (&(&(&wide * FRAC_1_SQRT_2)?.unary(Unary::Erf)? + 1.0)? * 0.5)?,
        GeluForm::Tanh => {
            let cube = (&(&wide * &wide)? * &wide)?;
            let inner = (&(&wide + &(&cube * 0.044715)?)? * FRAC_2_PI.sqrt())?;
            (&(&inner.unary(Unary::Tanh)? + 1.0)? * 0.5)?
        }
        GeluForm::Quick => (&wide * 1.702)?.unary(Unary::Sigmoid)?,
    };
    (&wide * &gate)?.cast(x.dtype())
}

pub(super) fn silu(x: &Value) -> Result<Value> {
    let wide = x.cast(DType::F32)?;
    (&wide * &wide.unary(Unary::Sigmoid)?)?.cast(x.dtype())
}

/// Each spatial axis in turn: `[.., s, ..]` to `[.., s, factor, ..]` to `[.., s * factor, ..]`, outer axes as one so
/// that the rank stays within bounds.
pub(super) fn upsample(x: &Value, factors: &[usize]) -> Result<Value> {
    let mut y = x.clone();
    for (i, &factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 1) {
        let mut shape = y.shape().to_vec();
        let outer = shape[..=i + 2].iter().product();
        let inner = shape[i + 3..].iter().product();
        let repeated = y.reshape(&[outer, 1, inner])?.broadcast_to(&[outer, factor, inner])?;
        shape[i + 2] *= factor;
        y = repeated.reshape(&shape)?;
    }
    Ok(y)
}
