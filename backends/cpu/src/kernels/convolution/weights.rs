//! Packing weights in panels: `[group, panel, channel, tap, PANEL]`, a channel being a pair where the kernel takes pairs.

use super::tile::{Kernel, PANEL};
use crate::kernels::walk::Reader;
use crate::level::Level;
use crate::tensor::{Element, View};
use rayon::prelude::*;
use tintype_program::DType;

/// Steps that are packed at once.
const STEPS: usize = 64;

/// The bytes of a packed weight of `shape`, for a convolution of one group: a multiple of 4.
pub(crate) fn packed_bytes(level: Level, dtype: DType, shape: &[usize]) -> usize {
    packed_len(Kernel::new(level, dtype), 1, shape) * size_of::<f32>()
}

/// Packs a weight `[o, c, kernel...]` of a convolution of one group for `level` and its dtype.
///
/// # Errors
/// Bytes that are not aligned to 4 bytes, or fewer than [`packed_bytes`].
pub(crate) fn pack<T: Element>(level: Level, weight: View<T>, to: &mut [u8]) -> Result<(), String> {
    let kernel = Kernel::new(level, T::DTYPE);
    let to: &mut [f32] = bytemuck::try_cast_slice_mut(to).map_err(|error| error.to_string())?;
    let len = packed_len(kernel, 1, weight.shape());
    let to = to.get_mut(..len).ok_or_else(|| format!("a packed weight takes {len} elements"))?;
    pack_into(kernel, 1, weight, to);
    Ok(())
}

/// The elements of a packed weight.
pub(super) fn packed_len(kernel: Kernel, groups: usize, shape: &[usize]) -> usize {
    let taps: usize = shape[2..].iter().product();
    let panels = groups * (shape[0] / groups).div_ceil(PANEL);
    panels * shape[1].div_ceil(kernel.channels()) * taps * PANEL
}

/// Packs a weight into exactly as many elements as [`packed_len`] says.
pub(super) fn pack_into<T: Element>(kernel: Kernel, groups: usize, weight: View<T>, to: &mut [f32]) {
    let shape = weight.shape();
    let (outputs, inputs) = (shape[0] / groups, shape[1]);
    let taps: usize = shape[2..].iter().product();
    let lanes = inputs.div_ceil(kernel.channels());
    if to.is_empty() {
        return;
    }
    let reader = Reader::of_axes(&weight, 1..shape.len());
    let panels = outputs.div_ceil(PANEL);
    to.par_chunks_mut(lanes * taps * PANEL).enumerate().for_each(|(panel, to)| {
        let (group, first) = (panel / panels, panel % panels * PANEL);
        let count = PANEL.min(outputs - first);
        let row = |output: usize| (group * outputs + first + output) * weight.strides()[0];
        let mut lines = [[0f32; STEPS]; PANEL];
        if kernel.channels() == 1 {
            for (chunk, to) in to.chunks_mut(STEPS * PANEL).enumerate() {
                let steps = to.len() / PANEL;
                for (output, line) in lines.iter_mut().take(count).enumerate() {
                    reader.load(row(output), chunk * STEPS, &mut line[..steps]);
                }
                turn(&lines, to);
            }
            return;
        }
        for (lane, to) in to.chunks_exact_mut(taps * PANEL).enumerate() {
            for (chunk, to) in to.chunks_mut(STEPS * PANEL).enumerate() {
                let steps = to.len() / PANEL;
                for (output, line) in lines.iter_mut().take(count).enumerate() {
                    let mut halves = [[0f32; STEPS]; 2];
                    for (channel, half) in (2 * lane..inputs).zip(&mut halves) {
                        reader.load(row(output), channel * taps + chunk * STEPS, &mut half[..steps]);
                    }
                    let [low, high] = &halves;
                    for ((to, low), high) in line.iter_mut().zip(low).zip(high) {
                        *to = f32::from_bits(low.to_bits() >> 16 | (high.to_bits() & 0xffff_0000));
                    }
                }
                turn(&lines, to);
            }
        }
    });
}

/// Writes lines as columns.
fn turn(lines: &[[f32; STEPS]; PANEL], to: &mut [f32]) {
    for (step, to) in to.chunks_exact_mut(PANEL).enumerate() {
        to.iter_mut().zip(lines).for_each(|(to, line)| *to = line[step]);
    }
}
