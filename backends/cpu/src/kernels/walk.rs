//! The elements of a strided view in row-major order, as runs of equal distance.

use super::convert;
use crate::tensor::{Element, View};
use tintype_program::MAX_RANK;

/// The axes of a view: those of extent 1 left out, neighbours that lie as one axis made one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    shape: [usize; MAX_RANK],
    strides: [usize; MAX_RANK],
    rank: usize,
}

/// Elements at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where the run starts among the elements asked for.
    pub to: usize,
    /// The first element's offset.
    pub from: usize,
    /// The distance between neighbours.
    pub stride: usize,
    /// How many there are.
    pub count: usize,
}

impl Walk {
    /// The axes of a view. Of more than [`MAX_RANK`] axes that do not join, the outer ones would be lost; no checked
    /// Program has them.
    pub fn new(shape: &[usize], strides: &[usize]) -> Self {
        let mut walk = Self { shape: [1; MAX_RANK], strides: [0; MAX_RANK], rank: 0 };
        for (&extent, &stride) in shape.iter().zip(strides).filter(|(extent, _)| **extent != 1) {
            match walk.rank.checked_sub(1) {
                Some(last) if walk.strides[last] == stride * extent => {
                    walk.shape[last] *= extent;
                    walk.strides[last] = stride;
                }
                _ => {
                    walk.shape[walk.rank] = extent;
                    walk.strides[walk.rank] = stride;
                    walk.rank += 1;
                }
            }
        }
        // A single element is a run of one.
        walk.rank = walk.rank.max(1);
        walk
    }

    /// The one distance between all neighbours, where there is one.
    pub fn single_stride(&self) -> Option<usize> {
        (self.rank == 1).then_some(self.strides[0])
    }

    /// The offset of element `position`.
    pub fn offset(&self, position: usize) -> usize {
        let (mut rest, mut offset) = (position, 0);
        for axis in (0..self.rank).rev() {
            offset += rest % self.shape[axis] * self.strides[axis];
            rest /= self.shape[axis];
        }
        offset
    }

    /// Calls `visit` with the runs of elements `start..start + len`.
    pub fn for_runs(&self, start: usize, len: usize, mut visit: impl FnMut(Run)) {
        let mut index = [0; MAX_RANK];
        let (mut rest, mut from) = (start, 0);
        for axis in (0..self.rank).rev() {
            index[axis] = rest % self.shape[axis].max(1);
            rest /= self.shape[axis].max(1);
            from += index[axis] * self.strides[axis];
        }
        let inner = self.rank - 1;
        let stride = self.strides[inner];
        let mut to = 0;
        while to < len {
            let count = (self.shape[inner] - index[inner]).min(len - to);
            visit(Run { to, from, stride, count });
            to += count;
            from += count * stride;
            index[inner] += count;
            let mut axis = inner;
            while index[axis] == self.shape[axis] {
                let Some(outer) = axis.checked_sub(1) else { return };
                from -= self.shape[axis] * self.strides[axis];
                index[axis] = 0;
                index[outer] += 1;
                from += self.strides[outer];
                axis = outer;
            }
        }
    }
}

/// A view with its axes joined, to be read a stretch at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a, T> {
    data: &'a [T],
    walk: Walk,
}

impl<'a, T: Copy> Reader<'a, T> {
    /// Reads a view.
    pub fn new(view: &View<'a, T>) -> Self {
        Self { data: view.data(), walk: Walk::new(view.shape(), view.strides()) }
    }

    /// Reads elements from the first of `data` on.
    pub fn over(data: &'a [T], walk: Walk) -> Self {
        Self { data, walk }
    }

    /// Reads the part of a view that some of its axes span.
    pub fn of_axes(view: &View<'a, T>, axes: std::ops::Range<usize>) -> Self {
        Self { data: view.data(), walk: Walk::new(&view.shape()[axes.clone()], &view.strides()[axes]) }
    }

    /// Copies elements `start..start + to.len()`, all offsets moved by `base`.
    pub fn copy(&self, base: usize, start: usize, to: &mut [T]) {
        self.walk.for_runs(start, to.len(), |run| {
            let target = &mut to[run.to..run.to + run.count];
            let source = &self.data[base + run.from..];
            match run.stride {
                1 => target.copy_from_slice(&source[..run.count]),
                0 => target.fill(source[0]),
                stride => target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(t, s)| *t = *s),
            }
        });
    }
}

impl<T: Element> Reader<'_, T> {
    /// Reads elements `start..start + to.len()` as f32, all offsets moved by `base`.
    pub fn load(&self, base: usize, start: usize, to: &mut [f32]) {
        self.walk.for_runs(start, to.len(), |run| {
            let target = &mut to[run.to..run.to + run.count];
            let source = &self.data[base + run.from..];
            match run.stride {
                1 => convert::to_f32(&source[..run.count], target),
                0 => target.fill(source[0].to_f32()),
                stride => {
                    target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(t, s)| *t = s.to_f32());
                }
            }
        });
    }
}

/// All elements of a small view, such as a bias, as f32.
pub(crate) fn to_vec<T: Element>(view: &View<T>) -> Vec<f32> {
    let mut elements = vec![0.0; view.elements()];
    Reader::new(view).load(0, 0, &mut elements);
    elements
}

/// All indices of a view.
pub(crate) fn to_indices(view: &View<i32>) -> Vec<i32> {
    let mut indices = vec![0; view.elements()];
    Reader::new(view).copy(0, 0, &mut indices);
    indices
}
