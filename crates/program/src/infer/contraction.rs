//! Matrix products, convolutions and attention.

use super::{arity, expect_rank, expect_shape, one_float_dtype};
use crate::{PadMode, TensorType};

type Inferred = Result<TensorType, String>;

pub(super) fn mat_mul(operands: &[TensorType]) -> Inferred {
    arity(operands, 2..=2)?;
    one_float_dtype(operands)?;
    let (a, b) = (&operands[0], &operands[1]);
    if a.rank() < 2 || a.rank() != b.rank() {
        return Err("both sides need the same number of dimensions, at least 2".into());
    }
    let outer = a.rank() - 2;
    if a.shape[..outer] != b.shape[..outer] {
        return Err(format!("outer extents {:?} and {:?} differ", &a.shape[..outer], &b.shape[..outer]));
    }
    if a.shape[outer + 1] != b.shape[outer] {
        return Err(format!(
            "{} columns on the left, {} rows on the right",
            a.shape[outer + 1],
            b.shape[outer]
        ));
    }
    let mut shape = a.shape.clone();
    shape[outer + 1] = b.shape[outer + 1];
    Ok(TensorType::new(a.dtype, shape))
}

pub(super) fn linear(operands: &[TensorType]) -> Inferred {
    arity(operands, 2..=3)?;
    one_float_dtype(operands)?;
    let (x, weight) = (&operands[0], &operands[1]);
    expect_rank("the weight", weight, 2)?;
    let Some(&columns) = x.shape.last() else { return Err("the activation is a scalar".into()) };
    if columns != weight.shape[1] {
        return Err(format!("rows of {columns} elements, a weight for {}", weight.shape[1]));
    }
    if let Some(bias) = operands.get(2) {
        expect_shape("the bias", bias, &weight.shape[..1])?;
    }
    let mut shape = x.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = weight.shape[0];
    }
    Ok(TensorType::new(x.dtype, shape))
}

pub(super) fn attention(scale: f64, operands: &[TensorType]) -> Inferred {
    arity(operands, 3..=4)?;
    one_float_dtype(operands)?;
    if !scale.is_finite() {
        return Err(format!("the scale is {scale}"));
    }
    let (q, k, v) = (&operands[0], &operands[1], &operands[2]);
    for (what, x) in [("the query", q), ("the key", k), ("the value", v)] {
        expect_rank(what, x, 4)?;
    }
    let [batch, heads, queries, width] = [q.shape[0], q.shape[1], q.shape[2], q.shape[3]];
    let keys = k.shape[2];
    expect_shape("the key", k, &[batch, heads, keys, width])?;
    expect_shape("the value", v, &[batch, heads, keys, v.shape[3]])?;
    if keys == 0 {
        return Err("there are no keys".into());
    }
    if let Some(mask) = operands.get(3) {
        expect_rank("the mask", mask, 4)?;
        let wanted = [batch, heads, queries, keys];
        let fits = (0..4).all(|i| mask.shape[i] == wanted[i] || (i < 3 && mask.shape[i] == 1));
        if !fits {
            return Err(format!("the mask {:?} does not broadcast to {wanted:?}", mask.shape));
        }
    }
    Ok(TensorType::new(q.dtype, [batch, heads, queries, v.shape[3]]))
}

pub(super) fn convolution(
    stride: &[usize],
    padding: &[[usize; 2]],
    dilation: &[usize],
    groups: usize,
    mode: PadMode,
    operands: &[TensorType],
) -> Inferred {
    arity(operands, 2..=3)?;
    one_float_dtype(operands)?;
    let (x, weight) = (&operands[0], &operands[1]);
    let axes = stride.len();
    if !(1..=3).contains(&axes) || padding.len() != axes || dilation.len() != axes {
        return Err(format!("it has {axes} spatial axes; stride, padding and dilation need 1 to 3 each"));
    }
    expect_rank("the input", x, axes + 2)?;
    expect_rank("the weight", weight, axes + 2)?;
    let (channels, outputs) = (x.shape[1], weight.shape[0]);
    if groups == 0 || channels % groups != 0 || outputs % groups != 0 || weight.shape[1] != channels / groups
    {
        return Err(format!("{channels} channels, {groups} groups and weight {:?} do not fit", weight.shape));
    }
    if let Some(bias) = operands.get(2) {
        expect_shape("the bias", bias, &[outputs])?;
    }
    let mut shape = vec![x.shape[0], outputs];
    for axis in 0..axes {
        let (extent, kernel) = (x.shape[axis + 2], weight.shape[axis + 2]);
        if stride[axis] == 0 || dilation[axis] == 0 || kernel == 0 {
            return Err("strides, dilations and kernels are at least 1".into());
        }
        if mode == PadMode::Replicate && extent == 0 {
            return Err(format!("spatial axis {axis} is empty: it has no edge to repeat"));
        }
        let padded = extent.saturating_add(padding[axis][0]).saturating_add(padding[axis][1]);
        let reach = (kernel - 1).saturating_mul(dilation[axis]).saturating_add(1);
        if padded < reach {
            return Err(format!(
                "spatial axis {axis}: {padded} elements, a kernel that reaches over {reach}"
            ));
        }
        shape.push((padded - reach) / stride[axis] + 1);
    }
    Ok(TensorType::new(x.dtype, shape))
}
