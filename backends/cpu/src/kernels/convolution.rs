//! Convolution as a product with the input's windows, which are read a block at a time.

use super::matmul::each;
use super::product::{Bias, product};
use super::side::{Side, Strided, with_rows};
use super::walk::{Walk, to_vec};
use crate::tensor::{Element, View};
use std::ops::Range;
use tintype_program::PadMode;

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
    geometry: &Geometry,
    x: View<T>,
    weight: View<T>,
    bias: Option<View<T>>,
    out: &mut [T],
) {
    let outputs = weight.shape()[0] / geometry.groups;
    let channels = weight.shape()[1];
    let depth: usize = weight.shape()[1..].iter().product();
    let windows = Windows::new(geometry, &x, &weight);
    let positions: usize = windows.output.iter().product();
    if out.is_empty() {
        return;
    }
    let bias = bias.map(|bias| to_vec(&bias));
    let plain =
        windows.is_plain().then(|| Walk::new(&x.shape()[2..], &x.strides()[2..]).single_stride()).flatten();
    each(out, outputs * positions, outputs * positions * depth, |(index, out)| {
        let (picture, group) = (index / geometry.groups, index % geometry.groups);
        let from = picture * x.strides()[0] + group * channels * x.strides()[1];
        let data = &x.data()[from.min(x.data().len())..];
        let first = group * outputs;
        let bias = bias.as_deref().map_or(Bias::None, |bias| Bias::Rows(&bias[first..first + outputs]));
        with_rows(&weight, 1, (first * weight.strides()[0]).min(weight.data().len()), |weight| match plain {
            Some(stride) => {
                let side = Strided { data, strides: [stride, x.strides()[1]] };
                product([outputs, positions, depth], weight, &side, bias, out);
            }
            None => product([outputs, positions, depth], weight, &Windows { data, ..windows }, bias, out),
        });
    });
}

/// The windows of one group of channels as a matrix `[positions, channels * kernel]`. One and two spatial axes are three,
/// the outer ones of extent 1.
#[derive(Clone, Copy)]
struct Windows<'a, T> {
    data: &'a [T],
    /// Distance between channels, then along each spatial axis.
    strides: [usize; 4],
    input: [usize; 3],
    output: [usize; 3],
    kernel: [usize; 3],
    step: [usize; 3],
    dilation: [usize; 3],
    /// Padding before each axis.
    before: [usize; 3],
    padded: bool,
    mode: PadMode,
}

/// Three entries, the outer ones `missing` where there are fewer.
fn three(values: impl DoubleEndedIterator<Item = usize>, missing: usize) -> [usize; 3] {
    let mut three = [missing; 3];
    three.iter_mut().rev().zip(values.rev()).for_each(|(to, value)| *to = value);
    three
}

impl<'a, T: Element> Windows<'a, T> {
    fn new(geometry: &Geometry, x: &View<'a, T>, weight: &View<T>) -> Self {
        let copied = |values: &[usize], missing| three(values.iter().copied(), missing);
        let input = copied(&x.shape()[2..], 1);
        let kernel = copied(&weight.shape()[2..], 1);
        let (step, dilation) = (copied(geometry.stride, 1), copied(geometry.dilation, 1));
        let before = three(geometry.padding.iter().map(|p| p[0]), 0);
        let after = three(geometry.padding.iter().map(|p| p[1]), 0);
        let output = std::array::from_fn(|i| {
            let reach = (kernel[i] - 1) * dilation[i] + 1;
            (input[i] + before[i] + after[i]).checked_sub(reach).map_or(0, |room| room / step[i] + 1)
        });
        let [depth, height, width] = copied(&x.strides()[2..], 0);
        let strides = [x.strides()[1], depth, height, width];
        let padded = geometry.padding.iter().flatten().any(|p| *p > 0);
        Self {
            data: x.data(),
            strides,
            input,
            output,
            kernel,
            step,
            dilation,
            before,
            padded,
            mode: geometry.mode,
        }
    }

    /// Whether every window is one element, the same as its position.
    fn is_plain(&self) -> bool {
        self.kernel == [1; 3] && self.step == [1; 3] && !self.padded
    }

    /// The input's index along an axis; `None` outside.
    fn index(&self, axis: usize, position: usize, tap: usize) -> Option<usize> {
        let padded = position * self.step[axis] + tap * self.dilation[axis];
        let index = padded.checked_sub(self.before[axis]).filter(|index| *index < self.input[axis]);
        match self.mode {
            PadMode::Zero => index,
            PadMode::Replicate => Some(padded.saturating_sub(self.before[axis]).min(self.input[axis] - 1)),
        }
    }

    /// Positions along the innermost axis whose tap lies inside the input.
    fn inside(&self, tap: usize) -> Range<usize> {
        let (offset, step) = (tap * self.dilation[2], self.step[2]);
        let start = self.before[2].saturating_sub(offset).div_ceil(step);
        let end = (self.before[2] + self.input[2]).saturating_sub(offset).div_ceil(step);
        start..end.max(start)
    }

    /// Reads one tap of a stretch of one row of positions.
    fn fill_row(&self, from: usize, tap: usize, positions: Range<usize>, to: &mut [f32]) {
        let inside = self.inside(tap);
        let start = inside.start.clamp(positions.start, positions.end);
        let end = inside.end.clamp(start, positions.end);
        let (left, rest) = to.split_at_mut(start - positions.start);
        let (middle, right) = rest.split_at_mut(end - start);
        let at = |index: usize| self.data[from + index * self.strides[3]].to_f32();
        let edges = match self.mode {
            _ if left.is_empty() && right.is_empty() => [0.0; 2],
            PadMode::Zero => [0.0; 2],
            PadMode::Replicate => [at(0), at(self.input[2] - 1)],
        };
        left.fill(edges[0]);
        right.fill(edges[1]);
        if !middle.is_empty() {
            let first = start * self.step[2] + tap * self.dilation[2] - self.before[2];
            let data = &self.data[from + first * self.strides[3]..];
            Strided { data, strides: [0, self.step[2] * self.strides[3]] }.fill(0, 0..middle.len(), middle);
        }
    }
}

impl<T: Element> Side for Windows<'_, T> {
    fn lines_run_across_rows(&self) -> bool {
        true
    }

    fn fill(&self, line: usize, range: Range<usize>, to: &mut [f32]) {
        let [kernel_depth, height, width] = self.kernel;
        let (x, rest) = (line % width, line / width);
        let (y, rest) = (rest % height, rest / height);
        let (z, channel) = (rest % kernel_depth, rest / kernel_depth);
        let row = self.output[2];
        let mut position = range.start;
        while position < range.end {
            let (line, start) = (position / row, position % row);
            let end = row.min(start + range.end - position);
            let to = &mut to[position - range.start..][..end - start];
            let outer = self.index(0, line / self.output[1], z).zip(self.index(1, line % self.output[1], y));
            match outer {
                Some((z, y)) => {
                    let [channels, planes, rows, _] = self.strides;
                    self.fill_row(channel * channels + z * planes + y * rows, x, start..end, to);
                }
                None => to.fill(0.0),
            }
            position += end - start;
        }
    }
}
