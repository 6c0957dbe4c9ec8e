//! Attention that never holds the matrix of scores: a warp for each query, keys a warp's width at a time.

use super::pointwise::blocks;
use crate::prelude::name;
use crate::{Architecture, Arg, Attention, KernelSource, Launch};

/// Queries of a block, a warp each.
const QUERIES: usize = 4;

/// `softmax(scale q k^T + mask) v`.
pub fn attention(op: &Attention, architecture: &Architecture) -> Result<Launch, String> {
    let warp = architecture.warp as usize;
    let (kind, depth, width) = (name(op.dtype), op.depth, op.value_depth);
    let each = width.div_ceil(warp).max(1);
    if each > 64 || depth > 2048 {
        return Err(format!("heads of {depth} and {width} elements are more than the kernel holds"));
    }
    let (mask, parameters) = match op.mask {
        None => (String::new(), String::new()),
        Some(mask) => (
            "            score += to_float(mask[b * mask_b + h * mask_h + s * mask_s + key * mask_t]);\n"
                .to_string(),
            format!(", const {}* mask, i64 mask_b, i64 mask_h, i64 mask_s, i64 mask_t", name(mask.dtype)),
        ),
    };
    let code = format!(
        "KERNEL void attention({kind}* o, const {kind}* q, const {kind}* k, const {kind}* v, i64 heads, i64 queries, i64 keys, i64 groups, float scale,
    i64 q_b, i64 q_h, i64 q_s, i64 k_b, i64 k_h, i64 k_s, i64 v_b, i64 v_h, i64 v_s, i64 o_b, i64 o_h, i64 o_s{parameters}) {{
    __shared__ float query[{QUERIES}][{depth}];
    const int lane = threadIdx.x % WARP, row = threadIdx.x / WARP;
    const i64 s = blockIdx.x % groups * {QUERIES} + row, h = blockIdx.x / groups % heads, b = blockIdx.x / groups / heads;
    const bool inside = s < queries;
    if (inside) for (int i = lane; i < {depth}; i += WARP) query[row][i] = to_float(q[b * q_b + h * q_h + s * q_s + i]);
    __syncthreads();
    if (!inside) return;
    k += b * k_b + h * k_h;
    v += b * v_b + h * v_h;
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
}}
"
    );
    let groups = op.queries.div_ceil(QUERIES);
    let long = |value: usize| Arg::I64(value as i64);
    let result = Arg::Write(0);
    let mut args = vec![result, Arg::Read(0), Arg::Read(1), Arg::Read(2)];
    args.extend([op.heads, op.queries, op.keys, groups].map(long));
    args.push(Arg::F32(f32::from_bits(op.scale)));
    args.extend([op.q, op.k, op.v, op.o].into_iter().flatten().map(long));
    if let Some(mask) = op.mask {
        args.push(Arg::Read(3));
        args.extend(mask.strides.map(long));
    }
    let kernel = KernelSource { entry: "attention".into(), code: code.into() };
    let grid = blocks(groups * op.heads * op.batch)?;
    Ok(Launch { kernel, grid, block: [(QUERIES * warp) as u32, 1, 1], shared: 0, args })
}
