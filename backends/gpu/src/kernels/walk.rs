//! Ways through several strided tensors of one shape at once.

use crate::{Arg, View};
use std::fmt::Write;

/// The axes of a shape with each operand's strides, as few as can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) extents: Vec<usize>,
    /// By operand, then axis.
    pub(super) strides: Vec<Vec<usize>>,
}

impl Walk {
    /// Axes of extent 1 are left out, and neighbours that every operand steps through as one are one.
    pub(super) fn over(shape: &[usize], operands: &[&[usize]]) -> Self {
        let mut walk = Self { extents: Vec::new(), strides: vec![Vec::new(); operands.len()] };
        for (axis, &extent) in shape.iter().enumerate().filter(|(_, extent)| **extent != 1) {
            let joins = walk.extents.last().is_some()
                && walk.strides.iter().zip(operands).all(|(known, strides)| {
                    let here = strides.get(axis).copied().unwrap_or(0);
                    known.last() == Some(&(here * extent))
                });
            match walk.extents.last_mut().filter(|_| joins) {
                Some(last) => *last *= extent,
                None => walk.extents.push(extent),
            }
            for (known, strides) in walk.strides.iter_mut().zip(operands) {
                let here = strides.get(axis).copied().unwrap_or(0);
                match known.last_mut().filter(|_| joins) {
                    Some(last) => *last = here,
                    None => known.push(here),
                }
            }
        }
        walk
    }

    pub(super) fn rank(&self) -> usize {
        self.extents.len()
    }

    pub(super) fn elements(&self) -> usize {
        self.extents.iter().product()
    }

    /// The furthest that any operand reaches, in elements.
    pub(super) fn reach(&self) -> usize {
        let of = |strides: &Vec<usize>| -> usize {
            self.extents.iter().zip(strides).map(|(extent, stride)| extent.saturating_sub(1) * stride).sum()
        };
        self.strides.iter().map(of).max().unwrap_or(0).max(self.elements())
    }

    /// The integer type that indices fit in.
    pub(super) fn index(&self) -> Index {
        if self.reach() < i32::MAX as usize { Index::Narrow } else { Index::Wide }
    }

    /// Parameters of a kernel for this walk: extents but the outermost, then the strides that are neither 0 nor, innermost, 1.
    /// Each begins with a comma. `tag` keeps walks of one kernel apart.
    pub(super) fn parameters(&self, tag: &str, index: Index) -> String {
        let name = index.name();
        let mut text = String::new();
        for axis in 1..self.rank() {
            let _ = write!(text, ", {name} {tag}e{axis}");
        }
        for (operand, axis) in self.passed() {
            let _ = write!(text, ", {name} {tag}s{operand}_{axis}");
        }
        text
    }

    /// The arguments for [`Walk::parameters`].
    pub(super) fn arguments(&self, index: Index) -> Vec<Arg> {
        let extents = self.extents.iter().skip(1).copied();
        let strides = self.passed().into_iter().map(|(operand, axis)| self.strides[operand][axis]);
        extents.chain(strides).map(|value| index.arg(value)).collect()
    }

    fn passed(&self) -> Vec<(usize, usize)> {
        let all =
            (0..self.strides.len()).flat_map(|operand| (0..self.rank()).map(move |axis| (operand, axis)));
        all.filter(|&(operand, axis)| {
            let stride = self.strides[operand][axis];
            stride != 0 && !(stride == 1 && axis + 1 == self.rank())
        })
        .collect()
    }

    /// Whether any operand takes a step on its way. Where none does, its coordinates are not asked for.
    pub(super) fn moves(&self) -> bool {
        (0..self.rank()).any(|axis| self.steps(axis))
    }

    /// Whether any operand takes a step along an axis.
    fn steps(&self, axis: usize) -> bool {
        self.strides.iter().any(|strides| strides.get(axis).is_some_and(|&stride| stride != 0))
    }

    /// Statements that take `from`, a number of an element in row-major order, apart into `{tag}i0`, `{tag}i1`, ..., those
    /// along which an operand takes a step.
    pub(super) fn coordinates(&self, tag: &str, from: &str, index: Index) -> String {
        let name = index.name();
        let mut text = String::new();
        let mut rest = from.to_string();
        for axis in (1..self.rank()).rev() {
            if self.steps(axis) {
                let _ = writeln!(text, "    const {name} {tag}i{axis} = {rest} % {tag}e{axis};");
            }
            if (0..axis).any(|outer| self.steps(outer)) {
                let _ = writeln!(text, "    const {name} {tag}r{axis} = {rest} / {tag}e{axis};");
                rest = format!("{tag}r{axis}");
            }
        }
        if self.rank() > 0 && self.steps(0) {
            let _ = writeln!(text, "    const {name} {tag}i0 = {rest};");
        }
        text
    }

    /// The operand's offset at these coordinates.
    pub(super) fn offset(&self, tag: &str, operand: usize) -> String {
        let terms = (0..self.rank()).filter_map(|axis| match self.strides[operand][axis] {
            0 => None,
            1 if axis + 1 == self.rank() => Some(format!("{tag}i{axis}")),
            _ => Some(format!("{tag}i{axis} * {tag}s{operand}_{axis}")),
        });
        let terms: Vec<_> = terms.collect();
        if terms.is_empty() { "0".into() } else { terms.join(" + ") }
    }
}

/// An integer type of indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    Narrow,
    Wide,
}

impl Index {
    pub(super) fn name(self) -> &'static str {
        match self {
            Index::Narrow => "u32",
            Index::Wide => "i64",
        }
    }

    pub(super) fn arg(self, value: usize) -> Arg {
        match self {
            Index::Narrow => Arg::I32(value as u32 as i32),
            Index::Wide => Arg::I64(value as i64),
        }
    }
}

/// A view's strides over a larger shape: 0 along axes that it has not, or has once.
pub(super) fn broadcast(view: &View, shape: &[usize]) -> Vec<usize> {
    let missing = shape.len().saturating_sub(view.shape.len());
    let mut strides = vec![0; missing];
    let own = view.shape.iter().zip(&view.strides).zip(&shape[missing.min(shape.len())..]);
    strides.extend(own.map(|((&had, &stride), &has)| if had == 1 && has != 1 { 0 } else { stride }));
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_that_all_step_through_as_one_are_one() {
        let walk = Walk::over(&[2, 3, 1, 4], &[&[12, 4, 9, 1], &[12, 4, 7, 1]]);
        assert_eq!((walk.extents, walk.strides), (vec![24], vec![vec![1], vec![1]]));
        let walk = Walk::over(&[2, 3, 4], &[&[12, 4, 1], &[0, 0, 1]]);
        assert_eq!((walk.extents, walk.strides), (vec![6, 4], vec![vec![4, 1], vec![0, 1]]));
    }

    #[test]
    fn small_views_repeat() {
        let view = View::contiguous(tintype_program::DType::F32, &[3, 1]);
        assert_eq!(broadcast(&view, &[2, 3, 5]), [0, 1, 0]);
    }
}
