//! A warp for each query, keys a warp's width at a time.

use super::Body;
use crate::prelude::name;
use crate::{Architecture, Attention};

/// Queries of a block, a warp each.
const QUERIES: usize = 4;

pub(super) fn body(op: &Attention, architecture: &Architecture) -> Result<Body, String> {
    let warp = architecture.warp as usize;
    let (kind, depth, width) = (name(op.dtype), op.depth, op.value_depth);
    let each = width.div_ceil(warp).max(1);
    if each > 64 || depth > 2048 {
        return Err(format!("heads of {depth} and {width} elements are more than the kernel holds"));
    }
    let mask = match op.mask {
        None => "",
        Some(_) => {
            "            score += to_float(mask[b * mask_b + h * mask_h + s * mask_s + key * mask_t]);\n"
        }
    };
    let text = format!(
        "    __shared__ float query[{QUERIES}][{depth}];
    const int lane = threadIdx.x % WARP, row = threadIdx.x / WARP;
    const i64 s = first + row;
    const bool inside = s < queries;
    if (inside) for (int i = lane; i < {depth}; i += WARP) query[row][i] = to_float(q[b * q_b + h * q_h + s * q_s + i]);
    __syncthreads();
    if (!inside) return;
    float most = -INFINITE, total = 0.0f;
    float acc[{each}] = {{}};
    for (i64 at = 0; at < keys; at += WARP) {{
        const i64 key = at + lane;
        float score = -INFINITE;
        if (key < keys) {{
            score = 0.0f;
            for (int i = 0; i < {depth}; i++) score += query[row][i] * to_float(k[key * k_s + i]);
            score *= scale;
{mask}        }}
        const float top = largest(most, warp_max(score));
        // Nothing but masked keys so far: no factor could be made of it.
        const float base = top == -INFINITE ? 0.0f : top;
        const float shrink = most == -INFINITE ? 0.0f : expf(most - base);
        const float weight = expf(score - base);
        total = total * shrink + warp_sum(weight);
        for (int e = 0; e < {each}; e++) acc[e] *= shrink;
        const int count = keys - at < WARP ? (int)(keys - at) : WARP;
        for (int j = 0; j < count; j++) {{
            const float share = lane_from(weight, j);
#pragma unroll
            for (int e = 0; e < {each}; e++)
                if (e * WARP + lane < {width}) acc[e] += share * to_float(v[(at + j) * v_s + e * WARP + lane]);
        }}
        most = top;
    }}
    for (int e = 0; e < {each}; e++)
        if (e * WARP + lane < {width}) o[b * o_b + h * o_h + s * o_s + e * WARP + lane] = from_float<{kind}>(acc[e] / total);
"
    );
    Ok(Body { bounds: String::new(), text, queries: QUERIES, threads: QUERIES * warp })
}
