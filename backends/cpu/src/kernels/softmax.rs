//! Exponentials divided by their sum.

use super::walk::Reader;
use super::{convert, math, scratch};
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// How many columns are taken at once where the axis is not the innermost.
const COLUMNS: usize = 64;

/// Softmax over `axis`. The largest element is subtracted first, so that no exponential overflows; a row of nothing but
/// negative infinity gives NaN, as in PyTorch.
pub(crate) fn softmax<T: Element>(axis: usize, x: View<T>, out: &mut [T]) {
    let extent = x.shape()[axis];
    let inner: usize = x.shape()[axis + 1..].iter().product();
    if out.is_empty() {
        return;
    }
    let reader = Reader::new(&x);
    if inner == 1 {
        out.par_chunks_mut(extent).enumerate().for_each(|(row, out)| {
            scratch::with(extent, |line| {
                reader.load(0, row * extent, line);
                let largest = line.iter().fold(f32::NEG_INFINITY, |largest, v| largest.max(*v));
                let sum = exponentials(line, largest);
                line.iter_mut().for_each(|v| *v /= sum);
                convert::from_f32(line, out);
            });
        });
        return;
    }
    out.par_chunks_mut(extent * inner).enumerate().for_each(|(outer, out)| {
        for start in (0..inner).step_by(COLUMNS) {
            let width = COLUMNS.min(inner - start);
            scratch::with(extent * width, |block| {
                for (i, line) in block.chunks_mut(width).enumerate() {
                    reader.load(0, (outer * extent + i) * inner + start, line);
                }
                normalise_columns(block, width);
                for (line, out) in block.chunks(width).zip(out.chunks_mut(inner)) {
                    convert::from_f32(line, &mut out[start..start + width]);
                }
            });
        }
    });
}

/// Replaces values by `e^(value - shift)` and returns their sum.
pub(crate) fn exponentials(values: &mut [f32], shift: f32) -> f32 {
    values.iter_mut().for_each(|v| *v = math::exp(*v - shift));
    sum(values)
}

/// The sum by sixteen partial sums of blocks, which keeps the error of long rows small, added in f64.
pub(crate) fn sum(values: &[f32]) -> f32 {
    let mut total = 0f64;
    for block in values.chunks(512) {
        let mut lanes = [0f32; 16];
        let whole = block.chunks_exact(16);
        let rest = whole.remainder();
        whole.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += v));
        lanes.iter_mut().zip(rest).for_each(|(lane, v)| *lane += v);
        total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
    }
    total as f32
}

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
