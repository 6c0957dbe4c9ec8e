//! Attention.

use super::making::{FLOATS, input};
use super::{Case, Fill, Tolerance};
use tintype_program::{DType, Op, Result};

/// Batch, heads, queries, keys, width of query and key, width of value.
type Extents = [usize; 6];

const SHAPES: [Extents; 8] = [
    [1, 1, 1, 1, 1, 1],
    [1, 2, 5, 5, 8, 8],
    [2, 3, 7, 11, 6, 6],
    [1, 2, 13, 9, 33, 17],
    [2, 1, 1, 65, 64, 64],
    [1, 3, 67, 3, 16, 5],
    [1, 1, 66, 130, 40, 40],
    [1, 2, 0, 4, 8, 8],
];

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for extents in SHAPES {
            cases.push(case(dtype, extents, None, "no mask")?);
        }
        // The mask is broadcast over each set of batch, heads and queries.
        let extents = [2, 3, 7, 11, 6, 6];
        for bits in 0..8 {
            let extent = |axis: usize, full: usize| if bits >> axis & 1 == 0 { 1 } else { full };
            let mask = [extent(0, 2), extent(1, 3), extent(2, 7), 11];
            cases.push(case(dtype, extents, Some(mask), &format!("bias {mask:?}"))?);
            let closed = case(dtype, extents, Some(mask), &format!("infinite mask {mask:?}"))?;
            cases.push(closed.filled("x3", Fill::Mask));
        }
        // Masks of the dtype's lowest number stand for infinity in several published models.
        let lowest = match dtype {
            DType::F16 => -65_504.0,
            _ => -3.389_531_389_251_535_5e38,
        };
        let closed = case(dtype, [1, 2, 5, 5, 8, 8], Some([1, 1, 5, 5]), "lowest mask")?;
        cases.push(closed.filled("x3", Fill::Cycle(vec![0.0, lowest, 0.0, lowest, lowest, lowest, 0.0])));
        // Scores far apart: exponentials that are not shifted first overflow.
        let steep = case(dtype, [1, 2, 9, 17, 8, 8], None, "steep scores")?;
        cases.push(steep.filled("x0", Fill::Normal(20.0)).filled("x1", Fill::Normal(20.0)));
    }
    Ok(cases)
}

fn case(dtype: DType, extents: Extents, mask: Option<[usize; 4]>, detail: &str) -> Result<Case> {
    let [b, h, s, t, d, e] = extents;
    let mut operands =
        vec![input(dtype, &[b, h, s, d]), input(dtype, &[b, h, t, d]), input(dtype, &[b, h, t, e])];
    operands.extend(mask.map(|mask| input(dtype, &mask)));
    // Kernels keep scores in f32 and the probabilities in the dtype.
    let mut tolerance = Tolerance::sum(dtype, d + t + 16).and_roundings(dtype, 2);
    if detail == "steep scores" {
        // A score's rounding error, at most d u32 of 8 * 400, is amplified by the exponential.
        tolerance.whole += 3200.0 * d as f64 * super::unit_roundoff(DType::F32);
    }
    // Unlike 1 / sqrt(d), so that a plugin that ignores it is found.
    let op = Op::Attention { scale: 1.25 / (d as f64).sqrt() };
    Case::of_op(op, dtype, &format!("{extents:?} {detail}"), &operands, tolerance)
}
