//! Shape and dtype inference: what an operation gives for what it is given, or why it cannot.

mod composite;
mod contraction;
mod elementwise;
mod layout;

use crate::{Op, TensorType};

/// The types of an operation's results, or the reason why it cannot take these operands.
///
/// [`Op::Call`], [`Op::Elementwise`] and [`Op::Custom`] are typed by the block that they name, not here.
pub fn infer(op: &Op, operands: &[TensorType]) -> Result<Vec<TensorType>, String> {
    let result = match op {
        Op::Constant { value, dtype } => elementwise::constant(*value, *dtype, operands),
        Op::Unary { .. } | Op::Gelu { .. } | Op::Silu => elementwise::unary(operands),
        Op::Binary { function } => elementwise::binary(*function, operands),
        Op::Cast { dtype } => elementwise::cast(*dtype, operands),
        Op::Reduce { function, axes } => elementwise::reduce(*function, axes, operands),
        Op::Reshape { shape } => layout::reshape(shape, operands),
        Op::Transpose { permutation } => layout::transpose(permutation, operands),
        Op::Slice { starts, ends, steps } => layout::slice(starts, ends, steps, operands),
        Op::Concat { axis } => layout::concat(*axis, operands),
        Op::Pad { before, after, mode } => layout::pad(before, after, *mode, operands),
        Op::Broadcast { shape } => layout::broadcast(shape, operands),
        Op::Gather { axis } => layout::gather(*axis, operands),
        Op::Decode => elementwise::unary(operands),
        Op::MatMul => contraction::mat_mul(operands),
        Op::Convolution { stride, padding, dilation, groups, mode } => {
            contraction::convolution(stride, padding, dilation, *groups, *mode, operands)
        }
        Op::Linear { .. } => contraction::linear(operands),
        Op::Attention { scale } => contraction::attention(*scale, operands),
        Op::Softmax { axis } => composite::softmax(*axis, operands),
        Op::LayerNorm { eps } => composite::layer_norm(*eps, operands),
        Op::RmsNorm { eps } => composite::rms_norm(*eps, operands),
        Op::GroupNorm { groups, eps } => composite::group_norm(*groups, *eps, operands),
        Op::RotaryEmbedding { .. } => composite::rotary(operands),
        Op::Upsample { factors } => composite::upsample(factors, operands),
        Op::Call { .. } | Op::Elementwise { .. } | Op::Custom { .. } => {
            return Err("its type is that of the block it names".into());
        }
    }?;
    result.check()?;
    Ok(vec![result])
}

/// Refuses another number of operands than `allowed`.
fn arity(operands: &[TensorType], allowed: std::ops::RangeInclusive<usize>) -> Result<(), String> {
    if allowed.contains(&operands.len()) {
        return Ok(());
    }
    let (least, most) = (allowed.start(), allowed.end());
    let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
    Err(format!("it takes {wanted} operands, not {}", operands.len()))
}

/// Refuses operands that are not floating point, or not all of one dtype.
fn one_float_dtype(operands: &[TensorType]) -> Result<(), String> {
    let Some(first) = operands.first() else { return Ok(()) };
    if let Some(other) = operands.iter().find(|ty| ty.dtype != first.dtype) {
        return Err(format!("dtypes {} and {} differ; cast one", first.dtype, other.dtype));
    }
    float(first)
}

fn float(ty: &TensorType) -> Result<(), String> {
    if ty.dtype.is_float() { Ok(()) } else { Err(format!("{ty} is not floating point")) }
}

fn axis_of(ty: &TensorType, axis: usize) -> Result<usize, String> {
    ty.shape.get(axis).copied().ok_or_else(|| format!("axis {axis} is outside {ty}"))
}

fn expect_shape(what: &str, ty: &TensorType, shape: &[usize]) -> Result<(), String> {
    if ty.shape == shape { Ok(()) } else { Err(format!("{what} has shape {:?}, not {shape:?}", ty.shape)) }
}

fn expect_rank(what: &str, ty: &TensorType, rank: usize) -> Result<(), String> {
    if ty.rank() == rank { Ok(()) } else { Err(format!("{what} has {} dimensions, not {rank}", ty.rank())) }
}

fn positive(what: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(format!("{what} is {value}")) }
}

#[cfg(test)]
mod tests;
