//! Blocked matrix products of sides that are read as f32 a block at a time.
//!
//! The result is computed in areas, an area in tiles, a tile by [`gemm`]; an area's sums stay in f32 until the whole depth
//! is summed. Buffers take at most 8 MiB whatever the extents.

use super::convert;
use super::gemm::{DEPTH, Matrix, gemm};
use super::scratch;
use super::side::{Side, with_panel};
use crate::tensor::Element;
use rayon::prelude::*;
use std::ops::Range;

/// The extents of an area.
const AREA: [usize; 2] = [1024, 1024];
/// The extents of a tile: what one thread computes at once.
const TILE: [usize; 2] = [128, 256];

/// `out = a b^T + bias`, where `a` is `[m, k]`, `b` is `[n, k]`, `bias` is `[n]` and `out` is `[m, n]`.
pub(crate) fn product<T: Element>(
    [m, n, k]: [usize; 3],
    a: &dyn Side,
    b: &dyn Side,
    bias: Option<&[f32]>,
    out: &mut [T],
) {
    if m == 0 || n == 0 {
        return;
    }
    for (band, out) in out.chunks_mut(AREA[0] * n).enumerate() {
        let rows = band * AREA[0]..m.min((band + 1) * AREA[0]);
        for start in (0..n).step_by(AREA[1]) {
            let area = Area { rows: rows.clone(), columns: start..n.min(start + AREA[1]) };
            let [height, width, across] = area.tiling();
            scratch::with(rows.len().div_ceil(height) * across * height * width, |sums| {
                area.sum(k, a, b, sums);
                out.par_chunks_mut(n).enumerate().for_each(|(row, out)| area.store(row, sums, bias, out));
            });
        }
    }
}

/// A part of the result.
struct Area {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Area {
    /// A tile's extents, and how many tiles lie beside each other.
    fn tiling(&self) -> [usize; 3] {
        let (height, width) = (TILE[0].min(self.rows.len()), TILE[1].min(self.columns.len()));
        [height, width, self.columns.len().div_ceil(width)]
    }

    /// Sums the whole depth into tiles, each one contiguous.
    fn sum(&self, k: usize, a: &dyn Side, b: &dyn Side, sums: &mut [f32]) {
        let [height, width, across] = self.tiling();
        if k == 0 {
            sums.fill(0.0);
        }
        // Worth its price only where many rows share it.
        let turn = self.rows.len() >= 64;
        for start in (0..k).step_by(DEPTH) {
            let depth = start..k.min(start + DEPTH);
            with_panel(a, self.rows.clone(), depth.clone(), false, |a| {
                with_panel(b, self.columns.clone(), depth.clone(), turn, |b| {
                    sums.par_chunks_mut(height * width).enumerate().for_each(|(tile, sums)| {
                        let (row, column) = (tile / across * height, tile % across * width);
                        let (m, n) =
                            (height.min(self.rows.len() - row), width.min(self.columns.len() - column));
                        let a = Matrix::new(&a.data[row * a.strides[0]..], a.strides);
                        let b = Matrix::new(&b.data[column * b.strides[0]..], [b.strides[1], b.strides[0]]);
                        gemm([m, n, depth.len()], a, b, sums, width, start > 0);
                    });
                });
            });
        }
    }

    /// Adds the bias to a row and rounds it.
    fn store<T: Element>(&self, row: usize, sums: &[f32], bias: Option<&[f32]>, out: &mut [T]) {
        let [height, width, across] = self.tiling();
        scratch::with(width, |line| {
            for (tile, start) in self.columns.clone().step_by(width).enumerate() {
                let columns = start..self.columns.end.min(start + width);
                let from = (row / height * across + tile) * height * width + row % height * width;
                let sums = &sums[from..from + columns.len()];
                let line = &mut line[..columns.len()];
                match bias {
                    None => line.copy_from_slice(sums),
                    Some(bias) => {
                        let terms = sums.iter().zip(&bias[columns.clone()]);
                        line.iter_mut().zip(terms).for_each(|(to, (sum, bias))| *to = sum + bias);
                    }
                }
                convert::from_f32(line, &mut out[columns]);
            }
        });
    }
}
