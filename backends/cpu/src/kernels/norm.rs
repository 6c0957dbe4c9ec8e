//! Layer, RMS and group norm: sums in f64, the variance from centred elements.

use super::walk::{Reader, to_vec};
use super::{convert, scratch};
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// Elements of a group that are read at once.
const STRETCH: usize = 4096;

/// Mean zero and variance one over the innermost axis `d`; `affine` is `[weight, bias]`, each `[d]`.
pub(crate) fn layer_norm<T: Element>(eps: f64, x: View<T>, affine: Option<[View<T>; 2]>, out: &mut [T]) {
    let affine = affine.map(|[weight, bias]| [to_vec(&weight), to_vec(&bias)]);
    rows(&x, out, |line| {
        let mean = sum(line, |v| v) / line.len() as f64;
        line.iter_mut().for_each(|v| *v = (f64::from(*v) - mean) as f32);
        let variance = sum(line, |v| v * v) / line.len() as f64;
        let factor = (1.0 / (variance + eps).sqrt()) as f32;
        match &affine {
            None => line.iter_mut().for_each(|v| *v *= factor),
            Some([weight, bias]) => {
                for (v, (weight, bias)) in line.iter_mut().zip(weight.iter().zip(bias)) {
                    *v = *v * factor * weight + bias;
                }
            }
        }
    });
}

/// Divided by the root of the mean square over the innermost axis `d`; the weight is `[d]`.
pub(crate) fn rms_norm<T: Element>(eps: f64, x: View<T>, weight: Option<View<T>>, out: &mut [T]) {
    let weight = weight.map(|weight| to_vec(&weight));
    rows(&x, out, |line| {
        let factor = (1.0 / (sum(line, |v| v * v) / line.len() as f64 + eps).sqrt()) as f32;
        match &weight {
            None => line.iter_mut().for_each(|v| *v *= factor),
            Some(weight) => line.iter_mut().zip(weight).for_each(|(v, weight)| *v = *v * factor * weight),
        }
    });
}

/// `x: [n, c, ...]`: mean zero and variance one over each group of channels and all further axes; `affine` is
/// `[weight, bias]`, each `[c]`.
pub(crate) fn group_norm<T: Element>(
    groups: usize,
    eps: f64,
    x: View<T>,
    affine: Option<[View<T>; 2]>,
    out: &mut [T],
) {
    let channels = x.shape()[1];
    let plane: usize = x.shape()[2..].iter().product();
    let size = channels / groups * plane;
    if out.is_empty() {
        return;
    }
    let affine = affine.map(|[weight, bias]| [to_vec(&weight), to_vec(&bias)]);
    let reader = Reader::new(&x);
    out.par_chunks_mut(size).enumerate().for_each(|(group, out)| {
        let total = |term: &dyn Fn(f64) -> f64| {
            let stretch = |start: usize| {
                scratch::with(STRETCH.min(size - start), |line| {
                    reader.load(0, group * size + start, line);
                    sum(line, term)
                })
            };
            (0..size).step_by(STRETCH).map(stretch).sum::<f64>() / size as f64
        };
        let mean = total(&|v| v);
        let variance = total(&|v| (v - mean) * (v - mean));
        let factor = 1.0 / (variance + eps).sqrt();
        for (i, out) in out.chunks_mut(plane).enumerate() {
            let channel = group % groups * (channels / groups) + i;
            let [weight, bias] =
                affine.as_ref().map_or([1.0, 0.0], |[w, b]| [w[channel], b[channel]].map(f64::from));
            // One multiplication and one addition an element, both in f64: `(v - mean) factor weight + bias`.
            let (scale, shift) = (factor * weight, bias - mean * factor * weight);
            for (piece, out) in out.chunks_mut(STRETCH).enumerate() {
                scratch::with(out.len(), |line| {
                    reader.load(0, group * size + i * plane + piece * STRETCH, line);
                    line.iter_mut().for_each(|v| *v = (f64::from(*v) * scale + shift) as f32);
                    convert::from_f32(line, out);
                });
            }
        }
    });
}

/// Reads each innermost row as f32, changes it by `work`, and stores it.
pub(crate) fn rows<T: Element>(x: &View<T>, out: &mut [T], work: impl Fn(&mut [f32]) + Sync) {
    let width = x.shape().last().copied().unwrap_or(1);
    if out.is_empty() {
        return;
    }
    let reader = Reader::new(x);
    out.par_chunks_mut(width).enumerate().for_each(|(row, out)| {
        scratch::with(width, |line| {
            reader.load(0, row * width, line);
            work(line);
            convert::from_f32(line, out);
        });
    });
}

/// The sum of a function of each element, in eight partial sums.
fn sum(values: &[f32], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0f64; 8];
    let whole = values.chunks_exact(8);
    let rest = whole.remainder();
    whole.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += term(f64::from(*v))));
    lanes.iter_mut().zip(rest).for_each(|(lane, v)| *lane += term(f64::from(*v)));
    lanes.iter().sum()
}
