//! How a parameter's elements are stored.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::TensorType;
use serde::{Deserialize, Serialize};

/// How a parameter's elements are stored on the device. Part of a block's hash: code that reads fp8 is other code
/// than code that reads bf16.
///
/// An encoded parameter is one buffer: first the codes in row-major order, then, aligned to 16 bytes, the scales
/// as f32. The value that it stands for is `code * scale`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Encoding {
    /// The elements themselves, in the value's own dtype.
    #[default]
    Plain,
    /// 8-bit floating point with f32 scales.
    Fp8 {
        /// The 8-bit format.
        format: Fp8Format,
        /// How many elements share a scale.
        scales: ScaleGranularity,
    },
    /// 4-bit NormalFloat (QLoRA, Dettmers et al. 2023): two codes a byte, the first in the upper half, one scale a
    /// block of consecutive elements.
    Nf4 {
        /// Elements that share a scale; a power of two of at least 16.
        block: usize,
    },
}

/// An 8-bit floating-point format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fp8Format {
    /// OCP E4M3: bias 7, largest 448, no infinity, NaN 0x7F and 0xFF.
    E4m3,
    /// E4M3 FNUZ (AMD CDNA 3): bias 8, largest 240, no negative zero, NaN 0x80.
    E4m3Fnuz,
    /// OCP E5M2: bias 15, largest 57,344, with infinities.
    E5m2,
    /// E5M2 FNUZ (AMD CDNA 3): bias 16, largest 57,344, neither infinity nor negative zero, NaN 0x80.
    E5m2Fnuz,
}

impl Fp8Format {
    /// All of them.
    pub const ALL: [Fp8Format; 4] =
        [Fp8Format::E4m3, Fp8Format::E4m3Fnuz, Fp8Format::E5m2, Fp8Format::E5m2Fnuz];

    /// Bits of the fraction.
    pub fn fraction_bits(self) -> u32 {
        match self {
            Fp8Format::E4m3 | Fp8Format::E4m3Fnuz => 3,
            Fp8Format::E5m2 | Fp8Format::E5m2Fnuz => 2,
        }
    }

    /// What is subtracted from an exponent's bits.
    pub fn bias(self) -> i32 {
        match self {
            Fp8Format::E4m3 => 7,
            Fp8Format::E4m3Fnuz => 8,
            Fp8Format::E5m2 => 15,
            Fp8Format::E5m2Fnuz => 16,
        }
    }

    /// Whether 0x80 is the only NaN, and every other code a number.
    pub fn is_fnuz(self) -> bool {
        matches!(self, Fp8Format::E4m3Fnuz | Fp8Format::E5m2Fnuz)
    }
}

/// How many elements share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "per", rename_all = "snake_case")]
pub enum ScaleGranularity {
    /// One scale for the tensor.
    Tensor,
    /// One scale for each index of the outermost dimension.
    Row,
    /// One scale for each block of consecutive elements within a row.
    Block {
        /// Elements in a block.
        size: usize,
    },
}

impl Encoding {
    /// Whether elements are stored as they are.
    pub fn is_plain(&self) -> bool {
        *self == Encoding::Plain
    }

    /// Bytes of codes and number of f32 scales that a parameter of type `ty` takes, or why it cannot be stored so.
    pub fn layout(&self, ty: &TensorType) -> Result<EncodedLayout, String> {
        let elements = ty.elements();
        let rows = ty.shape.first().copied().unwrap_or(1);
        let row = elements.checked_div(rows).unwrap_or(0);
        let (code_bytes, scales) = match self {
            Encoding::Plain => return Ok(EncodedLayout { code_bytes: ty.bytes(), scales: 0 }),
            _ if !ty.dtype.is_float() => return Err(format!("{ty} is not floating point")),
            Encoding::Fp8 { scales: ScaleGranularity::Tensor, .. } => (elements, 1),
            Encoding::Fp8 { scales: ScaleGranularity::Row, .. } => (elements, rows),
            Encoding::Fp8 { scales: ScaleGranularity::Block { size }, .. } => {
                match elements.checked_div(*size) {
                    Some(scales) if row.is_multiple_of(*size) => (elements, scales),
                    _ => return Err(format!("rows of {row} elements do not split into blocks of {size}")),
                }
            }
            Encoding::Nf4 { block } => {
                if *block < 16 || !block.is_power_of_two() || !elements.is_multiple_of(*block) {
                    return Err(format!("{elements} elements do not split into 4-bit blocks of {block}"));
                }
                (elements / 2, elements.checked_div(*block).unwrap_or_default())
            }
        };
        Ok(EncodedLayout { code_bytes, scales })
    }
}

/// The sizes of an encoded parameter's two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedLayout {
    /// Bytes of codes, from the buffer's start.
    pub code_bytes: usize,
    /// How many f32 scales follow.
    pub scales: usize,
}

impl EncodedLayout {
    /// Where the scales start, in bytes.
    pub fn scales_offset(&self) -> usize {
        self.code_bytes.next_multiple_of(16)
    }

    /// Bytes of the whole buffer.
    pub fn bytes(&self) -> usize {
        if self.scales == 0 {
            self.code_bytes
        } else {
            self.scales_offset().saturating_add(self.scales.saturating_mul(4))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    #[test]
    fn layouts_count_codes_and_scales() {
        let ty = TensorType::new(DType::Bf16, [6, 32]);
        let fp8 = |scales| Encoding::Fp8 { format: Fp8Format::E4m3, scales };
        assert_eq!(Encoding::Plain.layout(&ty).unwrap().bytes(), 384);
        assert_eq!(fp8(ScaleGranularity::Tensor).layout(&ty).unwrap().bytes(), 192 + 4);
        assert_eq!(fp8(ScaleGranularity::Row).layout(&ty).unwrap().bytes(), 192 + 24);
        assert_eq!(fp8(ScaleGranularity::Block { size: 16 }).layout(&ty).unwrap().scales, 12);
        assert!(fp8(ScaleGranularity::Block { size: 24 }).layout(&ty).is_err());
        assert_eq!(Encoding::Nf4 { block: 64 }.layout(&ty).unwrap().bytes(), 96 + 12);
        assert!(Encoding::Nf4 { block: 0 }.layout(&ty).is_err());
    }
}
