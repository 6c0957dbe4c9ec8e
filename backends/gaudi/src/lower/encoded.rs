//! Encoded parameters.
//!
//! Codes are looked up in a table that the recipe holds, so that every format is what its definition says, whatever the
//! device's own conversions do with codes beyond its range.

use super::builder::{Builder, Laid};
use crate::graph::Params;
use tintype_accel::encode;
use tintype_program::{DType, Encoding, ScaleGranularity, TensorType};

/// `code * scale` in f32, rounded once to the type of the value.
pub(super) fn decode(b: &mut Builder, x: &Laid, to: &TensorType) -> Result<Laid, String> {
    let Laid::Encoded { position, ty, encoding } = x else {
        return Err("its operand is no encoded parameter".into());
    };
    let layout = encoding.layout(ty)?;
    let elements = ty.elements();
    let codes = b.part(*position, 0, DType::U8, &[layout.code_bytes]);
    let scales = b.part(*position, layout.scales_offset(), DType::F32, &[layout.scales]);
    // Each code byte holds one element or two.
    let each = elements / layout.code_bytes;
    let table: Vec<f32> = (0..=255u8).flat_map(|code| values(encoding, code)).collect();
    let table =
        b.known(DType::F32, &[256, each], table.iter().flat_map(|value| value.to_le_bytes()).collect());
    let indices = b.cast(codes, DType::U8, DType::I32);
    let plain =
        b.typed("gather_fwd", &[table, indices], DType::F32, &[layout.code_bytes, each], Params::axis(1));
    let run = match encoding {
        Encoding::Fp8 { scales: ScaleGranularity::Block { size }, .. } => *size,
        Encoding::Nf4 { block } => *block,
        _ => elements / layout.scales,
    };
    let plain = b.reshape(plain, &[layout.scales, run]);
    let scales = b.reshape(scales, &[layout.scales, 1]);
    let y = b.typed("mult_fwd", &[plain, scales], DType::F32, &[layout.scales, run], Params::default());
    Ok(Laid::Tensor(b.cast(y, DType::F32, to.dtype)))
}

/// What a byte of codes stands for.
fn values(encoding: &Encoding, code: u8) -> Vec<f32> {
    match encoding {
        Encoding::Fp8 { format, .. } => vec![encode::fp8_value(*format, code)],
        Encoding::Nf4 { .. } => {
            [code >> 4, code & 15].map(|nibble| encode::NF4_LEVELS[usize::from(nibble)]).to_vec()
        }
        Encoding::Plain => Vec::new(),
    }
}
