//! Normalisations.

use crate::{DType, Reduce, Result, Unary, Value};

/// `x / sqrt(mean(x^2) + eps)` over an axis.
fn scaled_to_unit(x: &Value, axis: usize, eps: f64) -> Result<Value> {
    let mean_square = (x * x)?.reduce(Reduce::Mean, &[axis])?;
    x * &(&mean_square + eps)?.unary(Unary::Rsqrt)?
}

/// Mean zero and variance one over an axis. The variance is that of the centred elements, not a difference of squares.
fn standardised(x: &Value, axis: usize, eps: f64) -> Result<Value> {
    scaled_to_unit(&(x - &x.reduce(Reduce::Mean, &[axis])?)?, axis, eps)
}

/// `y weight + bias`, both read in f32 and as `shape`.
fn affine(y: Value, weight: Option<&Value>, bias: Option<&Value>, shape: &[usize]) -> Result<Value> {
    let mut y = y;
    if let Some(weight) = weight {
        y = (&y * &weight.cast(DType::F32)?.reshape(shape)?)?;
    }
    if let Some(bias) = bias {
        y = (&y + &bias.cast(DType::F32)?.reshape(shape)?)?;
    }
    Ok(y)
}

pub(super) fn layer_norm(x: &Value, weight: Option<&Value>, bias: Option<&Value>, eps: f64) -> Result<Value> {
    let axis = x.shape().len().saturating_sub(1);
    let y = standardised(&x.cast(DType::F32)?, axis, eps)?;
    affine(y, weight, bias, &x.shape()[axis..])?.cast(x.dtype())
}

pub(super) fn rms_norm(x: &Value, weight: Option<&Value>, eps: f64) -> Result<Value> {
    let axis = x.shape().len().saturating_sub(1);
    let y = scaled_to_unit(&x.cast(DType::F32)?, axis, eps)?;
    affine(y, weight, None, &x.shape()[axis..])?.cast(x.dtype())
}

pub(super) fn group_norm(
    x: &Value,
    weight: Option<&Value>,
    bias: Option<&Value>,
    groups: usize,
    eps: f64,
) -> Result<Value> {
    let (batch, channels) = (x.shape()[0], x.shape()[1]);
    let size = x.ty().elements() / (batch * groups);
    let y = standardised(&x.cast(DType::F32)?.reshape(&[batch, groups, size])?, 2, eps)?;
    let mut per_channel = vec![1; x.shape().len()];
    per_channel[1] = channels;
    affine(y.reshape(x.shape())?, weight, bias, &per_channel)?.cast(x.dtype())
}
