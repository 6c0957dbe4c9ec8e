//! Layer, RMS and group norm: sums in f64, the variance from centred elements.

use super::vector::{Work, vectorised};
use super::walk::{Reader, with_elements};
use super::{convert, scratch};
use crate::level::Level;
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// Elements of a group that are read at once. Under Miri they are few, so that it comes to several stretches.
const STRETCH: usize = if cfg!(miri) { 64 } else { 4096 };
/// Elements of rows that one task takes at least.
const TASK: usize = 8192;

/// Mean zero and variance one over the innermost axis `d`; `affine` is `[weight, bias]`, each `[d]`.
pub(crate) fn layer_norm<T: Element>(
    level: Level,
    eps: f64,
    x: View<T>,
    affine: Option<[View<T>; 2]>,
    out: &mut [T],
) {
    with_elements(affine.as_ref().map(|[weight, _]| weight), |weight| {
        with_elements(affine.as_ref().map(|[_, bias]| bias), |bias| {
            rows(level, &x, out, &Layer { eps, affine: affine.is_some().then_some([weight, bias]) });
        });
    });
}

/// Divided by the root of the mean square over the innermost axis `d`; the weight is `[d]`.
pub(crate) fn rms_norm<T: Element>(
    level: Level,
    eps: f64,
    x: View<T>,
    weight: Option<View<T>>,
    out: &mut [T],
) {
    with_elements(weight.as_ref(), |elements| {
        rows(level, &x, out, &Rms { eps, weight: weight.is_some().then_some(elements) });
    });
}

/// What is done to a row. Implementations are `#[inline(always)]`, as [`Work`] is.
trait Row: Sync {
    fn change(&self, line: &mut [f32]);
}

struct Layer<'a> {
    eps: f64,
    affine: Option<[&'a [f32]; 2]>,
}

impl Row for Layer<'_> {
    #[inline(always)]
    fn change(&self, line: &mut [f32]) {
        let mean = sum(line, |v| v) / line.len() as f64;
        line.iter_mut().for_each(|v| *v = (f64::from(*v) - mean) as f32);
        let variance = sum(line, |v| v * v) / line.len() as f64;
        let factor = (1.0 / (variance + self.eps).sqrt()) as f32;
        match self.affine {
            None => line.iter_mut().for_each(|v| *v *= factor),
            Some([weight, bias]) => {
                for (v, (weight, bias)) in line.iter_mut().zip(weight.iter().zip(bias)) {
                    *v = *v * factor * weight + bias;
                }
            }
        }
    }
}

struct Rms<'a> {
    eps: f64,
    weight: Option<&'a [f32]>,
}

impl Row for Rms<'_> {
    #[inline(always)]
    fn change(&self, line: &mut [f32]) {
        let factor = (1.0 / (sum(line, |v| v * v) / line.len() as f64 + self.eps).sqrt()) as f32;
        match self.weight {
            None => line.iter_mut().for_each(|v| *v *= factor),
            Some(weight) => line.iter_mut().zip(weight).for_each(|(v, weight)| *v = *v * factor * weight),
        }
    }
}

/// `x: [n, c, ...]`: mean zero and variance one over each group of channels and all further axes; `affine` is
/// `[weight, bias]`, each `[c]`.
pub(crate) fn group_norm<T: Element>(
    level: Level,
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
    let reader = &Reader::new(&x);
    let plain = affine.is_none();
    with_elements(affine.as_ref().map(|[weight, _]| weight), |weight| {
        with_elements(affine.as_ref().map(|[_, bias]| bias), |bias| {
            out.par_chunks_mut(size).enumerate().for_each(|(group, out)| {
                let channel = group % groups * (channels / groups);
                let affine = if plain { None } else { Some([&weight[channel..], &bias[channel..]]) };
                scratch::with(STRETCH.min(size), |line| {
                    let start = group * size;
                    vectorised(level, Channels { reader, eps, start, plane, affine, line, out });
                });
            });
        });
    });
}

/// One group.
struct Channels<'a, T> {
    reader: &'a Reader<'a, T>,
    eps: f64,
    /// The first element.
    start: usize,
    /// Elements of a channel.
    plane: usize,
    /// From the group's first channel on.
    affine: Option<[&'a [f32]; 2]>,
    line: &'a mut [f32],
    out: &'a mut [T],
}

impl<T: Element> Work for Channels<'_, T> {
    #[inline(always)]
    fn run(self) {
        let size = self.out.len();
        let [mut mean, mut variance] = [0f64; 2];
        for centred in [false, true] {
            let mut total = 0f64;
            for start in (0..size).step_by(STRETCH) {
                let line = &mut self.line[..STRETCH.min(size - start)];
                self.reader.load(0, self.start + start, line);
                total += if centred { sum(line, |v| (v - mean) * (v - mean)) } else { sum(line, |v| v) };
            }
            *(if centred { &mut variance } else { &mut mean }) = total / size as f64;
        }
        let factor = 1.0 / (variance + self.eps).sqrt();
        for (i, out) in self.out.chunks_mut(self.plane).enumerate() {
            let [weight, bias] = self.affine.map_or([1.0, 0.0], |affine| affine.map(|x| f64::from(x[i])));
            // One multiplication and one addition an element, both in f64: `(v - mean) factor weight + bias`.
            let (scale, shift) = (factor * weight, bias - mean * factor * weight);
            for (piece, out) in out.chunks_mut(STRETCH).enumerate() {
                let line = &mut self.line[..out.len()];
                self.reader.load(0, self.start + i * self.plane + piece * STRETCH, line);
                line.iter_mut().for_each(|v| *v = (f64::from(*v) * scale + shift) as f32);
                convert::from_f32(line, out);
            }
        }
    }
}

/// Reads each innermost row as f32, changes it, and stores it.
fn rows<T: Element>(level: Level, x: &View<T>, out: &mut [T], row: &impl Row) {
    let width = x.shape().last().copied().unwrap_or(1);
    if out.is_empty() {
        return;
    }
    let reader = Reader::new(x);
    let each = (TASK / width).max(1) * width;
    out.par_chunks_mut(each).enumerate().for_each(|(task, out)| {
        scratch::with(width, |line| {
            vectorised(level, Rows { reader: &reader, start: task * each, line, out, row });
        });
    });
}

/// Some rows.
struct Rows<'a, T, R> {
    reader: &'a Reader<'a, T>,
    /// The first element.
    start: usize,
    line: &'a mut [f32],
    out: &'a mut [T],
    row: &'a R,
}

impl<T: Element, R: Row> Work for Rows<'_, T, R> {
    #[inline(always)]
    fn run(self) {
        let width = self.line.len();
        for (i, out) in self.out.chunks_mut(width).enumerate() {
            self.reader.load(0, self.start + i * width, self.line);
            self.row.change(self.line);
            convert::from_f32(self.line, out);
        }
    }
}

/// The sum of a function of each element, in 32 partial sums.
#[inline(always)]
fn sum(values: &[f32], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0f64; 32];
    let whole = values.chunks_exact(32);
    let rest = whole.remainder();
    for chunk in whole {
        lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += term(f64::from(*v)));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, v)| *lane += term(f64::from(*v)));
    lanes.iter().sum()
}
