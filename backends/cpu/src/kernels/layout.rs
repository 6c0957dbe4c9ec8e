//! Joining, extending and enlarging tensors.

use super::copy::copy;
use super::walk::{Reader, Walk};
use crate::tensor::{Element, View};
use rayon::prelude::*;
use smallvec::SmallVec;
use tintype_program::{MAX_RANK, PadMode};

/// Joins tensors along an axis.
pub(crate) fn concat<E: Element>(axis: usize, parts: &[View<E>], out: &mut [E]) {
    let Some(first) = parts.first() else { return };
    let outer: usize = first.shape()[..axis].iter().product();
    if out.is_empty() {
        return;
    }
    if outer == 1 {
        let mut rest = out;
        for part in parts {
            let (out, after) = rest.split_at_mut(part.elements());
            copy(*part, out);
            rest = after;
        }
        return;
    }
    let readers: SmallVec<[_; 4]> =
        parts.iter().map(|part| (Reader::new(part), part.elements() / outer)).collect();
    out.par_chunks_mut(out.len() / outer).enumerate().for_each(|(row, out)| {
        let mut rest = out;
        for (reader, len) in &readers {
            let (out, after) = rest.split_at_mut(*len);
            reader.copy(0, row * len, out);
            rest = after;
        }
    });
}

/// Extends a tensor at both ends of each axis.
pub(crate) fn pad<E: Element>(before: &[usize], after: &[usize], mode: PadMode, x: View<E>, out: &mut [E]) {
    let (shape, strides) = (x.shape(), x.strides());
    let Some(inner) = shape.len().checked_sub(1) else { return copy(x, out) };
    let (width, left) = (shape[inner], before[inner]);
    let padded: SmallVec<[usize; MAX_RANK]> =
        shape.iter().zip(before).zip(after).map(|((n, b), a)| n + b + a).collect();
    if out.is_empty() {
        return;
    }
    let line = Reader::of_axes(&x, inner..inner + 1);
    out.par_chunks_mut(padded[inner]).enumerate().for_each(|(row, out)| {
        let (mut rest, mut base, mut outside) = (row, 0, false);
        for axis in (0..inner).rev() {
            let (index, extent) = (rest % padded[axis], shape[axis]);
            rest /= padded[axis];
            outside |= index < before[axis] || index >= before[axis] + extent;
            base += index.saturating_sub(before[axis]).min(extent.saturating_sub(1)) * strides[axis];
        }
        let empty = width == 0 || shape[..inner].contains(&0);
        if empty || (outside && mode == PadMode::Zero) {
            return out.fill(E::default());
        }
        line.copy(base, 0, &mut out[left..left + width]);
        let ends = match mode {
            PadMode::Zero => [E::default(); 2],
            PadMode::Replicate => [out[left], out[left + width - 1]],
        };
        out[..left].fill(ends[0]);
        out[left + width..].fill(ends[1]);
    });
}

/// Repeats each element along the spatial axes: `x: [n, c, spatial...]`, one factor a spatial axis.
pub(crate) fn upsample<E: Element>(factors: &[usize], x: View<E>, out: &mut [E]) {
    let (shape, strides) = (x.shape(), x.strides());
    let (Some(inner), Some(&factor)) = (shape.len().checked_sub(1), factors.last()) else {
        return copy(x, out);
    };
    if out.is_empty() {
        return;
    }
    let planes = Walk::new(&shape[..2], &strides[..2]);
    out.par_chunks_mut(shape[inner] * factor).enumerate().for_each(|(row, out)| {
        let (mut rest, mut from) = (row, 0);
        for axis in (2..inner).rev() {
            let extent = shape[axis] * factors[axis - 2];
            from += rest % extent / factors[axis - 2] * strides[axis];
            rest /= extent;
        }
        from += planes.offset(rest);
        for (i, out) in out.chunks_mut(factor).enumerate() {
            out.fill(x.data()[from + i * strides[inner]]);
        }
    });
}
