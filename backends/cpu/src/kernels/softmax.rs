//! Exponentials divided by their sum.

use super::vector::{Work, vectorised};
use super::walk::Reader;
use super::{convert, math, scratch};
use crate::level::Level;
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// How many columns are taken at once where the axis is not the innermost.
const COLUMNS: usize = 64;

/// Softmax over `axis`. The largest element is subtracted first, so that no exponential overflows; a row of nothing but
/// negative infinity gives NaN, as in PyTorch.
pub(crate) fn softmax<T: Element>(level: Level, axis: usize, x: View<T>, out: &mut [T]) {
    let extent = x.shape()[axis];
    let inner: usize = x.shape()[axis + 1..].iter().product();
    if out.is_empty() {
        return;
    }
    let reader = &Reader::new(&x);
    out.par_chunks_mut(extent * inner).enumerate().for_each(|(outer, out)| {
        scratch::with(extent * inner.min(COLUMNS), |block| {
            let start = outer * extent * inner;
            if inner == 1 {
                vectorised(level, Row { reader, start, line: block, out });
            } else {
                vectorised(level, Columns { reader, start, inner, block, out });
            }
        });
    });
}

/// One row.
struct Row<'a, T> {
    reader: &'a Reader<'a, T>,
    start: usize,
    line: &'a mut [f32],
    out: &'a mut [T],
}

impl<T: Element> Work for Row<'_, T> {
    #[inline(always)]
    fn run(self) {
        let line = self.line;
        self.reader.load(0, self.start, line);
        let largest = largest(line);
        line.iter_mut().for_each(|v| *v = math::exp(*v - largest));
        let sum = sum(line);
        line.iter_mut().for_each(|v| *v /= sum);
        convert::from_f32(line, self.out);
    }
}

/// All columns `inner` elements apart.
struct Columns<'a, T> {
    reader: &'a Reader<'a, T>,
    start: usize,
    inner: usize,
    block: &'a mut [f32],
    out: &'a mut [T],
}

impl<T: Element> Work for Columns<'_, T> {
    #[inline(always)]
    fn run(self) {
        let (inner, extent) = (self.inner, self.out.len() / self.inner);
        for start in (0..inner).step_by(COLUMNS) {
            let width = COLUMNS.min(inner - start);
            let block = &mut self.block[..extent * width];
            for (i, line) in block.chunks_mut(width).enumerate() {
                self.reader.load(0, self.start + i * inner + start, line);
            }
            normalise_columns(block, width);
            for (line, out) in block.chunks(width).zip(self.out.chunks_mut(inner)) {
                convert::from_f32(line, &mut out[start..start + width]);
            }
        }
    }
}

/// The largest that is a number; NaN comes back from the exponential.
#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; 32];
    let whole = values.chunks_exact(32);
    let rest = whole.remainder();
    for chunk in whole {
        lanes.iter_mut().zip(chunk).for_each(|(a, b)| *a = larger(*a, *b));
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| larger(a, *b))
}

/// The sum by sixteen partial sums of blocks, which keeps the error of long rows small, added in f64.
#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let mut total = 0f64;
    for block in values.chunks(512) {
        let mut lanes = [0f32; 16];
        let whole = block.chunks_exact(16);
        let rest = whole.remainder();
        for chunk in whole {
            lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += v);
        }
        lanes.iter_mut().zip(rest).for_each(|(lane, v)| *lane += v);
        total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
    }
    total as f32
}

#[inline(always)]
fn normalise_columns(block: &mut [f32], width: usize) {
    let (mut largest, mut sums) = ([f32::NEG_INFINITY; COLUMNS], [0f64; COLUMNS]);
    for line in block.chunks(width) {
        largest.iter_mut().zip(line).for_each(|(largest, v)| *largest = largest.max(*v));
    }
    for line in block.chunks_mut(width) {
        for (column, v) in line.iter_mut().enumerate() {
            *v = math::exp(*v - largest[column]);
            sums[column] += f64::from(*v);
        }
    }
    for line in block.chunks_mut(width) {
        line.iter_mut().zip(&sums).for_each(|(v, sum)| *v /= *sum as f32);
    }
}
