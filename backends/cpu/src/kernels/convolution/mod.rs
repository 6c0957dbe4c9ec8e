//! Convolution without im2col.
//!
//! A block of the input is copied once, padded and as the micro-kernel reads it, small enough for the second-level cache;
//! all outputs that it serves are then summed in registers over the whole depth and written once. Weights are packed in
//! panels of [`PANEL`](tile::PANEL) outputs. Where the level multiplies pairs of bf16, neighbouring channels are paired.
//!
//! An output's products are summed channel by channel (or pair by pair), each tap in turn, in one sum: its bits depend on
//! the level only, neither on threads, nor on the batch, nor on how the result is divided into blocks.

mod block;
mod doubled;
mod finish;
mod grid;
mod plan;
mod shape;
mod tile;
mod vector;
mod weights;

use super::scratch;
use super::vector::vectorised;
use crate::level::Level;
use crate::tensor::{Element, View};
use block::Input;
pub(crate) use doubled::{convolution_doubled, doubled_bytes, pack_doubled};
use finish::Finish;
use grid::Spread;
use plan::Plan;
use shape::Shape;
use tile::{Kernel, PANEL, Steps, Sums};
use tintype_program::PadMode;
#[cfg_attr(not(test), allow(unused_imports, reason = "for weights that are packed when bound"))]
pub(crate) use weights::{pack, packed_bytes};

/// A convolution's attributes, one entry a spatial axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry<'a> {
    /// Step of each spatial axis.
    pub stride: &'a [usize],
    /// Padding before and after each spatial axis.
    pub padding: &'a [[usize; 2]],
    /// Distance between kernel elements of each spatial axis.
    pub dilation: &'a [usize],
    /// Groups of channels that see only each other.
    pub groups: usize,
    /// What padding holds.
    pub mode: PadMode,
}

/// `x: [n, c, spatial...]`, `weight: [o, c / groups, kernel...]`, `bias: [o]` to `[n, o, spatial'...]`.
pub(crate) fn convolution<T: Element>(
    level: Level,
    geometry: &Geometry,
    x: View<T>,
    weight: View<T>,
    bias: Option<View<T>>,
    out: &mut [T],
) {
    if out.is_empty() {
        return;
    }
    let kernel = Kernel::new(level, T::DTYPE);
    scratch::with(weights::packed_len(kernel, geometry.groups, weight.shape()), |packed| {
        weights::pack_into(kernel, geometry.groups, weight, packed);
        run(kernel, geometry, x, weight.shape(), packed, bias, (out, Spread::NONE));
    });
}

/// As [`convolution`] of one group, with a weight of `shape` that [`pack`] has packed at the same level.
///
/// # Errors
/// Packed bytes that are not aligned to 4 bytes, or too few.
pub(crate) fn convolution_packed<T: Element>(
    level: Level,
    geometry: &Geometry,
    x: View<T>,
    (shape, packed): (&[usize], &[u8]),
    bias: Option<View<T>>,
    out: &mut [T],
) -> Result<(), String> {
    let kernel = Kernel::new(level, T::DTYPE);
    let len = weights::packed_len(kernel, geometry.groups, shape);
    let packed: &[f32] = bytemuck::try_cast_slice(packed).map_err(|error| error.to_string())?;
    let packed = packed.get(..len).ok_or("the packed weight is too short")?;
    if !out.is_empty() {
        run(kernel, geometry, x, shape, packed, bias, (out, Spread::NONE));
    }
    Ok(())
}

/// Convolves with packed weights, block by block, and spreads what comes out over the result.
fn run<T: Element>(
    kernel: Kernel,
    geometry: &Geometry,
    x: View<T>,
    weight: &[usize],
    packed: &[f32],
    bias: Option<View<T>>,
    (out, spread): (&mut [T], Spread),
) {
    let shape = Shape::new(geometry, &x, weight);
    let plan = Plan::new(&shape, kernel, rayon::current_num_threads());
    let panel = shape.depth(kernel) * PANEL;
    let panels = shape.outputs.div_ceil(PANEL) * panel;
    shape.with_taps(plan.offsets(&shape), |taps| {
        let [depth, height, width] = shape.output;
        let extents = [shape.pictures * shape.groups, shape.outputs, depth, height, width];
        grid::for_each_block(out, (extents, spread), plan.steps(), |mut block| {
            let [part, outputs, layer, rows, columns] = block.ranges();
            let (picture, group) = (part.start / shape.groups, part.start % shape.groups);
            let input = Input { shape: &shape, plan: &plan, x: &x, picture, group };
            let vectors = columns.len().div_ceil(kernel.lanes());
            scratch::with(plan.plane * shape.lanes_of_depth(kernel), |planes| {
                input.read(kernel, [layer.start, rows.start, columns.start], planes);
                for first in outputs.step_by(PANEL) {
                    let weights = &packed[group * panels + first / PANEL * panel..][..panel];
                    let steps = Steps::new(kernel, planes, plan.plane, taps, weights);
                    let count = PANEL.min(shape.outputs - first);
                    for batch in batches(rows.len() * vectors, kernel.vectors()) {
                        let from = |i: usize| {
                            let vector = batch.start + i;
                            vector / vectors * plan.row_step + vector % vectors * kernel.lanes()
                        };
                        let mut sums = Sums::new(kernel);
                        steps.sum(batch.len(), from, count, &mut sums);
                        let outputs = first..first + count;
                        let channel = group * shape.outputs + first;
                        let (sums, block, lanes) = (&mut sums, &mut block, kernel.lanes());
                        let finish = Finish { sums, block, outputs, channel, bias, batch, vectors, lanes };
                        vectorised(kernel.level(), finish);
                    }
                }
            });
        });
    });
}

/// Divides `count` into ranges of at most `most`, as equal as can be.
fn batches(count: usize, most: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let parts = count.div_ceil(most);
    (0..parts).map(move |part| part * count / parts..(part + 1) * count / parts)
}
