//! Rotary embedding.

use super::making::{FLOATS, input};
use super::{Case, Fill, Tolerance};
use tintype_program::{DType, Op, Pairing, Result};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for pairing in [Pairing::Interleaved, Pairing::Halves] {
            for shape in [[1, 1, 1, 2], [2, 3, 5, 6], [1, 2, 67, 64], [2, 1, 3, 34], [1, 2, 0, 8]] {
                let table = input(DType::F32, &shape[2..]);
                let operands = [input(dtype, &shape), table.clone(), table];
                let op = Op::RotaryEmbedding { pairing };
                let tolerance = Tolerance::sum(dtype, 2);
                let case = Case::of_op(op, dtype, &format!("{pairing:?} {shape:?}"), &operands, tolerance)?;
                // Tables without symmetry: each element's own entry counts.
                cases
                    .push(case.filled("x1", Fill::Uniform(-1.0, 1.0)).filled("x2", Fill::Uniform(-1.0, 1.0)));
            }
        }
    }
    Ok(cases)
}
