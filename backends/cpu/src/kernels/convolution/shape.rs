//! A convolution's extents, with three spatial axes whatever it has.

use super::Geometry;
use super::tile::Kernel;
use crate::kernels::walk::Walk;
use crate::tensor::{Element, View};
use smallvec::SmallVec;
use tintype_program::PadMode;

/// Extents and steps. One and two spatial axes are three, the outer ones of extent 1; a kernel of one element that moves
/// by one over an unpadded input has all its positions on one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub pictures: usize,
    pub groups: usize,
    /// Input channels of a group.
    pub inputs: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// Distances in the input: between pictures, between channels, along each spatial axis.
    pub strides: [usize; 5],
    pub input: [usize; 3],
    pub output: [usize; 3],
    pub kernel: [usize; 3],
    pub step: [usize; 3],
    pub dilation: [usize; 3],
    /// Padding before each axis.
    pub before: [usize; 3],
    pub mode: PadMode,
}

/// Three entries, the outer ones `missing` where there are fewer.
fn three(values: impl DoubleEndedIterator<Item = usize>, missing: usize) -> [usize; 3] {
    let mut three = [missing; 3];
    three.iter_mut().rev().zip(values.rev()).for_each(|(to, value)| *to = value);
    three
}

impl Shape {
    /// The extents of `x`, a weight's shape and their result.
    pub fn new<T: Element>(geometry: &Geometry, x: &View<T>, weight: &[usize]) -> Self {
        let copied = |values: &[usize], missing| three(values.iter().copied(), missing);
        let mut input = copied(&x.shape()[2..], 1);
        let kernel = copied(&weight[2..], 1);
        let (step, dilation) = (copied(geometry.stride, 1), copied(geometry.dilation, 1));
        let before = three(geometry.padding.iter().map(|p| p[0]), 0);
        let after = three(geometry.padding.iter().map(|p| p[1]), 0);
        let mut output = std::array::from_fn(|i| {
            let reach = (kernel[i] - 1) * dilation[i] + 1;
            (input[i] + before[i] + after[i]).checked_sub(reach).map_or(0, |room| room / step[i] + 1)
        });
        let [mut depth, mut height, mut width] = copied(&x.strides()[2..], 0);
        let plain = kernel == [1; 3] && step == [1; 3] && before == [0; 3] && after == [0; 3];
        let line = Walk::new(&x.shape()[2..], &x.strides()[2..]).single_stride();
        if let Some(stride) = line.filter(|_| plain) {
            input = [1, 1, input.iter().product()];
            output = input;
            [depth, height, width] = [0, 0, stride];
        }
        Self {
            pictures: x.shape()[0],
            groups: geometry.groups,
            inputs: weight[1],
            outputs: weight[0] / geometry.groups,
            strides: [x.strides()[0], x.strides()[1], depth, height, width],
            input,
            output,
            kernel,
            step,
            dilation,
            before,
            mode: geometry.mode,
        }
    }

    /// Kernel elements of one channel.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Channels of a group as a kernel takes them: one by one or in pairs.
    pub fn lanes_of_depth(&self, kernel: Kernel) -> usize {
        self.inputs.div_ceil(kernel.channels())
    }

    /// Steps of an output's sum.
    pub fn depth(&self, kernel: Kernel) -> usize {
        self.lanes_of_depth(kernel) * self.taps()
    }

    /// Calls `work` with each tap's offset, of which `offset` makes one from the tap's place on each axis.
    pub fn with_taps<R>(&self, offset: impl Fn([usize; 3]) -> usize, work: impl FnOnce(&[usize]) -> R) -> R {
        let [_, height, width] = self.kernel;
        let at = |tap: usize| offset([tap / width / height, tap / width % height, tap % width]);
        work(&(0..self.taps()).map(at).collect::<SmallVec<[usize; 64]>>())
    }

    /// The input's index of a padded place along an axis; `None` where there is nothing but zeros.
    pub fn index(&self, axis: usize, padded: usize) -> Option<usize> {
        let inside = padded.checked_sub(self.before[axis]).filter(|index| *index < self.input[axis]);
        match self.mode {
            PadMode::Zero => inside,
            PadMode::Replicate => {
                Some(padded.saturating_sub(self.before[axis]).min(self.input[axis].checked_sub(1)?))
            }
        }
    }
}
