//! Linear layers.

use super::encoded::Encoded;
use super::product::product;
use super::side::{Gathered, Side, Strided, with_rows};
use super::walk::{Reader, with_elements};
use super::{math, scratch};
use crate::tensor::{Element, View};
use rayon::prelude::*;
use std::ops::Range;
use tintype_program::Activation;

/// The weight of a linear layer, `[n, k]`.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant)]
pub(crate) enum Weight<'a, T> {
    /// Its elements.
    Plain(View<'a, T>),
    /// Codes and scales, decoded a block at a time.
    Encoded(Encoded<'a>),
}

/// `x: [..., k]` times the transpose of `weight: [n, k]`, plus `bias: [n]`, to `[..., n]`.
pub(crate) fn linear<T: Element>(
    activation: Activation,
    x: View<T>,
    weight: Weight<T>,
    bias: Option<View<T>>,
    out: &mut [T],
) {
    let Some((&k, outer)) = x.shape().split_last() else { return };
    let m: usize = outer.iter().product();
    if out.is_empty() {
        return;
    }
    let n = out.len() / m;
    let has_bias = bias.is_some();
    with_elements(bias.as_ref(), |bias| {
        let bias = has_bias.then_some(bias);
        let mut with_x = |x: &dyn Side| match weight {
            Weight::Plain(weight) => {
                let strides = [weight.strides()[0], weight.strides()[1]];
                product([m, n, k], x, &Strided { data: weight.data(), strides }, bias, out);
            }
            Weight::Encoded(weight) => product([m, n, k], x, &weight, bias, out),
        };
        match activation {
            Activation::Keep => with_rows(&x, outer.len(), 0, with_x),
            Activation::DynamicFp8 => scratch::with(m, |scales| with_x(&Rounded::new(&x, k, scales))),
        }
    });
}

/// Rows rounded to E4M3, each with the scale that takes its largest magnitude to the format's largest number.
struct Rounded<'a, T> {
    rows: Gathered<'a, T>,
    scales: &'a [f32],
}

impl<'a, T: Element> Rounded<'a, T> {
    /// Scales the rows, of which there are as many as `scales`.
    fn new(x: &View<'a, T>, k: usize, scales: &'a mut [f32]) -> Self {
        let rows = Gathered::new(Reader::new(x), 0, k);
        let scale = |row: usize| {
            scratch::with(k, |line| {
                rows.fill(row, 0..k, line);
                let largest = line.iter().fold(0f32, |largest, x| math::max(largest, x.abs()));
                // A row of zeros is left as it is.
                if largest == 0.0 { 1.0 } else { (largest / 448.0).max(1e-30) }
            })
        };
        scales.par_iter_mut().enumerate().for_each(|(row, to)| *to = scale(row));
        Self { rows, scales }
    }
}

impl<T: Element> Side for Rounded<'_, T> {
    fn fill(&self, line: usize, range: Range<usize>, to: &mut [f32]) {
        self.rows.fill(line, range, to);
        let scale = self.scales[line];
        to.iter_mut().for_each(|x| *x = round_e4m3(*x / scale) * scale);
    }
}

/// The nearest E4M3 number, ties to even, of magnitudes up to 448. NaN stays NaN. Without branches and calls, for it is done to
/// every number that goes into a layer.
fn round_e4m3(x: f32) -> f32 {
    /// Numbers near it have no fraction, so that adding it rounds, ties to even.
    const WHOLE: f32 = 1.5 * (1 << 23) as f32;
    // The least exponent is -6, below which the spacing stays; three bits follow the leading one.
    let exponent = ((x.to_bits() >> 23 & 0xff) as i32 - 127).max(-6);
    let quantum = f32::from_bits(((exponent - 3 + 127) as u32) << 23);
    // Below 16, and so exact.
    let steps = (x / quantum + WHOLE) - WHOLE;
    (steps * quantum).clamp(-448.0, 448.0)
}

#[cfg(test)]
mod tests {
    use super::round_e4m3;
    use tintype_accel::encode::{fp8_code, fp8_value};
    use tintype_program::Fp8Format::E4m3;

    #[test]
    fn rounding_to_e4m3_is_encoding_and_decoding() {
        for i in (0..20_000).step_by(if cfg!(miri) { 211 } else { 1 }) {
            let x = (i as f32 - 10_000.0) / 10_000.0 * 448.0 * (i % 7) as f32 / 6.0 / (1 << (i % 19)) as f32;
            assert_eq!(round_e4m3(x), fp8_value(E4m3, fp8_code(E4m3, x)), "{x}");
        }
        assert_eq!(round_e4m3(f32::INFINITY), 448.0);
        assert!(round_e4m3(f32::NAN).is_nan());
    }
}
