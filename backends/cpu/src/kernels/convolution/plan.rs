//! How a result is divided into blocks, and how the part of the input that a block sees is laid out.

use super::shape::Shape;
use super::tile::{Kernel, PANEL};

/// Elements of an input block: half of a megabyte of second-level cache, the rest for weights. Under Miri blocks are small, so
/// that it comes to several along each axis.
const BLOCK: usize = if cfg!(miri) { 64 } else { 144 << 10 };
/// Fewer outputs than this do not repay reading the input for them alone.
const FEW_OUTPUTS: usize = if cfg!(miri) { PANEL } else { 32 };

/// The extents of blocks, and the layout of a block's input: `[channel, kernel layer, row, phase, column]`. Columns that
/// stand `step` apart lie side by side, so that a vector of outputs reads a vector of inputs; a phase is their remainder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Output channels, rows and columns of a block.
    pub block: [usize; 3],
    /// Columns of a phase.
    pub pitch: usize,
    /// Rows of the input.
    pub rows: usize,
    /// Elements of a row, all phases together.
    pub row: usize,
    /// Elements between rows of outputs.
    pub row_step: usize,
    /// Elements of a channel.
    pub plane: usize,
}

impl Plan {
    /// Blocks that fit the cache and lose least to the overlap of their inputs, and enough of them for all threads.
    pub fn new(shape: &Shape, kernel: Kernel, threads: usize) -> Self {
        let [_, height, width] = shape.output;
        let room = BLOCK / shape.lanes_of_depth(kernel).max(1);
        let most = width.div_ceil(kernel.lanes());
        let mut best = (0.0, Self::of(shape, kernel, PANEL, 1, width.min(kernel.lanes())));
        for across in 1..=most.min(64) {
            let columns = most.div_ceil(across) * kernel.lanes();
            let one = Self::of(shape, kernel, PANEL, 1, columns.min(width));
            let more = one.row_step * shape.kernel[0];
            let rows = 1 + room.checked_sub(one.plane).map_or(0, |room| room / more.max(1));
            let rows = height.div_ceil(height.div_ceil(rows.min(height)));
            let plan = Self::of(shape, kernel, PANEL, rows, columns.min(width));
            let share = (rows * columns.min(width)) as f64 / plan.plane as f64;
            if plan.plane <= room && share > best.0 {
                best = (share, plan);
            }
        }
        let Self { block: [_, rows, columns], .. } = best.1;
        let blocks = shape.pictures * shape.groups * height.div_ceil(rows) * width.div_ceil(columns);
        let parts = (4 * threads).div_ceil(blocks * shape.output[0]).min(shape.outputs.div_ceil(FEW_OUTPUTS));
        let outputs = shape.outputs.div_ceil(parts.max(1)).next_multiple_of(PANEL);
        Self::of(shape, kernel, outputs, rows, columns)
    }

    fn of(shape: &Shape, kernel: Kernel, outputs: usize, rows: usize, columns: usize) -> Self {
        let reach = |axis: usize| (shape.kernel[axis] - 1) * shape.dilation[axis];
        let pitch = columns.next_multiple_of(kernel.lanes()) + reach(2) / shape.step[2];
        let row = pitch * shape.step[2].min(reach(2) + 1);
        let block = [outputs, rows, columns];
        let row_step = shape.step[1] * row;
        let rows = (rows - 1) * shape.step[1] + reach(1) + 1;
        Self { block, pitch, rows, row, row_step, plane: shape.kernel[0] * rows * row }
    }

    /// The steps of the grid of blocks over `[picture and group, output, layer, row, column]`.
    pub fn steps(&self) -> [usize; 5] {
        let [outputs, rows, columns] = self.block;
        [1, outputs, 1, rows, columns]
    }

    /// The offset of a tap from a block's first element.
    pub fn offsets(&self, shape: &Shape) -> impl Fn([usize; 3]) -> usize {
        let (plan, [_, down, along], step) = (*self, shape.dilation, shape.step[2]);
        move |[z, y, x]| {
            let column = x * along;
            (z * plan.rows + y * down) * plan.row + column % step * plan.pitch + column / step
        }
    }
}
