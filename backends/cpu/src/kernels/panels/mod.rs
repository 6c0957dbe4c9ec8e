//! STAND-IN, to be replaced by the packed kernels: panels are the rows of the weight, products those of [`super::linear`].

use super::copy;
use super::linear::{self as plain, Weight};
use crate::level::Level;
use crate::tensor::{Element, View};
use tintype_program::{Activation, DType};

/// Bytes of a packed weight `[n, k]`.
pub(crate) fn packed_bytes(_level: Level, dtype: DType, n: usize, k: usize) -> usize {
    n * k * dtype.size()
}

/// Packs a weight `[n, k]` into [`packed_bytes`] bytes.
pub(crate) fn pack<T: Element>(_level: Level, weight: &View<T>, packed: &mut [u8]) {
    if let Ok(packed) = bytemuck::try_cast_slice_mut(packed) {
        copy::copy(*weight, packed);
    }
}

/// A packed weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) n: usize,
    pub(crate) k: usize,
}

/// `x: [..., k]` times the transpose of the weight, plus `bias: [n]`, to `[..., n]`.
pub(crate) fn linear<T: Element>(
    _level: Level,
    x: View<T>,
    weight: Panels<'_>,
    bias: Option<View<T>>,
    out: &mut [T],
) {
    let (shape, strides) = ([weight.n, weight.k], [weight.k, 1]);
    let data = bytemuck::try_cast_slice(weight.bytes).unwrap_or_default();
    if let Some(view) = View::new(data, &shape, &strides) {
        plain::linear(Activation::Keep, x, Weight::Plain(view), bias, out);
    }
}
