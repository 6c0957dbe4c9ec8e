//! Layers that several models share.

use std::panic::Location;
use tintype_program::{Error, Result, Scope, Value};

/// The extents of a value that must have `N` dimensions.
#[track_caller]
pub(crate) fn extents<const N: usize>(x: &Value, what: &str) -> Result<[usize; N]> {
    let location = Location::caller();
    x.shape().try_into().map_err(|_| Error::Operands {
        op: what.into(),
        operands: x.ty().to_string(),
        reason: format!("it takes {N} dimensions"),
        location: format!("{}:{}", location.file(), location.line()),
    })
}

/// The innermost extent; 0 for a scalar.
pub(crate) fn width(x: &Value) -> usize {
    x.shape().last().copied().unwrap_or(0)
}

/// `weight` and `bias` of the scope, `[outputs, width of x]` and `[outputs]`.
#[track_caller]
pub(crate) fn linear(scope: &Scope, x: &Value, outputs: usize) -> Result<Value> {
    let weight = scope.param("weight", &[outputs, width(x)])?;
    x.linear(&weight, Some(&scope.param("bias", &[outputs])?))
}

/// `weight` of the scope, `[outputs, width of x]`.
#[track_caller]
pub(crate) fn linear_without_bias(scope: &Scope, x: &Value, outputs: usize) -> Result<Value> {
    x.linear(&scope.param("weight", &[outputs, width(x)])?, None)
}

/// Layer norm over the innermost axis with `weight` and `bias` of the scope.
#[track_caller]
pub(crate) fn layer_norm(scope: &Scope, x: &Value, eps: f64) -> Result<Value> {
    let shape = [width(x)];
    let (weight, bias) = (scope.param("weight", &shape)?, scope.param("bias", &shape)?);
    x.layer_norm(Some((&weight, &bias)), eps)
}

/// Group norm over axis 1 with `weight` and `bias` of the scope.
#[track_caller]
pub(crate) fn group_norm(scope: &Scope, x: &Value, groups: usize, eps: f64) -> Result<Value> {
    let shape = [x.shape().get(1).copied().unwrap_or(0)];
    let (weight, bias) = (scope.param("weight", &shape)?, scope.param("bias", &shape)?);
    x.group_norm(groups, Some((&weight, &bias)), eps)
}

/// A convolution over height and width with a square kernel; `padding` is before and after each of them.
#[track_caller]
pub(crate) fn convolution(
    scope: &Scope,
    x: &Value,
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: [usize; 2],
) -> Result<Value> {
    let channels = x.shape().get(1).copied().unwrap_or(0);
    let weight = scope.param("weight", &[outputs, channels, kernel, kernel])?;
    let bias = scope.param("bias", &[outputs])?;
    x.convolution(&weight, Some(&bias), &[stride; 2], &[padding; 2])
}

/// `[b, s, heads * d]` to `[b, s, heads, d]`.
#[track_caller]
pub(crate) fn split_heads(x: &Value, heads: usize) -> Result<Value> {
    let [batch, tokens, width] = extents(x, "heads")?;
    x.reshape(&[batch, tokens, heads, width.checked_div(heads).unwrap_or(0)])
}

/// `[b, s, h, d]` to `[b, h, s, d]`, or back.
#[track_caller]
pub(crate) fn swap_heads(x: &Value) -> Result<Value> {
    x.transpose(&[0, 2, 1, 3])
}

/// `[b, h, s, d]` to `[b, s, h * d]`.
#[track_caller]
pub(crate) fn merge_heads(x: &Value) -> Result<Value> {
    let [batch, heads, tokens, width] = extents(x, "heads")?;
    swap_heads(x)?.reshape(&[batch, tokens, heads.saturating_mul(width)])
}

/// Every element within `least..=most`.
#[track_caller]
pub(crate) fn clamp(x: &Value, least: f64, most: f64) -> Result<Value> {
    use tintype_program::Binary;
    x.binary_scalar(Binary::Max, least)?.binary_scalar(Binary::Min, most)
}
