//! Each operation as ATen has it. Operations on f16 and bf16 accumulate in f32 and round once: where an ATen kernel rounds in
//! between, its operands are widened first.

mod contraction;
mod element;
mod encoded;
mod layout;
mod norm;

use crate::context::{Context, kind, signed};
use tch::{Kind, TchError, Tensor};
use tintype_program::{Block, DType, Node, Op};

pub(crate) use encoded::{needs_float8, nf4};

pub(crate) type Made = Result<Tensor, TchError>;

/// The result of a node of a checked Program that calls no block. An encoded operand is the bytes that it is stored as.
pub(crate) fn run(context: &Context, block: &Block, node: &Node, operands: &[&Tensor]) -> Made {
    use Op::*;
    let ty = node.outputs.first().map(|&value| block.ty(value)).ok_or_else(|| odd("no result"))?;
    match (&node.op, operands) {
        (Constant { value, dtype }, []) => element::constant(*value, *dtype, context.place),
        (Unary { function }, [x]) => element::unary(*function, x),
        (Binary { function }, [a, b]) => element::binary(*function, ty.dtype, a, b),
        (Cast { dtype }, [x]) => element::cast(x, from(block, node)?, *dtype),
        (Gelu { form }, [x]) => element::gelu(*form, x),
        (Silu, [x]) => x.f_silu(),
        (Reduce { function, axes }, [x]) => element::reduce(*function, axes, x),
        (Reshape { shape }, [x]) => layout::reshape(shape, x),
        (Transpose { permutation }, [x]) => x.f_permute(signed(permutation)),
        (Slice { starts, ends, steps }, [x]) => layout::slice(starts, ends, steps, x),
        (Concat { axis }, parts) => Tensor::f_cat(parts, *axis as i64),
        (Pad { before, after, mode }, [x]) => layout::pad(before, after, *mode, x),
        (Broadcast { shape }, [x]) => x.f_expand(signed(shape), false),
        (Gather { axis }, [table, indices]) => layout::gather(*axis, &ty.shape, table, indices),
        (Upsample { factors }, [x]) => layout::upsample(factors, x),
        (MatMul, [a, b]) => a.f_matmul(b),
        (Convolution { .. }, [x, weight, bias @ ..]) => {
            contraction::convolution(&node.op, context.tf32, x, weight, bias.first().copied())
        }
        (Decode, [stored]) => match encoded::decoded(context, block, node, 0, stored)? {
            Some(values) => values.f_to_kind(kind(ty.dtype)),
            None => stored.f_alias(),
        },
        (Linear { activation }, [x, weight, bias @ ..]) => {
            let decoded = encoded::decoded(context, block, node, 1, weight)?;
            let decoded = decoded.map(|values| values.f_to_kind(kind(ty.dtype))).transpose()?;
            contraction::linear(*activation, x, decoded.as_ref().unwrap_or(weight), bias.first().copied())
        }
        (Attention { scale }, [q, k, v, mask @ ..]) => {
            contraction::attention(*scale, q, k, v, mask.first().copied())
        }
        (Softmax { axis }, [x]) => norm::softmax(*axis, x),
        (LayerNorm { eps }, [x, affine @ ..]) => norm::layer_norm(*eps, x, affine),
        (RmsNorm { eps }, [x, weight @ ..]) => norm::rms_norm(*eps, x, weight.first().copied()),
        (GroupNorm { groups, eps }, [x, affine @ ..]) => norm::group_norm(*groups, *eps, x, affine),
        (RotaryEmbedding { pairing }, [x, cos, sin]) => norm::rotary_embedding(*pairing, x, cos, sin),
        (op, operands) => Err(odd(&format!("{} of {} operands", op.name(), operands.len()))),
    }
}

/// Whether a result may lie in the memory of an operand.
pub(crate) fn may_share(op: &Op) -> bool {
    op.is_view() || matches!(op, Op::Cast { .. } | Op::Pad { .. } | Op::Concat { .. } | Op::Upsample { .. })
}

/// The dtype of a node's first operand.
fn from(block: &Block, node: &Node) -> Result<DType, TchError> {
    let first = node.inputs.first().ok_or_else(|| odd("no operand"))?;
    Ok(block.ty(*first).dtype)
}

/// The tensor in f32, where it is narrower.
fn wide(x: &Tensor) -> Made {
    x.f_to_kind(Kind::Float)
}

/// What a checked Program does not hold.
fn odd(what: &str) -> TchError {
    TchError::Shape(format!("{what}, which no checked Program has"))
}
