//! Normalisation, rotation and resampling.

use super::{arity, axis_of, expect_rank, expect_shape, float, one_float_dtype, positive};
use crate::{DType, TensorType};

type Inferred = Result<TensorType, String>;

pub(super) fn softmax(axis: usize, operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    float(&operands[0])?;
    if axis_of(&operands[0], axis)? == 0 {
        return Err(format!("axis {axis} is empty"));
    }
    Ok(operands[0].clone())
}

/// The innermost extent, which must not be zero.
fn innermost(x: &TensorType) -> Result<usize, String> {
    x.shape.last().copied().filter(|&d| d > 0).ok_or_else(|| format!("{x} has no innermost elements"))
}

pub(super) fn layer_norm(eps: f64, operands: &[TensorType]) -> Inferred {
    if operands.len() != 1 {
        arity(operands, 3..=3)?;
    }
    one_float_dtype(operands)?;
    positive("eps", eps)?;
    let d = innermost(&operands[0])?;
    for affine in &operands[1..] {
        expect_shape("weight or bias", affine, &[d])?;
    }
    Ok(operands[0].clone())
}

pub(super) fn rms_norm(eps: f64, operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=2)?;
    one_float_dtype(operands)?;
    positive("eps", eps)?;
    let d = innermost(&operands[0])?;
    for weight in &operands[1..] {
        expect_shape("the weight", weight, &[d])?;
    }
    Ok(operands[0].clone())
}

pub(super) fn group_norm(groups: usize, eps: f64, operands: &[TensorType]) -> Inferred {
    if operands.len() != 1 {
        arity(operands, 3..=3)?;
    }
    one_float_dtype(operands)?;
    positive("eps", eps)?;
    let x = &operands[0];
    let channels = axis_of(x, 1)?;
    if groups == 0 || channels % groups != 0 || x.elements() == 0 {
        return Err(format!("{channels} channels do not split into {groups} groups"));
    }
    for affine in &operands[1..] {
        expect_shape("weight or bias", affine, &[channels])?;
    }
    Ok(x.clone())
}

pub(super) fn rotary(operands: &[TensorType]) -> Inferred {
    arity(operands, 3..=3)?;
    let x = &operands[0];
    float(x)?;
    expect_rank("the input", x, 4)?;
    if !x.shape[3].is_multiple_of(2) {
        return Err(format!("a head of {} elements has no pairs", x.shape[3]));
    }
    for (what, table) in [("the cosine", &operands[1]), ("the sine", &operands[2])] {
        if table.dtype != DType::F32 {
            return Err(format!("{what} is {}, not f32", table.dtype));
        }
        expect_shape(what, table, &x.shape[2..])?;
    }
    Ok(x.clone())
}

pub(super) fn upsample(factors: &[usize], operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    let x = &operands[0];
    if factors.is_empty() || factors.contains(&0) {
        return Err(format!("factors {factors:?} must be at least 1"));
    }
    expect_rank("the input", x, factors.len() + 2)?;
    let mut shape = x.shape.clone();
    for (extent, factor) in shape[2..].iter_mut().zip(factors) {
        *extent = extent.saturating_mul(*factor);
    }
    Ok(TensorType::new(x.dtype, shape))
}
