//! Attention and what goes with it.

use crate::{DType, Pairing, Reduce, Result, Unary, Value, concat};

/// `softmax(scale q k^T + mask) v`.
pub(super) fn attention(q: &Value, k: &Value, v: &Value, mask: Option<&Value>, scale: f64) -> Result<Value> {
    let wide = |x: &Value| x.cast(DType::F32);
    let mut scores = (&wide(q)?.matmul(&wide(k)?.transpose(&[0, 1, 3, 2])?)? * scale)?;
    if let Some(mask) = mask {
        scores = (&scores + &wide(mask)?)?;
    }
    scores.softmax(3)?.matmul(&wide(v)?)?.cast(q.dtype())
}

/// Exponentials over their sum. The largest element is subtracted first, so that no exponential overflows.
pub(super) fn softmax(x: &Value, axis: usize) -> Result<Value> {
    let wide = x.cast(DType::F32)?;
    let exponentials = (&wide - &wide.reduce(Reduce::Max, &[axis])?)?.unary(Unary::Exp)?;
    (&exponentials / &exponentials.reduce(Reduce::Sum, &[axis])?)?.cast(x.dtype())
}

/// `x cos + turned(x) sin`, where `turned` takes each pair `(a, b)` to `(-b, a)`.
pub(super) fn rotary_embedding(x: &Value, cos: &Value, sin: &Value, pairing: Pairing) -> Result<Value> {
    let wide = x.cast(DType::F32)?;
    let &[batch, heads, tokens, width] = wide.shape() else { return Ok(x.clone()) };
    let split = match pairing {
        Pairing::Interleaved => [batch, heads, tokens, width / 2, 2],
        Pairing::Halves => [batch, heads, tokens, 2, width / 2],
    };
    let axis = if pairing == Pairing::Interleaved { 4 } else { 3 };
    let pairs = wide.reshape(&split)?;
    let (first, second) = (pairs.slice(axis, 0, 1)?, pairs.slice(axis, 1, 2)?);
    let turned = concat(&[&(-&second)?, &first], axis)?.reshape(wide.shape())?;
    (&(&wide * cos)? + &(&turned * sin)?)?.cast(x.dtype())
}
