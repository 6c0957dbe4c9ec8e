//! Weights into the layouts that kernels want.

use super::arguments::Argument;
use crate::compile::{Home, Operand, Packing};
use crate::kernels::{convolution, panels};
use crate::level::Level;
use crate::tensor::Element;
use tintype_program::{DType, TensorType};

/// Packs a plain parameter of type `ty` into as many bytes as [`Packing::bytes`] says.
pub(crate) fn pack(
    packing: Packing,
    level: Level,
    ty: &TensorType,
    bytes: &[u8],
    packed: &mut [u8],
) -> Result<(), String> {
    let operand = Operand::packed(Home::Argument(0), ty);
    let weight = Argument { operand: &operand, bytes };
    match ty.dtype {
        DType::F32 => pack_as::<f32>(packing, level, weight, packed),
        DType::Bf16 => pack_as::<half::bf16>(packing, level, weight, packed),
        DType::F16 => pack_as::<half::f16>(packing, level, weight, packed),
        dtype => Err(format!("a weight of {dtype} is not packed")),
    }
}

fn pack_as<T: Element>(
    packing: Packing,
    level: Level,
    weight: Argument<'_>,
    packed: &mut [u8],
) -> Result<(), String> {
    match packing {
        Packing::Panels => panels::pack::<T>(level, &weight.view()?, packed),
        Packing::Convolution => convolution::pack::<T>(level, weight.view()?, packed)?,
        Packing::Doubled => convolution::pack_doubled::<T>(level, weight.view()?, packed)?,
    }
    Ok(())
}
