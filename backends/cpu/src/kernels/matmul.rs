//! Batched matrix products.

use super::product::product;
use super::side::Strided;
use super::walk::Walk;
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// Products of at least this many multiplications are split inside rather than among each other.
const LARGE: usize = 1 << 22;

/// `a: [..., m, k]` times `b: [..., k, n]` to `[..., m, n]`.
pub(crate) fn matmul<T: Element>(a: View<T>, b: View<T>, out: &mut [T]) {
    let outer = a.shape().len() - 2;
    let [m, k, n] = [a.shape()[outer], a.shape()[outer + 1], b.shape()[outer + 1]];
    if out.is_empty() {
        return;
    }
    let outer_a = Walk::new(&a.shape()[..outer], &a.strides()[..outer]);
    let outer_b = Walk::new(&b.shape()[..outer], &b.strides()[..outer]);
    let one = |(index, out): (usize, &mut [T])| {
        // Without depth there may be no elements to start from.
        let from = |offset: usize, len: usize| if k == 0 { len } else { offset };
        let left = &a.data()[from(outer_a.offset(index), a.data().len())..];
        let right = &b.data()[from(outer_b.offset(index), b.data().len())..];
        let left = Strided { data: left, strides: [a.strides()[outer], a.strides()[outer + 1]] };
        let right = Strided { data: right, strides: [b.strides()[outer + 1], b.strides()[outer]] };
        product([m, n, k], &left, &right, None, out);
    };
    each(out, m * n, m * n * k, one);
}

/// Calls `one` with each chunk of the result and its index: at once where they are small, else in turn.
pub(crate) fn each<T: Send>(
    out: &mut [T],
    chunk: usize,
    work: usize,
    one: impl Fn((usize, &mut [T])) + Sync + Send,
) {
    if work >= LARGE {
        out.chunks_mut(chunk).enumerate().for_each(one);
    } else {
        out.par_chunks_mut(chunk).enumerate().for_each(one);
    }
}
