//! Copies of views.

use super::walk::Reader;
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// Elements that one task copies.
const STRETCH: usize = 1 << 14;

/// Writes the elements of `x` in row-major order.
pub(crate) fn copy<E: Element>(x: View<E>, out: &mut [E]) {
    let reader = Reader::new(&x);
    out.par_chunks_mut(STRETCH).enumerate().for_each(|(i, out)| reader.copy(0, i * STRETCH, out));
}
