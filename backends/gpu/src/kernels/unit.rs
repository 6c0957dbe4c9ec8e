//! Tiles of a product by the instructions of AMD's matrix units, in which a wave multiplies 16 x 16 elements.

use crate::{Architecture, Dialect, MatrixUnit};
use tintype_program::DType;

/// Rows and columns of a block's part of the result, and how much of `k` it takes at once.
pub(super) const TILE: usize = 128;
const DEPTH: usize = 32;
/// Threads of a block.
const THREADS: usize = 256;

/// How the waves of a block share out its tile: two of them one below the other, the others side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Waves side by side.
    across: usize,
}

impl Unit {
    /// The unit that multiplies a dtype, if there is one that kernels are written for.
    pub(super) fn of(architecture: &Architecture, dtype: DType) -> Option<Self> {
        let is_amd = architecture.dialect == Dialect::Hip && architecture.matrix != MatrixUnit::None;
        let is_narrow = matches!(dtype, DType::Bf16 | DType::F16);
        (is_amd && is_narrow).then(|| Self { across: THREADS / architecture.warp as usize / 2 })
    }

    /// A kernel's text behind its head, which says where the tile is. `last` stores `sum` at `row` and `column`.
    pub(super) fn text(self, head: &str, kind: &str, last: &str) -> String {
        // What a wave has: rows and columns, and how many instructions that is.
        let (rows, columns) = (TILE / 2, TILE / self.across);
        let (down, across, room) = (rows / 16, columns / 16, DEPTH + 8);
        format!(
            "{head}    // A row more than it takes, so that the lanes of a wave read from different banks.
    alignas(16) __shared__ u16 left[{TILE}][{room}];
    alignas(16) __shared__ u16 right[{TILE}][{room}];
    const int lane = threadIdx.x % WARP, wave = threadIdx.x / WARP;
    const int down = wave / {waves} * {rows}, across = wave % {waves} * {columns};
    float acc[{down}][{across}][SUMS] = {{}};
    for (i64 at = 0; at < k; at += {DEPTH}) {{
        for (int e = threadIdx.x; e < {DEPTH} * {TILE}; e += {THREADS}) {{
            // Neighbouring threads take neighbours in memory.
            const int r = a_column == 1 ? e / {DEPTH} : e % {TILE}, p = a_column == 1 ? e % {DEPTH} : e / {TILE};
            const i64 row = top + r, depth = at + p;
            left[r][p] = row < m && depth < k ? a[row * a_row + depth * a_column].bits : (u16)0;
            const int c = b_column == 1 ? e % {TILE} : e / {DEPTH}, q = b_column == 1 ? e / {TILE} : e % {DEPTH};
            const i64 column = start + c, inner = at + q;
            right[c][q] = column < n && inner < k ? b[inner * b_row + column * b_column].bits : (u16)0;
        }}
        __syncthreads();
#pragma unroll
        for (int p = 0; p < {DEPTH}; p += 16) {{
            Fragment x[{down}], y[{across}];
#pragma unroll
            for (int i = 0; i < {down}; i++) x[i] = *(const Fragment*)&left[down + 16 * i + lane % 16][p + matrix_k(lane)];
#pragma unroll
            for (int j = 0; j < {across}; j++) y[j] = *(const Fragment*)&right[across + 16 * j + lane % 16][p + matrix_k(lane)];
#pragma unroll
            for (int i = 0; i < {down}; i++)
#pragma unroll
                for (int j = 0; j < {across}; j++) matrix_multiply<{kind}>(x[i], y[j], acc[i][j]);
        }}
        __syncthreads();
    }}
#pragma unroll
    for (int i = 0; i < {down}; i++)
#pragma unroll
        for (int j = 0; j < {across}; j++)
#pragma unroll
        for (int s = 0; s < SUMS; s++) {{
            const i64 row = top + down + 16 * i + matrix_row(lane, s), column = start + across + 16 * j + lane % 16;
            if (row >= m || column >= n) continue;
            float sum = acc[i][j][s];
{last}        }}
}}
",
            waves = self.across,
        )
    }
}
