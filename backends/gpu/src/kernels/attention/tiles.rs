//! Tiles of 16 queries by the instructions of AMD's matrix units: a wave each, keys 32 at a time, which the waves of a block share.
//!
//! A product's sums lie otherwise in a wave than its factors do, so probabilities go through shared memory on their way to the
//! second product, in the dtype of the values.

use super::Body;
use crate::prelude::name;
use crate::{Architecture, Attention};

/// Waves of a block, each with a row of tiles.
const WAVES: usize = 4;
/// Keys at once.
const KEYS: usize = 32;
/// The widest heads whose queries and results fit the registers.
const WIDEST: usize = 128;

/// Whether heads are as narrow as that.
pub(super) fn fit(op: &Attention) -> bool {
    [op.depth, op.value_depth].iter().all(|width| (1..=WIDEST).contains(width))
}

pub(super) fn body(op: &Attention, architecture: &Architecture) -> Body {
    let (kind, depth, width) = (name(op.dtype), op.depth, op.value_depth);
    // As the instructions have it, filled up with zeros.
    let (deep, wide) = (depth.next_multiple_of(16), width.next_multiple_of(16));
    let threads = WAVES * architecture.warp as usize;
    let mask = match op.mask {
        None => "",
        // Rows behind the last query are computed with the others, and have no mask.
        Some(_) => {
            "                    const i64 s = top + matrix_row(lane, n);
                    if (s < queries) score += to_float(mask[b * mask_b + h * mask_h + s * mask_s + key * mask_t]);\n"
        }
    };
    let text = format!(
        "    // Rows longer than they are wide, so that the lanes of a wave read from different banks.
    alignas(16) __shared__ u16 right[{KEYS}][{deep} + 8];
    alignas(16) __shared__ u16 values[{wide}][{KEYS} + 8];
    alignas(16) __shared__ u16 shares[{WAVES}][16][{KEYS} + 8];
    const int lane = threadIdx.x % WARP, wave = threadIdx.x / WARP, column = lane % 16;
    const i64 top = first + wave * 16;
    q += b * q_b + h * q_h;
    Fragment x[{deep} / 16] = {{}};
    if (top + column < queries)
#pragma unroll
        for (int p = 0; p < {deep} / 16; p++)
#pragma unroll
            for (int i = 0; i < FRAGMENT; i++) {{
                const int at = 16 * p + matrix_k(lane) + i;
                if (at < {depth}) x[p].at[i] = q[(top + column) * q_s + at].bits;
            }}
    float most[SUMS], total[SUMS] = {{}};
#pragma unroll
    for (int s = 0; s < SUMS; s++) most[s] = -INFINITE;
    float acc[{wide} / 16][SUMS] = {{}};
    for (i64 at = 0; at < keys; at += {KEYS}) {{
        for (int e = threadIdx.x; e < {KEYS} * {deep}; e += {threads}) {{
            const int r = e / {deep}, c = e % {deep};
            right[r][c] = at + r < keys && c < {depth} ? k[(at + r) * k_s + c].bits : (u16)0;
        }}
        for (int e = threadIdx.x; e < {KEYS} * {wide}; e += {threads}) {{
            const int r = e / {wide}, c = e % {wide};
            values[c][r] = at + r < keys && c < {width} ? v[(at + r) * v_s + c].bits : (u16)0;
        }}
        __syncthreads();
        float scores[{KEYS} / 16][SUMS] = {{}};
#pragma unroll
        for (int j = 0; j < {KEYS} / 16; j++)
#pragma unroll
            for (int p = 0; p < {deep} / 16; p++) {{
                const Fragment y = *(const Fragment*)&right[16 * j + column][16 * p + matrix_k(lane)];
                matrix_multiply<{kind}>(x[p], y, scores[j]);
            }}
#pragma unroll
        for (int n = 0; n < SUMS; n++) {{
            float peak = most[n];
#pragma unroll
            for (int j = 0; j < {KEYS} / 16; j++) {{
                const i64 key = at + 16 * j + column;
                float score = scores[j][n] * scale;
                if (key < keys) {{
{mask}                }} else score = -INFINITE;
                scores[j][n] = score;
                peak = largest(peak, score);
            }}
            // A row of a tile is in 16 neighbouring lanes.
            peak = team_max<16>(peak);
            // Nothing but masked keys so far: no factor could be made of it.
            const float base = peak == -INFINITE ? 0.0f : peak;
            const float shrink = most[n] == -INFINITE ? 0.0f : expf(most[n] - base);
            float sum = 0.0f;
#pragma unroll
            for (int j = 0; j < {KEYS} / 16; j++) {{
                const float weight = expf(scores[j][n] - base);
                shares[wave][matrix_row(lane, n)][16 * j + column] = from_float<{kind}>(weight).bits;
                sum += weight;
            }}
            total[n] = total[n] * shrink + team_sum<16>(sum);
            most[n] = peak;
#pragma unroll
            for (int e = 0; e < {wide} / 16; e++) acc[e][n] *= shrink;
        }}
        __syncthreads();
#pragma unroll
        for (int p = 0; p < {KEYS} / 16; p++) {{
            const Fragment share = *(const Fragment*)&shares[wave][column][16 * p + matrix_k(lane)];
#pragma unroll
            for (int e = 0; e < {wide} / 16; e++) {{
                const Fragment y = *(const Fragment*)&values[16 * e + column][16 * p + matrix_k(lane)];
                matrix_multiply<{kind}>(share, y, acc[e]);
            }}
        }}
        __syncthreads();
    }}
    o += b * o_b + h * o_h;
#pragma unroll
    for (int n = 0; n < SUMS; n++) {{
        const i64 s = top + matrix_row(lane, n);
        if (s >= queries) continue;
#pragma unroll
        for (int e = 0; e < {wide} / 16; e++)
            if (16 * e + column < {width}) o[s * o_s + 16 * e + column] = from_float<{kind}>(acc[e][n] / total[n]);
    }}
"
    );
    Body { bounds: format!("__launch_bounds__({threads}) "), text, queries: 16 * WAVES, threads }
}
