//! Entries of a table by index.

use super::walk::{Reader, Walk};
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// The entries of `table` along `axis` that `indices` name; the axis is replaced by the shape of `indices`. An index
/// outside the axis is clamped to it.
pub(crate) fn gather<E: Element>(axis: usize, table: View<E>, indices: View<i32>, out: &mut [E]) {
    let (shape, strides) = (table.shape(), table.strides());
    let outer = Walk::new(&shape[..axis], &strides[..axis]);
    let inner = Reader::of_axes(&table, axis + 1..shape.len());
    let size: usize = shape[axis + 1..].iter().product();
    if out.is_empty() {
        return;
    }
    let (count, indices) = (indices.elements(), Reader::new(&indices));
    // Enough entries a task that the task is worth its while.
    let entries = (4096 / size).max(1);
    out.par_chunks_mut(size * entries).enumerate().for_each(|(task, out)| {
        for (i, out) in out.chunks_mut(size).enumerate() {
            let entry = task * entries + i;
            let mut index = [0];
            indices.copy(0, entry % count, &mut index);
            let index = usize::try_from(index[0]).unwrap_or(0).min(shape[axis] - 1);
            inner.copy(outer.offset(entry / count) + index * strides[axis], 0, out);
        }
    });
}
