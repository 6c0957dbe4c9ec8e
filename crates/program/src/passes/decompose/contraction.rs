//! The linear layer.

use super::fp8;
use crate::{Activation, DType, Result, Value};

/// `x weight^T + bias`, the outer axes of `x` taken as one.
pub(super) fn linear(
    x: &Value,
    weight: &Value,
    bias: Option<&Value>,
    activation: Activation,
    encoded: bool,
) -> Result<Value> {
    let dtype = x.dtype();
    let weight = if encoded { weight.decode()? } else { weight.clone() };
    let (outputs, columns) = (weight.shape()[0], weight.shape()[1]);
    let mut shape = x.shape().to_vec();
    shape.pop();
    let rows = shape.iter().product();
    let x = x.reshape(&[rows, columns])?;
    // A bare product rounds once as it is; casting its operands would only copy the weight at twice its size.
    let wide = bias.is_some() || activation == Activation::DynamicFp8;
    let compute = if wide { DType::F32 } else { dtype };
    let x = match activation {
        Activation::Keep => x.cast(compute)?,
        Activation::DynamicFp8 => fp8::round_rows(&x.cast(compute)?)?,
    };
    let mut y = x.matmul(&weight.cast(compute)?.transpose(&[1, 0])?)?;
    if let Some(bias) = bias {
        y = (&y + &bias.cast(compute)?)?;
    }
    shape.push(outputs);
    y.cast(dtype)?.reshape(&shape)
}
