//! Matrix products and linear layers.

use super::making::{FLOATS, input, param};
use super::{Case, Tolerance};
use tintype_program::{Activation, Op, Result};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for (outer, m, k, n) in [
            (&[][..], 1, 1, 1),
            (&[], 3, 5, 7),
            (&[], 1, 64, 1),
            (&[], 65, 129, 67),
            (&[], 17, 1, 33),
            (&[2], 3, 8, 5),
            (&[2, 3], 17, 33, 9),
            (&[1, 4], 1, 31, 16),
            (&[], 0, 4, 3),
            (&[], 3, 0, 2),
            (&[0], 2, 3, 4),
        ] {
            let (a, b) = ([outer, &[m, k]].concat(), [outer, &[k, n]].concat());
            let tolerance = Tolerance::sum(dtype, k);
            let operands = [input(dtype, &a), input(dtype, &b)];
            cases.push(Case::of_op(Op::MatMul, dtype, &format!("{a:?} {b:?}"), &operands, tolerance)?);
        }
        let weight = [input(dtype, &[5, 13]), param(dtype, &[13, 11])];
        cases.push(Case::of_op(Op::MatMul, dtype, "by a param", &weight, Tolerance::sum(dtype, 13))?);
        for (outer, k, n) in [
            (&[][..], 7, 3),
            (&[5], 33, 17),
            (&[2, 3], 64, 48),
            (&[1], 128, 1),
            (&[67], 1, 65),
            (&[0], 4, 3),
            (&[3], 0, 2),
            (&[2, 0, 3], 4, 5),
        ] {
            let x = [outer, &[k]].concat();
            for (with_bias, kind) in
                [(false, "params"), (true, "params"), (false, "inputs"), (true, "inputs")]
            {
                let make = if kind == "params" { param } else { input };
                let mut operands = vec![input(dtype, &x), make(dtype, &[n, k])];
                operands.extend(with_bias.then(|| make(dtype, &[n])));
                let bias = if with_bias { "bias" } else { "no bias" };
                let op = Op::Linear { activation: Activation::Keep };
                let detail = format!("{x:?} to {n}, {bias}, {kind}");
                cases.push(Case::of_op(op, dtype, &detail, &operands, Tolerance::sum(dtype, k + 1))?);
            }
        }
    }
    Ok(cases)
}
