//! Attention by blocks of queries and keys: the scores are never whole in memory (Dao et al. 2022; Rabe and Staats 2021).

use super::gemm::{Matrix, gemm};
use super::side::{Side, Strided};
use super::softmax::exponentials;
use super::walk::{Reader, Walk};
use super::{convert, scratch};
use crate::tensor::{Element, View};
use rayon::prelude::*;
use std::ops::Range;

/// Queries that one task takes.
const QUERIES: usize = 128;
/// Keys that are scored at once.
const KEYS: usize = 512;

/// `softmax(scale q k^T + mask) v` of `q: [b, h, s, d]`, `k: [b, h, t, d]`, `v: [b, h, t, e]` and a mask that broadcasts
/// to `[b, h, s, t]`. A query whose mask is negative infinity throughout gives NaN, as in PyTorch's mathematics.
pub(crate) fn attention<T: Element>(
    scale: f64,
    q: View<T>,
    k: View<T>,
    v: View<T>,
    mask: Option<View<T>>,
    out: &mut [T],
) {
    let [heads, queries] = [q.shape()[1], q.shape()[2]];
    let width = v.shape()[3];
    if out.is_empty() {
        return;
    }
    out.par_chunks_mut(queries * width).enumerate().for_each(|(index, out)| {
        let head = Head::new(scale as f32, [index / heads, index % heads], &q, &k, &v, mask.as_ref());
        out.par_chunks_mut(QUERIES * width).enumerate().for_each(|(block, out)| {
            let rows = block * QUERIES..queries.min((block + 1) * QUERIES);
            head.attend(rows, out);
        });
    });
}

/// One head of one picture.
struct Head<'a, T> {
    scale: f32,
    q: Strided<'a, T>,
    k: Strided<'a, T>,
    v: Strided<'a, T>,
    /// The keys' axis of the mask, the offset of its first row, and the distance between rows.
    mask: Option<(Reader<'a, T>, usize, usize)>,
    /// Keys, the width of a key, the width of a value.
    extents: [usize; 3],
}

impl<'a, T: Element> Head<'a, T> {
    fn new(
        scale: f32,
        [batch, head]: [usize; 2],
        q: &View<'a, T>,
        k: &View<'a, T>,
        v: &View<'a, T>,
        mask: Option<&View<'a, T>>,
    ) -> Self {
        let part = |x: &View<'a, T>| {
            let strides = x.strides();
            // A head without width has no elements to start from.
            let from = (batch * strides[0] + head * strides[1]).min(x.data().len());
            Strided { data: &x.data()[from..], strides: [strides[2], strides[3]] }
        };
        let mask = mask.map(|mask| {
            let stride = |axis: usize| if mask.shape()[axis] == 1 { 0 } else { mask.strides()[axis] };
            (Reader::of_axes(mask, 3..4), batch * stride(0) + head * stride(1), stride(2))
        });
        let extents = [k.shape()[2], k.shape()[3], v.shape()[3]];
        Self { scale, q: part(q), k: part(k), v: part(v), mask, extents }
    }

    fn attend(&self, rows: Range<usize>, out: &mut [T]) {
        let [keys, depth, width] = self.extents;
        let block = KEYS.min(keys);
        let count = rows.len();
        scratch::with(count * (depth + block + width + 2), |buffer| {
            let (queries, buffer) = buffer.split_at_mut(count * depth);
            let (scores, buffer) = buffer.split_at_mut(count * block);
            let (sums, buffer) = buffer.split_at_mut(count * width);
            let (largest, totals) = buffer.split_at_mut(count);
            load(&self.q, rows.clone(), depth, queries);
            queries.iter_mut().for_each(|q| *q *= self.scale);
            sums.fill(0.0);
            largest.fill(f32::NEG_INFINITY);
            totals.fill(0.0);
            for start in (0..keys).step_by(block) {
                let range = start..keys.min(start + block);
                let len = range.len();
                let queries = Matrix::new(queries, [depth, 1]);
                with_block(&self.k, range.clone(), depth, |k| {
                    gemm(
                        [count, len, depth],
                        queries,
                        Matrix::new(k.data, [k.strides[1], k.strides[0]]),
                        scores,
                        len,
                        false,
                    );
                });
                for (i, scores) in scores.chunks_mut(len).take(count).enumerate() {
                    self.add_mask(rows.start + i, start, scores);
                    let factor = weigh(scores, &mut largest[i], &mut totals[i]);
                    sums[i * width..(i + 1) * width].iter_mut().for_each(|sum| *sum *= factor);
                }
                with_block(&self.v, range, width, |v| {
                    gemm([count, width, len], Matrix::new(scores, [len, 1]), v, sums, width, true);
                });
            }
            for (sums, total) in sums.chunks_mut(width).zip(totals) {
                sums.iter_mut().for_each(|sum| *sum /= *total);
            }
            convert::from_f32(sums, out);
        });
    }

    fn add_mask(&self, query: usize, start: usize, scores: &mut [f32]) {
        let Some((mask, base, stride)) = &self.mask else { return };
        scratch::with(scores.len(), |line| {
            mask.load(base + query * stride, start, line);
            scores.iter_mut().zip(line).for_each(|(score, mask)| *score += *mask);
        });
    }
}

/// Turns a row's scores into weights relative to the largest score so far, and returns the factor that brings earlier
/// weights to the same.
fn weigh(scores: &mut [f32], largest: &mut f32, total: &mut f32) -> f32 {
    let before = *largest;
    *largest = scores.iter().fold(before, |largest, score| largest.max(*score));
    // As long as every score is negative infinity every weight is zero; so is the total, and the result NaN.
    let shift = if *largest == f32::NEG_INFINITY { 0.0 } else { *largest };
    let factor = if before == *largest { 1.0 } else { super::math::exp(before - shift) };
    *total = *total * factor + exponentials(scores, shift);
    factor
}

/// Reads rows of a matrix as f32.
fn load<T: Element>(side: &Strided<T>, rows: Range<usize>, depth: usize, to: &mut [f32]) {
    let shape = [rows.len(), depth];
    let walk = Walk::new(&shape, &side.strides);
    let base = (rows.start * side.strides[0]).min(side.data.len());
    Reader::over(&side.data[base..], walk).load(0, 0, to);
}

/// Calls `work` with rows of a matrix, in place or read into a buffer.
fn with_block<T: Element>(side: &Strided<T>, rows: Range<usize>, depth: usize, work: impl FnOnce(Matrix)) {
    if let Some(Matrix { data, strides }) = side.in_place() {
        return work(Matrix::new(&data[(rows.start * strides[0]).min(data.len())..], strides));
    }
    scratch::with(rows.len() * depth, |block| {
        load(side, rows, depth, block);
        work(Matrix::new(block, [depth, 1]));
    });
}
