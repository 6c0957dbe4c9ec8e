//! Encoded parameters: codes of 8 or 4 bits with scales, decoded where they are read.

use super::convert;
use super::scratch;
use super::side::Side;
use crate::tensor::Element;
use rayon::prelude::*;
use std::ops::Range;
use tintype_accel::encode::{NF4_LEVELS, fp8_value};
use tintype_program::{Encoding, TensorType};

/// An encoded parameter's buffer, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded<'a> {
    codes: &'a [u8],
    /// f32, little-endian: buffers need not be aligned.
    scales: &'a [u8],
    /// How many consecutive elements share a scale.
    per_scale: usize,
    /// Elements of one index of the outermost dimension.
    row: usize,
    levels: Levels,
}

/// What codes stand for. The table stays inline: it is made once a call, and a box would take `Copy` away.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant)]
enum Levels {
    Bytes([f32; 256]),
    Nf4,
}

impl<'a> Encoded<'a> {
    /// A parameter of type `ty`, laid out as [`Encoding`] says.
    pub fn new(bytes: &'a [u8], ty: &TensorType, encoding: &Encoding) -> Result<Self, String> {
        let layout = encoding.layout(ty)?;
        let elements = ty.elements();
        let levels = match encoding {
            Encoding::Plain => return Err(format!("a plain {ty} has no codes")),
            Encoding::Fp8 { format, .. } => {
                Levels::Bytes(std::array::from_fn(|code| fp8_value(*format, code as u8)))
            }
            Encoding::Nf4 { .. } => Levels::Nf4,
        };
        let parts = bytes.get(..layout.code_bytes).zip(bytes.get(layout.scales_offset()..layout.bytes()));
        let Some((codes, scales)) = parts else {
            return Err(format!("{} bytes do not hold {ty}, which takes {}", bytes.len(), layout.bytes()));
        };
        let per_scale = elements.checked_div(layout.scales).unwrap_or(0).max(1);
        let row = elements.checked_div(ty.shape.first().copied().unwrap_or(1)).unwrap_or(0);
        Ok(Self { codes, scales, per_scale, row, levels })
    }

    /// Decodes elements from `start` on, in row-major order.
    fn load(&self, start: usize, to: &mut [f32]) {
        let mut done = 0;
        while done < to.len() {
            let from = start + done;
            let block = from / self.per_scale;
            let count = (self.per_scale - from % self.per_scale).min(to.len() - done);
            let scale = self
                .scales
                .get(4 * block..4 * block + 4)
                .map_or(1.0, |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            let target = &mut to[done..done + count];
            match &self.levels {
                Levels::Bytes(levels) => {
                    let codes = &self.codes[from..from + count];
                    target.iter_mut().zip(codes).for_each(|(t, c)| *t = levels[usize::from(*c)] * scale);
                }
                Levels::Nf4 => {
                    for (i, target) in (from..).zip(target) {
                        let pair = self.codes[i / 2];
                        let code = if i % 2 == 0 { pair >> 4 } else { pair & 15 };
                        *target = NF4_LEVELS[usize::from(code)] * scale;
                    }
                }
            }
            done += count;
        }
    }
}

impl Side for Encoded<'_> {
    fn fill(&self, line: usize, range: Range<usize>, to: &mut [f32]) {
        self.load(line * self.row + range.start, to);
    }
}

/// Writes the plain values of a parameter.
pub(crate) fn decode<T: Element>(weight: &Encoded, out: &mut [T]) {
    const STRETCH: usize = 4096;
    out.par_chunks_mut(STRETCH).enumerate().for_each(|(i, out)| {
        scratch::with(out.len(), |line| {
            weight.load(i * STRETCH, line);
            convert::from_f32(line, out);
        });
    });
}
