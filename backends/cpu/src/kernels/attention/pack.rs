//! Rows of queries, keys and values as words in the order that tiles take them.

use super::tile::Tile;
use crate::kernels::scratch;
use crate::kernels::side::Strided;
use crate::kernels::walk::{Reader, Walk};
use crate::tensor::Element;
use half::bf16;
use std::ops::Range;

/// How a block of keys and values is laid out: panels of keys, each `depth` lines of a word a key, then panels of
/// values, each a line of a word a column for each key or pair of keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// What takes the panels.
    pub tile: Tile,
    /// Words of a key.
    pub depth: usize,
    /// The widths of a key and of a value, in elements.
    pub widths: [usize; 2],
    /// The width of a value, in whole tiles.
    pub columns: usize,
}

impl Layout {
    pub fn new(tile: Tile, widths: [usize; 2]) -> Self {
        let depth = if tile.pairs() { widths[0].div_ceil(2) } else { widths[0] };
        Self { tile, depth, widths, columns: widths[1].next_multiple_of(tile.extents()[1]) }
    }

    /// So many keys in whole tiles.
    pub fn padded(&self, keys: usize) -> usize {
        keys.next_multiple_of(self.tile.extents()[1])
    }

    /// Words of one of so many weights of padded keys.
    pub fn steps(&self, padded: usize) -> usize {
        if self.tile.pairs() { padded / 2 } else { padded }
    }

    /// Words of a block of so many keys.
    pub fn words(&self, keys: usize) -> usize {
        let padded = self.padded(keys);
        padded * self.depth + self.steps(padded) * self.columns
    }

    /// A block's panels of keys and of values.
    pub fn parts<'a>(&self, block: &'a [f32], keys: usize) -> [&'a [f32]; 2] {
        block.split_at(self.padded(keys) * self.depth).into()
    }

    /// Reads queries, zeros after the last.
    pub fn queries<T: Element>(&self, q: &Strided<T>, rows: Range<usize>, to: &mut [f32]) {
        let count = rows.len();
        for (i, to) in to.chunks_exact_mut(self.depth.max(1)).enumerate() {
            if i < count { self.row(q, rows.start + i, self.widths[0], to) } else { to.fill(0.0) }
        }
    }

    /// Packs a block of keys and values.
    pub fn pack<T: Element>(&self, k: &Strided<T>, v: &Strided<T>, range: Range<usize>, block: &mut [f32]) {
        let lanes = self.tile.extents()[1];
        let padded = self.padded(range.len());
        let (keys, values) = block[..self.words(range.len())].split_at_mut(padded * self.depth);
        scratch::with(self.depth.max(self.columns * 2), |buffer| {
            let line = &mut buffer[..self.depth];
            for (panel, to) in keys.chunks_exact_mut((lanes * self.depth).max(1)).enumerate() {
                for lane in 0..lanes {
                    let key = range.start + panel * lanes + lane;
                    if key < range.end {
                        self.row(k, key, self.widths[0], line)
                    } else {
                        line.fill(0.0)
                    }
                    to[lane..].iter_mut().step_by(lanes).zip(&*line).for_each(|(to, from)| *to = *from);
                }
            }
            let steps = self.steps(padded);
            for step in 0..steps {
                let line = &mut buffer[..self.columns];
                if self.tile.pairs() {
                    self.pair(v, range.start + 2 * step..range.end, line);
                } else if range.start + step < range.end {
                    self.row(v, range.start + step, self.widths[1], &mut line[..self.widths[1]]);
                    line[self.widths[1]..].fill(0.0);
                } else {
                    line.fill(0.0);
                }
                for (panel, from) in line.chunks_exact(lanes).enumerate() {
                    let at = (panel * steps + step) * lanes;
                    values[at..at + lanes].copy_from_slice(from);
                }
            }
        });
    }

    /// Reads a row's elements, or pairs of them, the last with zero if it has no other.
    fn row<T: Element>(&self, side: &Strided<T>, row: usize, width: usize, to: &mut [f32]) {
        let (shape, strides) = ([width], [side.strides[1]]);
        let data = &side.data[(row * side.strides[0]).min(side.data.len())..];
        if !self.tile.pairs() {
            return Reader::over(data, Walk::new(&shape, &strides)).load(0, 0, &mut to[..width]);
        }
        let (Ok(data), Some(to)) = (bytemuck::try_cast_slice(data), halves(to)) else { return };
        to[width..].fill(bf16::ZERO);
        Reader::over(data, Walk::new(&shape, &strides)).copy(0, 0, &mut to[..width]);
    }

    /// Reads two rows of values as one of pairs, zeros after the last row.
    fn pair<T: Element>(&self, v: &Strided<T>, rows: Range<usize>, to: &mut [f32]) {
        let Ok(data) = bytemuck::try_cast_slice::<T, bf16>(v.data) else { return };
        let stride = v.strides[1];
        let from =
            |row: usize| if row < rows.end { &data[(row * v.strides[0]).min(data.len())..] } else { &[] };
        let (first, second) = (from(rows.start), from(rows.start + 1));
        let word = |a: bf16, b: bf16| f32::from_bits(u32::from(a.to_bits()) | u32::from(b.to_bits()) << 16);
        let width = self.widths[1];
        to[width..].fill(0.0);
        let to = &mut to[..width];
        if width == 0 || first.is_empty() {
            to.fill(0.0);
        } else if stride == 1 && !second.is_empty() {
            let pairs = first[..width].iter().zip(&second[..width]);
            to.iter_mut().zip(pairs).for_each(|(to, (a, b))| *to = word(*a, *b));
        } else {
            for (i, to) in to.iter_mut().enumerate() {
                *to = word(first[i * stride], second.get(i * stride).copied().unwrap_or_default());
            }
        }
    }
}

/// Words as pairs of bf16.
fn halves(words: &mut [f32]) -> Option<&mut [bf16]> {
    bytemuck::try_cast_slice_mut(words).ok()
}
