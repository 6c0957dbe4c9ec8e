//! Linear layers, tile by tile.

use super::Panels;
use super::grid::{Tile, for_each_tile};
use super::kernel::{Block, Kernel, Task};
use super::pack::{panel_len, read};
use crate::kernels::vector::{Work, vectorised};
use crate::kernels::walk::Reader;
use crate::kernels::{convert, scratch};
use crate::level::Level;
use crate::tensor::{Element, View};

/// The most rows of a tile, in kernels' heights.
const HEIGHT: usize = 16;
/// The most columns of a tile.
const WIDTH: usize = 512;
/// Tiles a thread, if the result is large enough: so that threads end at about the same time.
const TILES: usize = 4;
/// What is added to a row of sums, lest rows lie on the same lines of the cache.
const GAP: usize = 16;

/// A linear layer to compute.
pub(super) struct Linear<'a, 'b, T> {
    pub level: Level,
    pub x: View<'a, T>,
    pub weight: Panels<'a>,
    pub bias: Option<View<'a, T>>,
    pub out: &'b mut [T],
}

impl<T: Element> Task for Linear<'_, '_, T> {
    type Output = ();

    fn run<K: Kernel>(self, kernel: K) {
        let Panels { bytes, n, k } = self.weight;
        if self.out.is_empty() || n == 0 {
            return;
        }
        let m = self.out.len() / n;
        let panels: &[K::Right] = bytemuck::cast_slice(bytes);
        let x = Reader::new(&self.x);
        let bias = self.bias.as_ref().map(Reader::new);
        let tile = extents::<K>(m, n, rayon::current_num_threads());
        for_each_tile(self.out, [m, n], tile, |mut out| {
            let (rows, stride) = (out.rows().len(), out.columns().len().next_multiple_of(K::COLUMNS) + GAP);
            let lefts = rows * K::DEPTH * size_of::<K::Left>() / size_of::<f32>();
            scratch::with(lefts + (rows + 1) * stride, |buffer| {
                let (left, sums) = buffer.split_at_mut(lefts);
                let (sums, line) = sums.split_at_mut(rows * stride);
                sum(kernel, &x, panels, k, &out, bytemuck::cast_slice_mut(left), sums, stride);
                let columns = out.columns();
                let line = &mut line[..columns.len()];
                if let Some(bias) = &bias {
                    bias.load(0, columns.start, line);
                }
                let bias = bias.is_some().then_some(&*line);
                vectorised(self.level, Store { sums, stride, bias, out: &mut out });
            });
        });
    }
}

/// Adding the bias to a tile's sums, and rounding them.
struct Store<'a, 'b, T> {
    sums: &'a mut [f32],
    stride: usize,
    bias: Option<&'a [f32]>,
    out: &'a mut Tile<'b, T>,
}

impl<T: Element> Work for Store<'_, '_, T> {
    #[inline(always)]
    fn run(self) {
        let (rows, columns) = (self.out.rows().len(), self.out.columns().len());
        for (row, sums) in self.sums.chunks_mut(self.stride).take(rows).enumerate() {
            let sums = &mut sums[..columns];
            if let Some(bias) = self.bias {
                sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
            }
            convert::from_f32(sums, self.out.row(row));
        }
    }
}

/// The extents of tiles. They are free: no bit depends on them.
fn extents<K: Kernel>(m: usize, n: usize, threads: usize) -> [usize; 2] {
    let even = |extent: usize, most: usize, unit: usize| {
        extent.div_ceil(extent.div_ceil(most)).next_multiple_of(unit)
    };
    let [mut height, mut width] = [even(m, HEIGHT * K::ROWS, K::ROWS), even(n, WIDTH, K::COLUMNS)];
    let wanted = if threads > 1 { TILES * threads } else { 1 };
    while m.div_ceil(height) * n.div_ceil(width) < wanted {
        if width > 2 * K::COLUMNS && width >= height {
            width = (width / 2).next_multiple_of(K::COLUMNS);
        } else if height > K::ROWS {
            height = (height / 2).next_multiple_of(K::ROWS);
        } else if width > K::COLUMNS {
            width = (width / 2).next_multiple_of(K::COLUMNS);
        } else {
            break;
        }
    }
    [height, even_width::<K>(m.div_ceil(height), n, width, threads)]
}

/// A width of at most `width` with which the threads have as even a share of the columns as can be.
fn even_width<K: Kernel>(down: usize, n: usize, width: usize, threads: usize) -> usize {
    let panels = n.div_ceil(K::COLUMNS);
    let least = n.div_ceil(width);
    // The columns that the busiest thread has, as many tiles of them as it has.
    let busiest = |across: usize| {
        let width = panels.div_ceil(across);
        (down * panels.div_ceil(width)).div_ceil(threads) * width
    };
    let across = (least..=panels.min(least + threads)).min_by_key(|across| busiest(*across)).unwrap_or(least);
    panels.div_ceil(across) * K::COLUMNS
}

/// Sums a tile over the whole depth, into rows `stride` apart.
#[allow(clippy::too_many_arguments)]
fn sum<K: Kernel, T: Element>(
    kernel: K,
    x: &Reader<T>,
    panels: &[K::Right],
    k: usize,
    out: &Tile<T>,
    left: &mut [K::Left],
    sums: &mut [f32],
    stride: usize,
) {
    if k == 0 {
        sums.fill(0.0);
    }
    let (rows, panel_len) = (out.rows().len(), panel_len::<K>(k));
    let panel_range = out.columns().start / K::COLUMNS..out.columns().end.div_ceil(K::COLUMNS);
    // Rows are shared out evenly among the kernel's calls: few rows at once leave it waiting for its own sums.
    let calls = rows.div_ceil(K::ROWS);
    for start in (0..k).step_by(K::DEPTH) {
        let count = K::DEPTH.min(k - start);
        let depth = count.next_multiple_of(K::GROUP);
        for (row, left) in out.rows().zip(left.chunks_mut(K::DEPTH)) {
            read(x, row * k + start, &mut left[..count]);
            left[count..depth].fill(K::Left::default());
        }
        for (index, panel) in panel_range.clone().enumerate() {
            let right = &panels[panel * panel_len + start * K::COLUMNS..][..depth * K::COLUMNS];
            // What comes next, from memory: the next panel at this depth, or the first one at the next depth.
            let last = panel + 1 == panel_range.end;
            let [next, below] = if last { [panel_range.start, start + depth] } else { [panel + 1, start] };
            let wanted = K::DEPTH.min(k.saturating_sub(below)).next_multiple_of(K::GROUP);
            let next = &panels[next * panel_len + below.min(k) * K::COLUMNS..][..wanted * K::COLUMNS];
            for call in 0..calls {
                let [first, end] = [rows * call / calls, rows * (call + 1) / calls];
                let ahead = &next[next.len() * call / calls..next.len() * (call + 1) / calls];
                kernel.multiply(Block {
                    left: &left[first * K::DEPTH..],
                    rows: end - first,
                    right,
                    depth,
                    sums: &mut sums[first * stride + index * K::COLUMNS..],
                    stride,
                    add: start > 0,
                    ahead,
                });
            }
        }
    }
}
