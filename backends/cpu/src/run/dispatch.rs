//! From an operation to its kernel, by dtype.

use super::arguments::Argument;
use crate::compile::Packing;
use crate::kernels::{
    attention, convolution, copy as copying, encoded, gather, layout, linear, matmul, norm, panels, reduce,
    rotary, softmax,
};
use crate::level::Level;
use crate::tensor::{AnySlice, Element, View};
use smallvec::SmallVec;
use tintype_program::Op;

type Done = Result<(), String>;

/// Calls a function for whichever dtype a slice has.
macro_rules! by_dtype {
    ($out:expr, $slice:ident => $call:expr) => {
        match $out {
            AnySlice::F32($slice) => $call,
            AnySlice::Bf16($slice) => $call,
            AnySlice::F16($slice) => $call,
            AnySlice::I32($slice) => $call,
            AnySlice::U8($slice) => $call,
        }
    };
}

/// Repeats the bytes of one element.
pub(super) fn fill(bytes: &[u8], out: &mut AnySlice<'_>) -> Done {
    by_dtype!(out, out => {
        let value = bytemuck::try_pod_read_unaligned(bytes).map_err(|error| error.to_string())?;
        out.fill(value);
        Ok(())
    })
}

/// Packs a view.
pub(super) fn copy(x: &[Argument<'_>], out: &mut AnySlice<'_>) -> Done {
    by_dtype!(out, out => {
        copying::copy(at(x, 0)?, out);
        Ok(())
    })
}

/// Runs an operation that has a kernel of its own.
pub(super) fn kernel(level: Level, op: &Op, x: &[Argument<'_>], out: &mut AnySlice<'_>) -> Done {
    match op {
        Op::Gather { .. } | Op::Concat { .. } | Op::Pad { .. } | Op::Upsample { .. } => {
            by_dtype!(out, out => movement(op, x, out))
        }
        _ => match out {
            AnySlice::F32(out) => arithmetic(level, op, x, out),
            AnySlice::Bf16(out) => arithmetic(level, op, x, out),
            AnySlice::F16(out) => arithmetic(level, op, x, out),
            AnySlice::I32(_) | AnySlice::U8(_) => Err(format!("{} has no kernel for integers", op.name())),
        },
    }
}

/// Operations that move elements of any dtype.
fn movement<E: Element>(op: &Op, x: &[Argument<'_>], out: &mut [E]) -> Done {
    match op {
        Op::Gather { axis } => gather::gather(*axis, at(x, 0)?, at(x, 1)?, out),
        Op::Concat { axis } => {
            let parts = x.iter().map(Argument::view).collect::<Result<SmallVec<[_; 4]>, _>>()?;
            layout::concat(*axis, &parts, out);
        }
        Op::Pad { before, after, mode } => layout::pad(before, after, *mode, at(x, 0)?, out),
        Op::Upsample { factors } => layout::upsample(factors, at(x, 0)?, out),
        other => return Err(format!("{} moves nothing", other.name())),
    }
    Ok(())
}

/// Operations on floating-point elements.
fn arithmetic<T: Element>(level: Level, op: &Op, x: &[Argument<'_>], out: &mut [T]) -> Done {
    match op {
        Op::Reduce { function, axes } => reduce::reduce(*function, axes, at(x, 0)?, out),
        Op::MatMul => matmul::matmul::<T>(at(x, 0)?, at(x, 1)?, out),
        Op::Convolution { stride, padding, dilation, groups, mode } => {
            let geometry = convolution::Geometry { stride, padding, dilation, groups: *groups, mode: *mode };
            let (input, bias) = (at(x, 0)?, maybe(x, 2)?);
            match argument(x, 1)?.packed_convolution() {
                Some((Packing::Doubled, shape, bytes)) => {
                    convolution::convolution_doubled(level, *mode, input, (shape, bytes), bias, out)?;
                }
                Some((_, shape, bytes)) => {
                    convolution::convolution_packed(level, &geometry, input, (shape, bytes), bias, out)?;
                }
                None => convolution::convolution(level, &geometry, input, at(x, 1)?, bias, out),
            }
        }
        Op::Decode => encoded::decode(&argument(x, 0)?.encoded()?, out),
        Op::Linear { activation } => match argument(x, 1)?.panels() {
            Some(weight) => panels::linear(level, at(x, 0)?, weight, maybe(x, 2)?, out),
            None => linear::linear(*activation, at(x, 0)?, argument(x, 1)?.weight()?, maybe(x, 2)?, out),
        },
        Op::Attention { scale } => {
            attention::attention(level, *scale, at(x, 0)?, at(x, 1)?, at(x, 2)?, maybe(x, 3)?, out);
        }
        Op::Softmax { axis } => softmax::softmax(level, *axis, at(x, 0)?, out),
        Op::LayerNorm { eps } => norm::layer_norm(level, *eps, at(x, 0)?, affine(x)?, out),
        Op::RmsNorm { eps } => norm::rms_norm(level, *eps, at(x, 0)?, maybe(x, 1)?, out),
        Op::GroupNorm { groups, eps } => norm::group_norm(level, *groups, *eps, at(x, 0)?, affine(x)?, out),
        Op::RotaryEmbedding { pairing } => {
            rotary::rotary(level, *pairing, at(x, 0)?, at(x, 1)?, at(x, 2)?, out)
        }
        other => return Err(format!("there is no kernel for {}", other.name())),
    }
    Ok(())
}

fn argument<'a>(x: &[Argument<'a>], position: usize) -> Result<Argument<'a>, String> {
    x.get(position).copied().ok_or_else(|| format!("operand {position} is missing"))
}

fn at<'a, T: Element>(x: &[Argument<'a>], position: usize) -> Result<View<'a, T>, String> {
    argument(x, position)?.view()
}

/// An operand that may be left out.
fn maybe<'a, T: Element>(x: &[Argument<'a>], position: usize) -> Result<Option<View<'a, T>>, String> {
    x.get(position).map(Argument::view).transpose()
}

/// Weight and bias behind the first operand.
fn affine<'a, T: Element>(x: &[Argument<'a>]) -> Result<Option<[View<'a, T>; 2]>, String> {
    Ok(match (maybe(x, 1)?, maybe(x, 2)?) {
        (Some(weight), Some(bias)) => Some([weight, bias]),
        _ => None,
    })
}
