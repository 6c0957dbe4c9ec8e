//! What buffers hold.

use super::random::Random;
use crate::interpreter::{encoded::fp8, rounding::E4M3, to_bytes};
use tintype_program::{DType, Encoding, Fp8Format, TensorType};

/// What a buffer is filled with. Unless a case says otherwise: normal numbers, or integers from the dtype's lower end.
#[derive(Clone, Debug, PartialEq)]
pub enum Fill {
    /// Normal numbers of this standard deviation.
    Normal(f64),
    /// Numbers from a range.
    Uniform(f64, f64),
    /// Whole numbers from a range, ends included.
    Integers(i32, i32),
    /// Zeros and negative infinities; never infinity at the start of a row, so that no row is all closed.
    Mask,
    /// Numbers close to codes of E4M3 once a row's largest magnitude is scaled to 448: rounding them to a code gives
    /// the same code however the scale was rounded.
    NearCodes,
    /// These, repeated.
    Cycle(Vec<f64>),
}

/// The content of a buffer of a plain or encoded type.
pub(super) fn fill(
    fill: Option<&Fill>,
    ty: &TensorType,
    encoding: &Encoding,
    random: &mut Random,
) -> Vec<u8> {
    if !encoding.is_plain() {
        return codes(ty, encoding, random);
    }
    let default = match ty.dtype {
        DType::I32 => Fill::Integers(-100, 100),
        DType::U8 => Fill::Integers(0, 255),
        _ => Fill::Normal(1.0),
    };
    let row = ty.shape.last().copied().unwrap_or(1);
    let element = |i: usize| match fill.unwrap_or(&default) {
        Fill::Normal(deviation) => random.normal() * deviation,
        Fill::Uniform(low, high) => random.uniform(*low, *high),
        Fill::Integers(low, high) => f64::from(random.integer(*low, *high)),
        Fill::Mask if i.is_multiple_of(row) || random.integer(0, 2) > 0 => 0.0,
        Fill::Mask => f64::NEG_INFINITY,
        Fill::NearCodes if i.is_multiple_of(row) => E4M3.largest / 64.0,
        Fill::NearCodes => {
            // Codes of normal numbers, each moved by at most a tenth of the distance to the next.
            let code = random.integer(0x20, 0x70) as u8 | (random.bits() as u8 & 0x80);
            fp8(code, Fp8Format::E4m3) / 64.0 * (1.0 + random.uniform(-0.1, 0.1) / 16.0)
        }
        Fill::Cycle(values) => values.get(i % values.len().max(1)).copied().unwrap_or(0.0),
    };
    to_bytes(&(0..ty.elements()).map(element).collect::<Vec<_>>(), ty.dtype)
}

/// Random codes, none of them infinite or NaN, and random scales.
fn codes(ty: &TensorType, encoding: &Encoding, random: &mut Random) -> Vec<u8> {
    let Ok(layout) = encoding.layout(ty) else { return Vec::new() };
    let mut code = || loop {
        let code = random.bits() as u8;
        match encoding {
            // The largest codes are left out, so that sums do not drown in a few of them.
            Encoding::Fp8 { format, .. } if fp8(code, *format).abs() <= 16.0 => return code,
            Encoding::Fp8 { .. } => {}
            Encoding::Nf4 { .. } | Encoding::Plain => return code,
        }
    };
    let mut bytes: Vec<u8> = (0..layout.code_bytes).map(|_| code()).collect();
    // Nothing may depend on the padding between codes and scales.
    bytes.resize(layout.scales_offset(), 0xa5);
    let scales: Vec<f64> = (0..layout.scales).map(|_| random.uniform(0.02, 0.2)).collect();
    bytes.extend(to_bytes(&scales, DType::F32));
    bytes
}
