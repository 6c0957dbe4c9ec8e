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

    /// The joined axes' extents and strides.
    pub fn axes(&self) -> (&[usize], &[usize]) {
        (&self.shape[..self.rank], &self.strides[..self.rank])
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

    /// The runs of elements `start..start + len`.
    #[inline(always)]
    pub fn runs(&self, start: usize, len: usize) -> Runs<'_> {
        let mut index = [0; MAX_RANK];
        let (mut rest, mut from) = (start, 0);
        for axis in (0..self.rank).rev() {
            let extent = self.shape[axis].max(1);
            // Division is slow, and the outermost axis needs none.
            let place = if axis == 0 && rest < extent { rest } else { rest % extent };
            index[axis] = place;
            rest = if axis == 0 { 0 } else { rest / extent };
            from += place * self.strides[axis];
        }
        Runs { walk: self, index, to: 0, from, len }
    }

    /// Calls `visit` with the runs of elements `start..start + len`.
    pub fn for_runs(&self, start: usize, len: usize, visit: impl FnMut(Run)) {
        self.runs(start, len).for_each(visit);
    }
}

/// The runs of a stretch of elements.
#[derive(Clone, Debug)]
pub(crate) struct Runs<'w> {
    walk: &'w Walk,
    index: [usize; MAX_RANK],
    to: usize,
    from: usize,
    len: usize,
}

impl Iterator for Runs<'_> {
    type Item = Run;

    #[inline(always)]
    fn next(&mut self) -> Option<Run> {
        if self.to >= self.len {
            return None;
        }
        let Walk { shape, strides, rank } = self.walk;
        let mut axis = rank - 1;
        let stride = strides[axis];
        let count = (shape[axis] - self.index[axis]).min(self.len - self.to);
        let run = Run { to: self.to, from: self.from, stride, count };
        self.to += count;
        self.from += count * stride;
        self.index[axis] += count;
        while self.index[axis] == shape[axis] {
            let Some(outer) = axis.checked_sub(1) else {
                // Past the last element, whatever was asked for.
                self.len = self.to;
                break;
            };
            self.from -= shape[axis] * strides[axis];
            self.index[axis] = 0;
            self.index[outer] += 1;
            self.from += strides[outer];
            axis = outer;
        }
        Some(run)
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
    #[inline(always)]
    pub fn copy(&self, base: usize, start: usize, to: &mut [T]) {
        for run in self.walk.runs(start, to.len()) {
            let target = &mut to[run.to..run.to + run.count];
            let source = &self.data[base + run.from..];
            match run.stride {
                1 => target.copy_from_slice(&source[..run.count]),
                0 => target.fill(source[0]),
                stride => target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(t, s)| *t = *s),
            }
        }
    }
}

impl<T: Element> Reader<'_, T> {
    /// Reads elements `start..start + to.len()` as f32, all offsets moved by `base`.
    #[inline(always)]
    pub fn load(&self, base: usize, start: usize, to: &mut [f32]) {
        for run in self.walk.runs(start, to.len()) {
            let target = &mut to[run.to..run.to + run.count];
            let source = &self.data[base + run.from..];
            match run.stride {
                1 => convert::to_f32(&source[..run.count], target),
                0 => target.fill(source[0].to_f32()),
                stride => {
                    target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(t, s)| *t = s.to_f32());
                }
            }
        }
    }
}

/// Calls `work` with all elements of a small view, such as a bias, as f32; with nothing where there is none.
pub(crate) fn with_elements<T: Element, R>(view: Option<&View<T>>, work: impl FnOnce(&[f32]) -> R) -> R {
    let Some(view) = view else { return work(&[]) };
    super::scratch::with(view.elements(), |elements| {
        Reader::new(view).load(0, 0, elements);
        work(elements)
    })
}
