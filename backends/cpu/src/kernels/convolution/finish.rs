//! Writing a tile's sums into the result.

use super::grid::Block;
use super::tile::{LANES, Sums};
use crate::kernels::vector::Work;
use crate::tensor::{Element, View};
use std::ops::Range;

/// A tile's sums, and where they go. The tile's vectors are numbers `batch` of the block's, row by row.
pub(super) struct Finish<'a, 'r, T> {
    pub sums: &'a mut Sums,
    pub block: &'a mut Block<'r, T>,
    /// The first output, of how many, and its channel among those of all groups.
    pub outputs: Range<usize>,
    pub channel: usize,
    pub bias: Option<View<'a, T>>,
    pub batch: Range<usize>,
    /// Vectors of a row, and elements of a vector.
    pub vectors: usize,
    pub lanes: usize,
}

impl<T: Element> Work for Finish<'_, '_, T> {
    #[inline(always)]
    fn run(self) {
        let [part, _, layer, rows, columns] = self.block.ranges();
        for (at, output) in self.outputs.enumerate() {
            let bias = self.bias.map_or(0.0, |b| b.data()[(self.channel + at) * b.strides()[0]].to_f32());
            for (i, vector) in self.batch.clone().enumerate() {
                let start = columns.start + vector % self.vectors * self.lanes;
                let to = start..columns.end.min(start + self.lanes);
                let index = [part.start, output, layer.start, rows.start + vector / self.vectors];
                if self.block.is_spread() {
                    let mut values = [T::default(); LANES];
                    let values = &mut values[..to.len()];
                    self.sums.store(at, i, bias, values);
                    self.block.write(index, to, values);
                } else {
                    self.sums.store(at, i, bias, self.block.line(index, to));
                }
            }
        }
    }
}
