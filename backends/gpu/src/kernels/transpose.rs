//! Copies between layouts whose neighbours lie along different axes: through tiles in shared memory, so that reads and writes
//! both go along neighbours.

use super::pointwise::blocks;
use super::walk::{Index, Walk, broadcast};
use crate::prelude::name;
use crate::{Arg, KernelSource, Launch, View};

/// Elements of a tile's side, and how many rows of it threads take at once.
const SIDE: usize = 32;
const ROWS: usize = 8;

/// The copy, where one layout has its neighbours along another axis than the other.
pub(super) fn transpose(from: &View, to: &View) -> Result<Option<Launch>, String> {
    let walk = Walk::over(&to.shape, &[&to.strides, &broadcast(from, &to.shape)]);
    let [target, source] = &walk.strides[..] else { return Ok(None) };
    let axis = |strides: &[usize]| strides.iter().position(|&stride| stride == 1);
    let (Some(across), Some(down)) = (axis(target), axis(source)) else { return Ok(None) };
    if across == down || source[across] == 0 {
        return Ok(None);
    }
    let others = |list: &[usize]| -> Vec<usize> {
        let kept = list.iter().enumerate().filter(|(axis, _)| *axis != across && *axis != down);
        kept.map(|(_, &value)| value).collect()
    };
    let outer = Walk::over(&others(&walk.extents), &[&others(target), &others(source)]);
    let index = Index::Wide;
    let kind = name(to.dtype);
    let code = format!(
        "KERNEL void transpose({kind}* __restrict__ to, const {kind}* __restrict__ from, i64 width, i64 height, i64 tiles_across, i64 tiles_down, i64 to_step, i64 from_step{}) {{
    __shared__ {kind} tile[{SIDE}][{SIDE} + 1];
    const i64 left = (i64)blockIdx.x % tiles_across * {SIDE}, top = (i64)blockIdx.x / tiles_across % tiles_down * {SIDE};
    const i64 rest = (i64)blockIdx.x / tiles_across / tiles_down;
    (void)rest;
{}    to += {};
    from += {};
    for (int y = threadIdx.y; y < {SIDE}; y += {ROWS}) {{
        const i64 a = left + y, b = top + threadIdx.x;
        if (a < width && b < height) tile[y][threadIdx.x] = from[a * from_step + b];
    }}
    __syncthreads();
    for (int y = threadIdx.y; y < {SIDE}; y += {ROWS}) {{
        const i64 a = left + threadIdx.x, b = top + y;
        if (a < width && b < height) to[b * to_step + a] = tile[threadIdx.x][y];
    }}
}}
",
        outer.parameters("", index),
        outer.coordinates("", "rest", index),
        outer.offset("", 0),
        outer.offset("", 1),
    );
    let (width, height) = (walk.extents[across], walk.extents[down]);
    let tiles = [width.div_ceil(SIDE), height.div_ceil(SIDE)];
    let mut args = vec![Arg::Write(0), Arg::Read(0)];
    let numbers = [width, height, tiles[0], tiles[1], target[down], source[across]];
    args.extend(numbers.map(|value| index.arg(value)));
    args.extend(outer.arguments(index));
    let kernel = KernelSource { entry: "transpose".into(), code: code.into() };
    let grid = blocks(tiles[0] * tiles[1] * outer.elements())?;
    Ok(Some(Launch { kernel, grid, block: [SIDE as u32, ROWS as u32, 1], shared: 0, args }))
}
