//! Encoded parameters, and activations that are rounded to eight bits.

use super::{Made, odd, wide};
use crate::context::{Context, signed};
use tch::{Kind, TchError, Tensor};
use tintype_accel::encode::NF4_LEVELS;
use tintype_program::{Activation, Block, Encoding, Fp8Format, Node, Op, TensorType};

/// Whether a node works on floating point of eight bits.
pub(crate) fn needs_float8(block: &Block, node: &Node) -> bool {
    let decodes = matches!(node.op, Op::Decode | Op::Linear { .. });
    let rounds = matches!(node.op, Op::Linear { activation: Activation::DynamicFp8 });
    let fp8 = |encoding: &Encoding| matches!(encoding, Encoding::Fp8 { .. });
    rounds || decodes && node.inputs.iter().any(|&value| fp8(block.encoding(value)))
}

/// The sixteen values of NF4's codes, on a device.
pub(crate) fn nf4(place: tch::Device) -> Made {
    Tensor::f_from_slice(&NF4_LEVELS)?.f_to(place)
}

/// The values of an operand in f32, where it is encoded.
pub(super) fn decoded(
    context: &Context,
    block: &Block,
    node: &Node,
    at: usize,
    stored: &Tensor,
) -> Result<Option<Tensor>, TchError> {
    let value = *node.inputs.get(at).ok_or_else(|| odd("an operand that is not there"))?;
    match block.encoding(value) {
        Encoding::Plain => Ok(None),
        encoding => decode(context, stored, block.ty(value), encoding).map(Some),
    }
}

fn decode(context: &Context, stored: &Tensor, ty: &TensorType, encoding: &Encoding) -> Made {
    let layout = encoding.layout(ty).map_err(TchError::Shape)?;
    let codes = stored.f_narrow(0, 0, layout.code_bytes as i64)?;
    let scales = stored.f_narrow(0, layout.scales_offset() as i64, 4 * layout.scales as i64)?;
    let values = match encoding {
        Encoding::Fp8 { format, .. } => wide(&codes.f_view_dtype(float8(*format))?)?,
        _ => {
            let (upper, lower) = (codes.f_bitwise_right_shift_tensor_scalar(4)?, codes.f_bitwise_and(15)?);
            let pairs = Tensor::f_stack(&[upper, lower], -1)?.f_reshape([-1i64])?.f_to_kind(Kind::Int)?;
            context.nf4().f_index_select(0, &pairs)?
        }
    };
    // Whatever the granularity, scales cover equal runs of consecutive elements.
    let run = ty.elements().checked_div(layout.scales).unwrap_or_default() as i64;
    let count = layout.scales as i64;
    let scales = scales.f_view_dtype(Kind::Float)?.f_reshape([count, 1])?;
    values.f_reshape([count, run])?.f_mul(&scales)?.f_reshape(signed(&ty.shape))
}

fn float8(format: Fp8Format) -> Kind {
    match format {
        Fp8Format::E4m3 => Kind::Float8e4m3fn,
        Fp8Format::E4m3Fnuz => Kind::Float8e4m3fnuz,
        Fp8Format::E5m2 => Kind::Float8e5m2,
        Fp8Format::E5m2Fnuz => Kind::Float8e5m2fnuz,
    }
}

/// Each row of f32 rounded to E4M3, scaled so that its largest magnitude becomes the format's largest number.
pub(super) fn round_rows_to_e4m3(x: &Tensor) -> Made {
    const MOST: f64 = 448.0;
    if x.numel() == 0 {
        return x.f_alias();
    }
    let scale = x.f_abs()?.f_amax([-1i64], true)?.f_div_scalar(MOST)?;
    let scale = scale.f_masked_fill(&scale.f_gt(0.0)?.f_logical_not()?, 1.0)?;
    let scaled = x.f_div(&scale)?.f_clamp(-MOST, MOST)?;
    wide(&scaled.f_to_kind(Kind::Float8e4m3fn)?)?.f_mul(&scale)
}
