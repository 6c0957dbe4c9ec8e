//! Softmax, layer, root-mean-square and group norm.

use super::making::{FLOATS, Operand, input, param};
use super::{Case, Fill, Tolerance};
use tintype_program::{DType, Op, Result};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        cases.extend(softmax(dtype)?);
        for (shape, eps) in [
            (&[3, 7][..], 1e-5),
            (&[2, 3, 5], 1e-6),
            (&[1, 1], 1e-5),
            (&[65], 1e-3),
            (&[4, 1030], 1e-6),
            (&[0, 5], 1e-5),
            (&[2, 1, 3, 33], 0.1),
        ] {
            let d = shape.last().copied().unwrap_or(1);
            let (x, affine) = (input(dtype, shape), [param(dtype, &[d]), param(dtype, &[d])]);
            let mut add = |op: Op, detail: &str, affine: &[Operand]| -> Result<()> {
                let operands = [std::slice::from_ref(&x), affine].concat();
                let detail = format!("{shape:?} eps {eps} {detail}");
                // The input stands 2 from zero, so that the mean matters.
                let case = Case::of_op(op, dtype, &detail, &operands, tolerance(dtype, d))?;
                cases.push(case.filled("x0", Fill::Uniform(-1.0, 5.0)));
                Ok(())
            };
            add(Op::LayerNorm { eps }, "plain", &[])?;
            add(Op::LayerNorm { eps }, "affine", &affine)?;
            add(Op::RmsNorm { eps }, "plain", &[])?;
            add(Op::RmsNorm { eps }, "weight", &affine[..1])?;
        }
        for (shape, groups) in [
            (&[1, 4, 3, 5][..], 2),
            (&[2, 6, 7], 3),
            (&[2, 6, 7], 6),
            (&[1, 5, 2, 3, 2], 1),
            (&[3, 8], 4),
            (&[1, 64, 9, 5], 32),
        ] {
            let (x, c) = (input(dtype, shape), shape[1]);
            let depth = shape[1..].iter().product::<usize>() / groups;
            let affine = [param(dtype, &[c]), param(dtype, &[c])];
            for (detail, affine) in [("plain", &affine[..0]), ("affine", &affine[..])] {
                let operands = [std::slice::from_ref(&x), affine].concat();
                let detail = format!("{shape:?} in {groups} {detail}");
                let op = Op::GroupNorm { groups, eps: 1e-5 };
                let case = Case::of_op(op, dtype, &detail, &operands, tolerance(dtype, depth))?;
                cases.push(case.filled("x0", Fill::Uniform(-1.0, 5.0)));
            }
        }
    }
    Ok(cases)
}

/// Two sums in a row, the second of squares, and a square root.
fn tolerance(dtype: DType, depth: usize) -> Tolerance {
    Tolerance::sum(dtype, 2 * depth + 16)
}

fn softmax(dtype: DType) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (shape, axis) in [
        (&[3, 7][..], 1),
        (&[3, 7], 0),
        (&[2, 5, 3], 1),
        (&[2, 5, 33], 2),
        (&[1], 0),
        (&[2, 1030], 1),
        (&[0, 5], 1),
    ] {
        let tolerance = Tolerance::sum(dtype, shape[axis] + 32);
        let make = |detail: &str| {
            let detail = format!("{shape:?} along {axis} {detail}");
            Case::of_op(Op::Softmax { axis }, dtype, &detail, &[input(dtype, shape)], tolerance)
        };
        cases.push(make("ordinary")?.filled("x0", Fill::Normal(3.0)));
        // Exponentials overflow f32 unless the largest is subtracted first.
        cases.push(make("large")?.filled("x0", Fill::Uniform(200.0, 210.0)));
    }
    let closed = Case::of_op(
        Op::Softmax { axis: 1 },
        dtype,
        "with infinities",
        &[input(dtype, &[4, 9])],
        Tolerance::sum(dtype, 41),
    )?;
    cases.push(closed.filled("x0", Fill::Mask));
    Ok(cases)
}
