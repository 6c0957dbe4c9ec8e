//! Reading the part of the input that a block of the result sees.

use super::plan::Plan;
use super::shape::Shape;
use super::tile::Kernel;
use crate::kernels::vector::{Work, vectorised};
use crate::kernels::{convert, scratch};
use crate::tensor::{Element, View};
use half::bf16;
use std::ops::Range;
use tintype_program::PadMode;

/// One group of channels of one picture.
pub(super) struct Input<'a, T> {
    pub shape: &'a Shape,
    pub plan: &'a Plan,
    pub x: &'a View<'a, T>,
    pub picture: usize,
    pub group: usize,
}

/// Reading what a block sees.
struct Read<'a, T> {
    input: &'a Input<'a, T>,
    channels: usize,
    first: [usize; 3],
    planes: &'a mut [f32],
}

impl<T: Element> Work for Read<'_, T> {
    #[inline(always)]
    fn run(self) {
        self.input.read_planes(self.channels, self.first, self.planes);
    }
}

impl<T: Element> Input<'_, T> {
    /// Reads what the block whose first output is at `[layer, row, column]` sees.
    pub fn read(&self, kernel: Kernel, first: [usize; 3], planes: &mut [f32]) {
        vectorised(kernel.level(), Read { input: self, channels: kernel.channels(), first, planes });
    }

    #[inline(always)]
    fn read_planes(&self, channels: usize, first: [usize; 3], planes: &mut [f32]) {
        for (lane, plane) in planes.chunks_exact_mut(self.plan.plane).enumerate() {
            let channel = lane * channels;
            if channels == 1 {
                self.plane(channel, first, plane, |input, from, columns, to| input.row(from, columns, to));
            } else {
                let last = channel + 1 == self.shape.inputs;
                self.plane(channel, first, plane, |input, from, columns, to| {
                    let next = (!last).then(|| from + input.shape.strides[1]);
                    input.paired_row([Some(from), next], columns, to);
                });
            }
        }
    }

    /// Reads all rows of a channel with `read`, which is given where a row starts, the padded place of its first column
    /// and where to put the columns that stand `step` apart from it.
    #[inline(always)]
    fn plane(
        &self,
        channel: usize,
        [layer, row, column]: [usize; 3],
        plane: &mut [f32],
        read: impl Fn(&Self, usize, usize, &mut [f32]),
    ) {
        let (shape, plan) = (self.shape, self.plan);
        let [pictures, channels, layers, rows, _] = shape.strides;
        let from = self.picture * pictures + (self.group * shape.inputs + channel) * channels;
        for (z, plane) in plane.chunks_exact_mut(plan.rows * plan.row).enumerate() {
            let z = shape.index(0, layer * shape.step[0] + z * shape.dilation[0]);
            for (y, line) in plane.chunks_exact_mut(plan.row).enumerate() {
                match z.zip(shape.index(1, row * shape.step[1] + y)) {
                    Some((z, y)) => {
                        for (phase, line) in line.chunks_exact_mut(plan.pitch).enumerate() {
                            let first = column * shape.step[2] + phase;
                            read(self, from + z * layers + y * rows, first, line);
                        }
                    }
                    None => line.fill(0.0),
                }
            }
        }
    }

    /// Which of `count` columns from a padded place on lie in the input, and the index of the first that does.
    #[inline(always)]
    fn inside(&self, first: usize, count: usize) -> (Range<usize>, usize) {
        let (before, step) = (self.shape.before[2], self.shape.step[2]);
        let start = before.saturating_sub(first).div_ceil(step).min(count);
        let end = (before + self.shape.input[2]).saturating_sub(first).div_ceil(step).clamp(start, count);
        (start..end, (first + start * step).saturating_sub(before))
    }

    /// Reads columns as f32.
    #[inline(always)]
    fn row(&self, from: usize, first: usize, to: &mut [f32]) {
        let (inside, index) = self.inside(first, to.len());
        let width = self.shape.input[2];
        let stride = self.shape.strides[4];
        let at = |index: usize| self.x.data()[from + index * stride].to_f32();
        let edges = match self.shape.mode {
            PadMode::Replicate if width > 0 => [at(0), at(width - 1)],
            _ => [0.0; 2],
        };
        to[..inside.start].fill(edges[0]);
        to[inside.end..].fill(edges[1]);
        let to = &mut to[inside];
        if to.is_empty() {
            return;
        }
        let data = &self.x.data()[from + index * stride..];
        match stride * self.shape.step[2] {
            1 => convert::to_f32(&data[..to.len()], to),
            0 => to.fill(data[0].to_f32()),
            apart => to.iter_mut().zip(data.iter().step_by(apart)).for_each(|(t, s)| *t = s.to_f32()),
        }
    }

    /// Reads columns of two channels of bf16 as pairs: the first channel in the lower half.
    #[inline(always)]
    fn paired_row(&self, from: [Option<usize>; 2], first: usize, to: &mut [f32]) {
        let (inside, index) = self.inside(first, to.len());
        let data: &[bf16] = bytemuck::try_cast_slice(self.x.data()).unwrap_or_default();
        if let [Some(low), Some(high)] = from
            && self.shape.strides[4] * self.shape.step[2] == 1
            && self.shape.mode == PadMode::Zero
        {
            to[..inside.start].fill(0.0);
            to[inside.end..].fill(0.0);
            if !inside.is_empty() {
                let to = &mut to[inside];
                pair(&data[low + index..][..to.len()], &data[high + index..][..to.len()], to);
            }
            return;
        }
        scratch::with(to.len(), |line| {
            to.fill(0.0);
            for (half, from) in from.into_iter().enumerate() {
                let Some(from) = from else { continue };
                self.row(from, first, line);
                let bits = |v: f32| (v.to_bits() >> 16) << (16 * half);
                to.iter_mut().zip(&*line).for_each(|(t, v)| *t = f32::from_bits(t.to_bits() | bits(*v)));
            }
        });
    }
}

/// Pairs elements, the first in the lower half.
#[inline(always)]
fn pair(low: &[bf16], high: &[bf16], to: &mut [f32]) {
    let to: &mut [u32] = bytemuck::cast_slice_mut(to);
    for (to, (low, high)) in to.iter_mut().zip(low.iter().zip(high)) {
        *to = u32::from(low.to_bits()) | u32::from(high.to_bits()) << 16;
    }
}
