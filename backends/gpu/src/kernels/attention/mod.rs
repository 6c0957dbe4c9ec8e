//! Attention that never holds the matrix of scores: by warps, or by the instructions of a matrix unit.

mod tiles;
mod warps;

use super::pointwise::blocks;
use super::unit::Unit;
use crate::prelude::name;
use crate::{Architecture, Arg, Attention, KernelSource, Launch};

/// How a block does its share of the queries.
struct Body {
    /// What stands before the kernel's name: its bounds.
    bounds: String,
    /// Statements behind the head, in which `h`, `b` and `first`, the block's first query, are.
    text: String,
    /// Queries of a block, and its threads.
    queries: usize,
    threads: usize,
}

/// `softmax(scale q k^T + mask) v`.
pub fn attention(op: &Attention, architecture: &Architecture) -> Result<Launch, String> {
    let unit = Unit::of(architecture, op.dtype).filter(|_| tiles::fit(op));
    let Body { bounds, text, queries, threads } = match unit {
        Some(_) => tiles::body(op, architecture),
        None => warps::body(op, architecture)?,
    };
    let kind = name(op.dtype);
    let parameters = op.mask.map_or_else(String::new, |mask| {
        format!(", const {}* mask, i64 mask_b, i64 mask_h, i64 mask_s, i64 mask_t", name(mask.dtype))
    });
    let code = format!(
        "KERNEL void {bounds}attention({kind}* o, const {kind}* q, const {kind}* k, const {kind}* v, i64 heads, i64 queries, i64 keys, i64 groups, float scale,
    i64 q_b, i64 q_h, i64 q_s, i64 k_b, i64 k_h, i64 k_s, i64 v_b, i64 v_h, i64 v_s, i64 o_b, i64 o_h, i64 o_s{parameters}) {{
    const i64 first = blockIdx.x % groups * {queries}, h = blockIdx.x / groups % heads, b = blockIdx.x / groups / heads;
    k += b * k_b + h * k_h;
    v += b * v_b + h * v_h;
{text}}}
"
    );
    let groups = op.queries.div_ceil(queries);
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
    Ok(Launch { kernel, grid, block: [threads as u32, 1, 1], shared: 0, args })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialect, MatrixUnit};
    use tintype_program::DType;

    fn text(dtype: DType, depth: usize, matrix: MatrixUnit) -> String {
        let strides = [depth; 3];
        let op = Attention {
            batch: 1,
            heads: 2,
            queries: 70,
            keys: 65,
            depth,
            value_depth: depth,
            dtype,
            q: strides,
            k: strides,
            v: strides,
            o: strides,
            scale: 1,
            mask: None,
        };
        let architecture = Architecture { dialect: Dialect::Hip, warp: 64, matrix, ..Architecture::hopper() };
        let launch = attention(&op, &architecture).unwrap_or_else(|reason| panic!("{reason}"));
        launch.kernel.code.to_string()
    }

    #[test]
    fn narrow_heads_of_16_bits_are_by_the_matrix_unit() {
        let by_unit = |text: &str| text.contains("matrix_multiply");
        for dtype in [DType::Bf16, DType::F16] {
            assert!(
                by_unit(&text(dtype, 128, MatrixUnit::Mfma)) && by_unit(&text(dtype, 40, MatrixUnit::Wmma))
            );
            assert!(
                !by_unit(&text(dtype, 129, MatrixUnit::Mfma))
                    && !by_unit(&text(dtype, 128, MatrixUnit::None))
            );
        }
        assert!(!by_unit(&text(DType::F32, 128, MatrixUnit::Mfma)));
    }
}
