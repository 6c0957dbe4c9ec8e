//! The sides of a product, read as f32 a block at a time.

use super::convert;
use super::gemm::Matrix;
use super::scratch;
use super::walk::{Reader, Walk};
use crate::tensor::{Element, View};
use rayon::prelude::*;
use std::ops::Range;

/// One side of a product, `[rows, depth]`: the rows of the left matrix, the columns of the right one.
pub(crate) trait Side: Sync {
    /// The elements where they lie, if they are f32 at fixed distances.
    fn in_place(&self) -> Option<Matrix<'_>> {
        None
    }

    /// Whether a line is one depth of many rows, rather than one row of many depths.
    fn lines_run_across_rows(&self) -> bool {
        false
    }

    /// Reads part of a line.
    fn fill(&self, line: usize, range: Range<usize>, to: &mut [f32]);
}

/// A matrix at fixed distances.
pub(crate) struct Strided<'a, T> {
    /// The elements, from the first on.
    pub data: &'a [T],
    /// The distances between rows and along the depth.
    pub strides: [usize; 2],
}

impl<T: Element> Side for Strided<'_, T> {
    fn in_place(&self) -> Option<Matrix<'_>> {
        let data = (T::DTYPE == f32::DTYPE).then(|| bytemuck::try_cast_slice(self.data).ok()).flatten()?;
        Some(Matrix::new(data, self.strides))
    }

    fn lines_run_across_rows(&self) -> bool {
        self.strides[0] == 1 && self.strides[1] != 1
    }

    fn fill(&self, line: usize, range: Range<usize>, to: &mut [f32]) {
        let [across, along] = if self.lines_run_across_rows() { [1, 0] } else { [0, 1] };
        let stride = self.strides[along];
        let source = &self.data[line * self.strides[across] + range.start * stride..];
        if stride == 1 {
            return convert::to_f32(&source[..to.len()], to);
        }
        to.iter_mut().zip(source.iter().step_by(stride.max(1))).for_each(|(t, s)| *t = s.to_f32());
        if stride == 0 {
            to.fill(source[0].to_f32());
        }
    }
}

/// Rows whose elements lie anyhow.
pub(crate) struct Gathered<'a, T> {
    reader: Reader<'a, T>,
    base: usize,
    depth: usize,
}

impl<'a, T> Gathered<'a, T> {
    /// Rows of `depth` elements in a reader's order, all offsets moved by `base`.
    pub fn new(reader: Reader<'a, T>, base: usize, depth: usize) -> Self {
        Self { reader, base, depth }
    }
}

impl<T: Element> Side for Gathered<'_, T> {
    fn fill(&self, line: usize, range: Range<usize>, to: &mut [f32]) {
        self.reader.load(self.base, line * self.depth + range.start, to);
    }
}

/// Calls `work` with a view taken as a matrix: its first `axes` axes as rows, the others as depth, starting at `base`.
pub(crate) fn with_rows<T: Element, R>(
    view: &View<T>,
    axes: usize,
    base: usize,
    work: impl FnOnce(&dyn Side) -> R,
) -> R {
    let (shape, strides) = (view.shape(), view.strides());
    let rows = Walk::new(&shape[..axes], &strides[..axes]).single_stride();
    let depth = Walk::new(&shape[axes..], &strides[axes..]).single_stride();
    match (rows, depth) {
        (Some(rows), Some(depth)) => work(&Strided { data: &view.data()[base..], strides: [rows, depth] }),
        _ => work(&Gathered::new(Reader::new(view), base, shape[axes..].iter().product())),
    }
}

/// Calls `work` with part of a side as `[rows, depth]`, in place or read into a buffer. Where `turn` is set, lines along
/// the depth are turned on the way, so that the rows of one depth are neighbours: what the crate would otherwise do anew
/// for every tile.
pub(crate) fn with_panel<R>(
    side: &dyn Side,
    rows: Range<usize>,
    depth: Range<usize>,
    turn: bool,
    work: impl FnOnce(Matrix) -> R,
) -> R {
    let in_place = side.in_place();
    let across = side.lines_run_across_rows();
    if let Some(Matrix { data, strides }) = in_place.filter(|_| across || !turn) {
        return work(Matrix::new(&data[rows.start * strides[0] + depth.start * strides[1]..], strides));
    }
    scratch::with(rows.len() * depth.len(), |panel| {
        if turn && !across {
            let width = rows.len();
            panel.par_chunks_mut(TURN[1] * width).enumerate().for_each(|(chunk, to)| {
                let start = depth.start + chunk * TURN[1];
                turned(side, rows.clone(), start..depth.end.min(start + TURN[1]), to);
            });
            return work(Matrix::new(panel, [1, width]));
        }
        let (lines, along) = if across { (depth, rows) } else { (rows, depth) };
        panel.par_chunks_mut(along.len()).enumerate().for_each(|(line, to)| {
            side.fill(lines.start + line, along.clone(), to);
        });
        work(Matrix::new(panel, if across { [1, along.len()] } else { [along.len(), 1] }))
    })
}

/// Rows and depths that are turned at once: whole lines of the cache on both sides.
const TURN: [usize; 2] = [16, 32];

/// Reads lines along the depth, and writes them as columns.
fn turned(side: &dyn Side, rows: Range<usize>, depth: Range<usize>, to: &mut [f32]) {
    let mut square = [0f32; TURN[0] * TURN[1]];
    let width = rows.len();
    for start in (0..width).step_by(TURN[0]) {
        let count = TURN[0].min(width - start);
        for (row, line) in square.chunks_exact_mut(TURN[1]).take(count).enumerate() {
            side.fill(rows.start + start + row, depth.clone(), &mut line[..depth.len()]);
        }
        for (d, to) in to.chunks_mut(width).enumerate() {
            let column = square[d..].iter().step_by(TURN[1]);
            to[start..start + count].iter_mut().zip(column).for_each(|(to, from)| *to = *from);
        }
    }
}
