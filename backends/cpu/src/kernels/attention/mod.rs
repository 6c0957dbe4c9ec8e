//! Attention by blocks of queries and keys: the scores are never whole in memory (Dao et al. 2022; Rabe and Staats 2021).
//!
//! Keys and values are packed once a head into panels, of f32 or, where the machine multiplies them, of pairs of bf16.
//! Scores, their largest and the sums are f32; weights of bf16 tensors may be rounded to bf16, as PyTorch does.

mod pack;
mod tile;

use super::side::Strided;
use super::walk::Reader;
use super::{convert, scratch};
use crate::level::Level;
use crate::tensor::{Element, View};
use pack::Layout;
use rayon::prelude::*;
use std::ops::Range;
use tile::Tile;
use tintype_program::DType;

/// Queries that one task takes: whole tiles at every level. Under Miri there are as few as can be, so that it comes to
/// several blocks; the same is true of the keys.
const QUERIES: usize = if cfg!(miri) { 12 } else { 96 };
/// Keys that are scored at once: whole tiles at every level.
const KEYS: usize = if cfg!(miri) { 32 } else { 384 };
/// Words of a head that are packed once for all its queries (16 MiB); a larger head is packed anew for each task.
const PACKED: usize = 1 << 22;

/// `softmax(scale q k^T + mask) v` of `q: [b, h, s, d]`, `k: [b, h, t, d]`, `v: [b, h, t, e]` and a mask that broadcasts
/// to `[b, h, s, t]`. A query whose mask is negative infinity throughout gives NaN, as in PyTorch's mathematics.
pub(crate) fn attention<T: Element>(
    level: Level,
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
    let tile = Tile::new(level, T::DTYPE == DType::Bf16);
    out.par_chunks_mut(queries * width).enumerate().for_each(|(index, out)| {
        let head = Head::new(tile, scale as f32, [index / heads, index % heads], &q, &k, &v, mask.as_ref());
        head.with_packed(|packed| {
            out.par_chunks_mut(QUERIES * width).enumerate().for_each(|(block, out)| {
                let rows = block * QUERIES..queries.min((block + 1) * QUERIES);
                head.attend(rows, packed, out);
            });
        });
    });
}

/// One head of one picture.
struct Head<'a, T> {
    layout: Layout,
    scale: f32,
    q: Strided<'a, T>,
    k: Strided<'a, T>,
    v: Strided<'a, T>,
    /// The keys' axis of the mask, the offset of its first row, and the distance between rows.
    mask: Option<(Reader<'a, T>, usize, usize)>,
    keys: usize,
}

/// What one task works in.
struct Work<'a> {
    queries: &'a mut [f32],
    scores: &'a mut [f32],
    sums: &'a mut [f32],
    largest: &'a mut [f32],
    totals: &'a mut [f32],
    mask: &'a mut [f32],
}

impl<'a, T: Element> Head<'a, T> {
    fn new(
        tile: Tile,
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
        let layout = Layout::new(tile, [k.shape()[3], v.shape()[3]]);
        Self { layout, scale, q: part(q), k: part(k), v: part(v), mask, keys: k.shape()[2] }
    }

    /// The keys of a block.
    fn block(&self, index: usize) -> Range<usize> {
        index * KEYS..self.keys.min((index + 1) * KEYS)
    }

    /// Calls `work` with all blocks packed, if they are few enough.
    fn with_packed(&self, work: impl FnOnce(Option<&[f32]>)) {
        let each = self.layout.words(KEYS);
        let blocks = self.keys.div_ceil(KEYS);
        if blocks * each > PACKED {
            return work(None);
        }
        scratch::with(blocks * each, |packed| {
            packed.par_chunks_mut(each.max(1)).enumerate().for_each(|(index, block)| {
                self.layout.pack(&self.k, &self.v, self.block(index), block);
            });
            work(Some(packed));
        });
    }

    fn attend(&self, rows: Range<usize>, packed: Option<&[f32]>, out: &mut [T]) {
        let Layout { tile, depth, columns, .. } = self.layout;
        let count = rows.len().next_multiple_of(tile.extents()[0]);
        let block = self.layout.padded(KEYS.min(self.keys));
        scratch::with(count * (depth + block + columns + 2) + block, |buffer| {
            let (queries, buffer) = buffer.split_at_mut(count * depth);
            let (scores, buffer) = buffer.split_at_mut(count * block);
            let (sums, buffer) = buffer.split_at_mut(count * columns);
            let (largest, buffer) = buffer.split_at_mut(count);
            let (totals, mask) = buffer.split_at_mut(count);
            self.layout.queries(&self.q, rows.clone(), queries);
            sums.fill(0.0);
            largest.fill(f32::NEG_INFINITY);
            totals.fill(0.0);
            let mut work = Work { queries, scores, sums, largest, totals, mask };
            let each = self.layout.words(KEYS);
            for index in 0..self.keys.div_ceil(KEYS) {
                let range = self.block(index);
                match packed {
                    Some(packed) => self.add(&rows, range, &packed[index * each..], &mut work),
                    None => scratch::with(self.layout.words(range.len()), |packed| {
                        self.layout.pack(&self.k, &self.v, range.clone(), packed);
                        self.add(&rows, range, packed, &mut work);
                    }),
                }
            }
            let width = self.layout.widths[1];
            let lines = work.sums.chunks_exact_mut(columns).zip(work.totals);
            for ((sums, total), out) in lines.zip(out.chunks_mut(width)) {
                sums.iter_mut().for_each(|sum| *sum /= *total);
                convert::from_f32(&sums[..width], out);
            }
        });
    }

    /// Adds what a block of keys contributes.
    fn add(&self, rows: &Range<usize>, keys: Range<usize>, packed: &[f32], work: &mut Work) {
        let Layout { tile, depth, columns, .. } = self.layout;
        let [high, wide] = tile.extents();
        let padded = self.layout.padded(keys.len());
        let steps = self.layout.steps(padded);
        let [k, v] = self.layout.parts(packed, keys.len());
        for panel in 0..padded / wide {
            for (i, scores) in work.scores.chunks_exact_mut(high * padded).enumerate() {
                if (i + 1) * high * depth > work.queries.len() {
                    break;
                }
                let (q, k) = (&work.queries[i * high * depth..], &k[panel * wide * depth..]);
                tile.multiply(depth, q, k, &mut scores[panel * wide..], [depth, padded], false);
            }
        }
        for i in 0..rows.len() {
            let scores = &mut work.scores[i * padded..(i + 1) * padded];
            let mask = self.mask.as_ref().map(|(mask, base, stride)| {
                mask.load(base + (rows.start + i) * stride, keys.start, &mut work.mask[..keys.len()]);
                &work.mask[..keys.len()]
            });
            let before = work.largest[i];
            let largest = tile.scale(scores, keys.len(), self.scale, mask, before);
            work.largest[i] = largest;
            // As long as every score is negative infinity every weight is zero; so is the total, and the result NaN.
            let shift = if largest == f32::NEG_INFINITY { 0.0 } else { largest };
            let factor = if before == largest { 1.0 } else { super::math::exp(before - shift) };
            work.totals[i] = work.totals[i] * factor + tile.weigh(scores, shift);
            if factor != 1.0 {
                work.sums[i * columns..(i + 1) * columns].iter_mut().for_each(|sum| *sum *= factor);
            }
        }
        for panel in 0..columns / wide {
            for (i, sums) in work.sums.chunks_exact_mut(high * columns).enumerate() {
                let (weights, v) = (&work.scores[i * high * padded..], &v[panel * wide * steps..]);
                tile.multiply(steps, weights, v, &mut sums[panel * wide..], [padded, columns], true);
            }
        }
    }
}
