//! Copies of views.

use super::walk::{Reader, Walk};
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// Elements that one task copies.
const STRETCH: usize = 1 << 14;
/// Rows and columns that are turned at once: whole lines of the cache on both sides.
const SQUARE: usize = 32;

/// Writes the elements of `x` in row-major order.
pub(crate) fn copy<E: Element>(x: View<E>, out: &mut [E]) {
    let walk = Walk::new(x.shape(), x.strides());
    let (shape, strides) = walk.axes();
    let inner = shape.len() - 1;
    if out.is_empty() {
        return;
    }
    if let Some(axis) = strides[..inner].iter().position(|stride| *stride == 1).filter(|_| strides[inner] > 1)
    {
        return turn(x.data(), &walk, axis, out);
    }
    let reader = Reader::new(&x);
    out.par_chunks_mut(STRETCH).enumerate().for_each(|(i, out)| reader.copy(0, i * STRETCH, out));
}

/// Where neighbours in memory are neighbours along an axis that is not the innermost: by squares of that axis and the
/// innermost, so that each line of the cache is read once.
fn turn<E: Element>(data: &[E], walk: &Walk, axis: usize, out: &mut [E]) {
    let (shape, strides) = walk.axes();
    let inner = shape.len() - 1;
    let (width, stride) = (shape[inner], strides[inner]);
    let row: usize = shape[axis + 1..].iter().product();
    let (outer, between) = (
        Walk::new(&shape[..axis], &strides[..axis]),
        Walk::new(&shape[axis + 1..inner], &strides[axis + 1..inner]),
    );
    out.par_chunks_mut(shape[axis] * row).enumerate().for_each(|(i, out)| {
        let base = outer.offset(i);
        out.par_chunks_mut(SQUARE * row).enumerate().for_each(|(band, out)| {
            for middle in 0..row / width {
                let from = &data[base + band * SQUARE + between.offset(middle)..];
                for start in (0..width).step_by(SQUARE) {
                    let columns = start..width.min(start + SQUARE);
                    for (i, out) in out.chunks_mut(row).enumerate() {
                        let out = &mut out[middle * width..][columns.clone()];
                        let from = from[columns.start * stride + i..].iter().step_by(stride);
                        out.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        });
    });
}
