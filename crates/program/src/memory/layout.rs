//! Where the elements of a value lie: views without copies.

use crate::{Op, TensorType, contiguous_strides};

/// How a plugin that lays tensors out by strides finds their elements: element `(i, j, ...)` lies at
/// `offset + i * strides[0] + j * strides[1] + ...`, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The first element.
    pub offset: usize,
    /// The distance between neighbours along each axis; 0 repeats an element.
    pub strides: Vec<usize>,
}

impl Layout {
    /// Row-major order from the start.
    pub fn contiguous(shape: &[usize]) -> Self {
        Self { offset: 0, strides: contiguous_strides(shape) }
    }

    /// Whether the elements lie in row-major order without gaps.
    pub fn is_contiguous(&self, shape: &[usize]) -> bool {
        let mut expected = 1;
        let packed = shape.iter().zip(&self.strides).rev().all(|(&extent, &stride)| {
            let fits = extent == 1 || stride == expected;
            expected *= extent;
            fits
        });
        packed || shape.contains(&0)
    }

    /// The layout of a view operation's result, where it needs no copy. `from` and `to` are the types of operand and
    /// result, this the layout of the operand.
    pub fn view(&self, op: &Op, from: &TensorType, to: &TensorType) -> Option<Self> {
        if to.elements() == 0 {
            return op.is_view().then(|| Self::contiguous(&to.shape));
        }
        match op {
            Op::Reshape { shape } => self.reshape(&from.shape, shape),
            Op::Transpose { permutation } => {
                let strides: Option<Vec<_>> =
                    permutation.iter().map(|&axis| self.strides.get(axis).copied()).collect();
                Some(Self { offset: self.offset, strides: strides? })
            }
            Op::Slice { starts, steps, .. } => {
                let skipped: usize =
                    starts.iter().zip(&self.strides).map(|(start, stride)| start * stride).sum();
                // A step may be enormous where only one element is taken.
                let strides = steps.iter().zip(&self.strides).zip(&to.shape);
                let strides =
                    strides.map(|((step, stride), &extent)| if extent == 1 { 1 } else { step * stride });
                Some(Self { offset: self.offset + skipped, strides: strides.collect() })
            }
            Op::Broadcast { shape } => {
                let outer = shape.len().checked_sub(from.rank())?;
                let kept = from.shape.iter().zip(&self.strides).zip(&shape[outer..]);
                let kept = kept.map(|((&had, &stride), &has)| if had == has { stride } else { 0 });
                let strides = std::iter::repeat_n(0, outer).chain(kept).collect();
                Some(Self { offset: self.offset, strides })
            }
            _ => None,
        }
    }

    /// The same elements in another shape of as many, where strides can say it: each run of axes that lie in row-major order among themselves is split anew.
    pub fn reshape(&self, from: &[usize], to: &[usize]) -> Option<Self> {
        let axes = from.iter().zip(&self.strides).map(|(&extent, &stride)| (extent, stride));
        let axes: Vec<(usize, usize)> = axes.filter(|&(extent, _)| extent != 1).collect();
        let mut strides = vec![1; to.len()];
        let (mut old, mut new) = (0, 0);
        while old < axes.len() {
            // The fewest axes on both sides that hold as many elements.
            let (old_start, new_start) = (old, new);
            let (mut had, mut has) = (axes[old].0, *to.get(new)?);
            (old, new) = (old + 1, new + 1);
            while had != has {
                if had < has {
                    had *= axes.get(old)?.0;
                    old += 1;
                } else {
                    has *= to.get(new)?;
                    new += 1;
                }
            }
            let run = &axes[old_start..old];
            if run.windows(2).any(|pair| pair[0].1 != pair[1].0 * pair[1].1) {
                return None;
            }
            let mut stride = run.last()?.1;
            for axis in (new_start..new).rev() {
                strides[axis] = stride;
                stride *= to[axis];
            }
        }
        Some(Self { offset: self.offset, strides })
    }

    /// How many elements of memory it reaches over, from `offset` on.
    pub fn reach(&self, shape: &[usize]) -> usize {
        if shape.contains(&0) {
            return 0;
        }
        shape.iter().zip(&self.strides).map(|(extent, stride)| (extent - 1) * stride).sum::<usize>() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    fn view(layout: &Layout, op: Op, from: &[usize], to: &[usize]) -> Option<Layout> {
        layout.view(&op, &TensorType::new(DType::F32, from), &TensorType::new(DType::F32, to))
    }

    fn reshape(layout: &Layout, from: &[usize], to: &[usize]) -> Option<Vec<usize>> {
        view(layout, Op::Reshape { shape: to.to_vec() }, from, to).map(|layout| layout.strides)
    }

    #[test]
    fn views_of_views() {
        let whole = Layout::contiguous(&[2, 3, 4]);
        let turned =
            view(&whole, Op::Transpose { permutation: vec![1, 0, 2] }, &[2, 3, 4], &[3, 2, 4]).unwrap();
        assert_eq!(turned.strides, [4, 12, 1]);
        assert!(!turned.is_contiguous(&[3, 2, 4]));
        let op = Op::Slice { starts: vec![1, 0, 1], ends: vec![3, 2, 4], steps: vec![1, 1, 2] };
        let cut = view(&turned, op, &[3, 2, 4], &[2, 2, 2]).unwrap();
        assert_eq!((cut.offset, &cut.strides[..]), (5, &[4, 12, 2][..]));
        assert_eq!(cut.reach(&[2, 2, 2]), 19);
        let wide = view(&cut, Op::Broadcast { shape: vec![5, 2, 2, 2] }, &[2, 2, 2], &[5, 2, 2, 2]).unwrap();
        assert_eq!(wide.strides, [0, 4, 12, 2]);
    }

    #[test]
    fn reshapes_split_and_join_what_lies_together() {
        let whole = Layout::contiguous(&[2, 3, 4]);
        assert_eq!(reshape(&whole, &[2, 3, 4], &[6, 1, 2, 2]), Some(vec![4, 4, 2, 1]));
        let turned = Layout { offset: 0, strides: vec![4, 12, 1] };
        assert_eq!(reshape(&turned, &[3, 2, 4], &[3, 2, 2, 2]), Some(vec![4, 12, 2, 1]));
        assert_eq!(reshape(&turned, &[3, 2, 4], &[6, 4]), None);
        assert_eq!(reshape(&Layout { offset: 0, strides: vec![0] }, &[4], &[2, 2]), Some(vec![0, 0]));
        assert_eq!(reshape(&Layout { offset: 3, strides: vec![] }, &[], &[1, 1]), Some(vec![1, 1]));
        assert_eq!(reshape(&Layout { offset: 3, strides: vec![7, 9] }, &[1, 1], &[]), Some(vec![]));
    }

    #[test]
    fn empty_values_are_contiguous() {
        let whole = Layout::contiguous(&[2, 0]);
        assert!(whole.is_contiguous(&[2, 0]));
        assert_eq!(whole.reach(&[2, 0]), 0);
        let op = Op::Slice { starts: vec![2, 0], ends: vec![2, 0], steps: vec![1, 1] };
        assert_eq!(view(&whole, op, &[2, 0], &[0, 0]).unwrap().offset, 0);
    }
}
