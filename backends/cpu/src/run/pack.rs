//! Weights into the layouts that kernels want.

use super::arguments::Argument;
use crate::compile::{Home, Operand, Packing};
use crate::kernels::panels;
use crate::level::Level;
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
    match (packing, ty.dtype) {
        (Packing::Panels, DType::F32) => panels::pack::<f32>(level, &weight.view()?, packed),
        (Packing::Panels, DType::Bf16) => panels::pack::<half::bf16>(level, &weight.view()?, packed),
        (Packing::Panels, DType::F16) => panels::pack::<half::f16>(level, &weight.view()?, packed),
        (Packing::Panels, dtype) => return Err(format!("a weight of {dtype} is not packed")),
    }
    Ok(())
}
