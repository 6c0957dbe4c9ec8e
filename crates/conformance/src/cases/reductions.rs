//! Sums, means and maxima.

use super::making::{FLOATS, input};
use super::{Case, Fill, Tolerance};
use tintype_program::{Op, Reduce, Result};

pub(super) fn cases() -> Result<Vec<Case>> {
    let axes_of: [(&[usize], &[&[usize]]); 6] = [
        (&[3, 5, 7], &[&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]]),
        (&[1, 1], &[&[0], &[0, 1]]),
        (&[4, 1030], &[&[0], &[1]]),
        (&[2, 3, 2, 3, 2], &[&[1, 3], &[0, 2, 4]]),
        (&[0, 5], &[&[1]]),
        (&[37], &[&[0]]),
    ];
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for function in [Reduce::Sum, Reduce::Mean, Reduce::Max] {
            for (shape, all) in axes_of {
                for axes in all {
                    let depth = axes.iter().map(|&axis| shape[axis]).product();
                    let tolerance =
                        if function == Reduce::Max { Tolerance::EXACT } else { Tolerance::sum(dtype, depth) };
                    let op = Op::Reduce { function, axes: axes.to_vec() };
                    let detail = format!("{function:?} {shape:?} over {axes:?}");
                    cases.push(Case::of_op(op, dtype, &detail, &[input(dtype, shape)], tolerance)?);
                }
            }
        }
        let sum = Op::Reduce { function: Reduce::Sum, axes: vec![1] };
        let nothing = [input(dtype, &[3, 0])];
        cases.push(Case::of_op(sum, dtype, "Sum of nothing", &nothing, Tolerance::EXACT)?);
        let max = || Op::Reduce { function: Reduce::Max, axes: vec![1] };
        let case = Case::of_op(max(), dtype, "Max of negatives", &[input(dtype, &[3, 5])], Tolerance::EXACT)?;
        cases.push(case.filled("x0", Fill::Uniform(-9.0, -1.0)));
        let case = Case::of_op(max(), dtype, "Max of specials", &[input(dtype, &[6, 3])], Tolerance::EXACT)?;
        let specials =
            vec![f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY, 1.0, f64::NAN, f64::INFINITY];
        cases.push(case.filled("x0", Fill::Cycle(specials)));
    }
    Ok(cases)
}
