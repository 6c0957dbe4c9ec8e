//! What moves elements without changing them, in every dtype.

use super::making::{Operand, input, param};
use super::{Case, Fill, Tolerance};
use tintype_program::{DType, Op, PadMode, Result};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in DType::ALL {
        let mut add = |op: Op, detail: String, operands: &[Operand]| -> Result<()> {
            cases.push(Case::of_op(op, dtype, &detail, operands, Tolerance::EXACT)?);
            Ok(())
        };
        for (from, to) in
            [(&[3, 10][..], &[5, 6][..]), (&[7], &[1, 7, 1]), (&[1, 1], &[]), (&[0, 4], &[2, 0, 9])]
        {
            add(Op::Reshape { shape: to.into() }, format!("{from:?} to {to:?}"), &[input(dtype, from)])?;
        }
        for (shape, permutation) in [
            (&[3, 5][..], &[1, 0][..]),
            (&[2, 3, 5], &[2, 0, 1]),
            (&[2, 3, 5], &[1, 0, 2]),
            (&[2, 3, 4, 5], &[0, 2, 1, 3]),
            (&[2, 3, 1, 5], &[3, 2, 1, 0]),
            (&[2, 1, 3, 2, 1, 2, 2, 3], &[7, 1, 5, 3, 4, 2, 6, 0]),
            (&[4, 0, 2], &[2, 1, 0]),
            (&[], &[]),
        ] {
            let op = Op::Transpose { permutation: permutation.into() };
            add(op, format!("{shape:?} by {permutation:?}"), &[input(dtype, shape)])?;
        }
        for (shape, starts, ends, steps) in [
            (&[7, 9][..], &[2, 0][..], &[7, 9][..], &[1, 1][..]),
            (&[7, 9], &[0, 1], &[7, 8], &[1, 3]),
            (&[7, 9], &[1, 0], &[6, 9], &[2, 4]),
            (&[7, 9], &[3, 4], &[3, 9], &[1, 1]),
            (&[2, 3, 5], &[1, 2, 4], &[2, 3, 5], &[9, 9, 9]),
        ] {
            let op = Op::Slice { starts: starts.into(), ends: ends.into(), steps: steps.into() };
            let detail = format!("{shape:?} {starts:?}..{ends:?} by {steps:?}");
            add(op, detail, &[input(dtype, shape)])?;
        }
        for (axis, shapes) in [
            (0, &[&[2, 3][..], &[1, 3], &[4, 3]][..]),
            (1, &[&[2, 3], &[2, 0], &[2, 5]]),
            (2, &[&[3, 2, 1], &[3, 2, 7]]),
            (0, &[&[5]]),
        ] {
            let operands: Vec<_> = shapes.iter().map(|shape| input(dtype, shape)).collect();
            add(Op::Concat { axis }, format!("{shapes:?} along {axis}"), &operands)?;
        }
        for mode in [PadMode::Zero, PadMode::Replicate] {
            for (shape, before, after) in [
                (&[3, 5][..], &[1, 2][..], &[0, 3][..]),
                (&[2, 3, 4], &[0, 1, 0], &[0, 0, 2]),
                (&[1], &[4], &[5]),
                (&[3, 2], &[0, 0], &[0, 0]),
            ] {
                let op = Op::Pad { before: before.into(), after: after.into(), mode };
                add(op, format!("{mode:?} {shape:?} by {before:?} {after:?}"), &[input(dtype, shape)])?;
            }
        }
        let nothing = Op::Pad { before: vec![2], after: vec![1], mode: PadMode::Zero };
        add(nothing, "Zero around nothing".into(), &[input(dtype, &[0])])?;
        for (from, to) in [
            (&[][..], &[3, 5][..]),
            (&[5], &[3, 5]),
            (&[3, 1], &[3, 5]),
            (&[2, 1, 4], &[2, 3, 4]),
            (&[1, 3, 1], &[2, 2, 3, 7]),
            (&[1], &[0]),
            (&[3], &[3]),
        ] {
            add(Op::Broadcast { shape: to.into() }, format!("{from:?} to {to:?}"), &[input(dtype, from)])?;
        }
        for (shape, factors) in [
            (&[1, 2, 5][..], &[3][..]),
            (&[2, 3, 3, 5], &[2, 2]),
            (&[1, 1, 3, 2], &[1, 4]),
            (&[1, 2, 2, 3, 2], &[2, 1, 3]),
        ] {
            add(
                Op::Upsample { factors: factors.into() },
                format!("{shape:?} by {factors:?}"),
                &[input(dtype, shape)],
            )?;
        }
        for (axis, table, indices) in [
            (0, &[11, 3][..], &[5][..]),
            (1, &[3, 7, 2], &[2, 3]),
            (2, &[2, 3, 9], &[]),
            (0, &[4], &[1]),
            (0, &[4, 3], &[0]),
        ] {
            for (role, table_operand) in
                [("table input", input(dtype, table)), ("table param", param(dtype, table))]
            {
                let operands = [table_operand, input(DType::I32, indices)];
                let detail = format!("{table:?} {role} along {axis} at {indices:?}");
                let case = Case::of_op(Op::Gather { axis }, dtype, &detail, &operands, Tolerance::EXACT)?;
                // Some of these lie outside the table, and are clamped to it.
                cases.push(case.filled("x1", Fill::Integers(-2, table[axis] as i32 + 2)));
            }
        }
    }
    Ok(cases)
}
