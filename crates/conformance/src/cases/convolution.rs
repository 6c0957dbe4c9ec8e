//! Convolutions over one to three spatial axes.

use super::making::{FLOATS, input, param};
use super::{Case, Tolerance};
use tintype_program::{DType, Op, PadMode, Result};

struct Shape<'a> {
    x: &'a [usize],
    weight: &'a [usize],
    stride: &'a [usize],
    padding: &'a [[usize; 2]],
    dilation: &'a [usize],
    groups: usize,
}

#[rustfmt::skip]
const SHAPES: [Shape; 17] = [
    Shape { x: &[1, 1, 5], weight: &[1, 1, 1], stride: &[1], padding: &[[0, 0]], dilation: &[1], groups: 1 },
    Shape { x: &[2, 3, 11], weight: &[5, 3, 3], stride: &[1], padding: &[[1, 1]], dilation: &[1], groups: 1 },
    Shape { x: &[1, 4, 12], weight: &[6, 2, 4], stride: &[3], padding: &[[2, 0]], dilation: &[2], groups: 2 },
    Shape { x: &[1, 3, 7, 9], weight: &[4, 3, 3, 3], stride: &[1, 1], padding: &[[1, 1], [1, 1]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[2, 3, 8, 6], weight: &[5, 3, 3, 3], stride: &[2, 2], padding: &[[0, 1], [0, 1]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[1, 5, 6, 7], weight: &[3, 5, 1, 1], stride: &[1, 1], padding: &[[0, 0], [0, 0]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[1, 5, 6, 7], weight: &[3, 5, 1, 1], stride: &[2, 3], padding: &[[0, 0], [0, 0]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[1, 6, 9, 8], weight: &[6, 1, 3, 3], stride: &[1, 1], padding: &[[1, 1], [1, 1]], dilation: &[1, 1], groups: 6 },
    Shape { x: &[1, 4, 9, 8], weight: &[6, 2, 3, 2], stride: &[1, 2], padding: &[[2, 1], [0, 3]], dilation: &[2, 3], groups: 2 },
    Shape { x: &[1, 2, 5, 4], weight: &[3, 2, 5, 4], stride: &[1, 1], padding: &[[0, 0], [0, 0]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[1, 2, 1, 1], weight: &[2, 2, 3, 3], stride: &[1, 1], padding: &[[1, 1], [1, 1]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[1, 1, 2, 3], weight: &[1, 1, 3, 3], stride: &[1, 1], padding: &[[4, 3], [5, 2]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[0, 2, 4, 4], weight: &[3, 2, 3, 3], stride: &[1, 1], padding: &[[1, 1], [1, 1]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[1, 33, 5, 5], weight: &[17, 33, 3, 3], stride: &[1, 1], padding: &[[1, 1], [1, 1]], dilation: &[1, 1], groups: 1 },
    Shape { x: &[1, 2, 3, 5, 4], weight: &[3, 2, 3, 3, 3], stride: &[1, 1, 1], padding: &[[2, 0], [1, 1], [1, 1]], dilation: &[1, 1, 1], groups: 1 },
    Shape { x: &[2, 4, 4, 5, 3], weight: &[2, 2, 2, 3, 1], stride: &[2, 1, 2], padding: &[[1, 0], [0, 2], [0, 0]], dilation: &[1, 2, 1], groups: 2 },
    Shape { x: &[1, 3, 2, 3, 2], weight: &[4, 3, 1, 1, 1], stride: &[1, 1, 1], padding: &[[0, 0], [0, 0], [0, 0]], dilation: &[1, 1, 1], groups: 1 },
];

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for shape in &SHAPES {
            let pads = shape.padding.iter().any(|ends| *ends != [0, 0]);
            let modes = if pads { &[PadMode::Zero, PadMode::Replicate][..] } else { &[PadMode::Zero] };
            for &mode in modes {
                cases.push(case(dtype, shape, mode, true)?);
            }
        }
        cases.push(case(dtype, &SHAPES[3], PadMode::Zero, false)?);
        cases.push(case(dtype, &SHAPES[5], PadMode::Zero, false)?);
    }
    Ok(cases)
}

fn case(dtype: DType, shape: &Shape, mode: PadMode, with_bias: bool) -> Result<Case> {
    let op = Op::Convolution {
        stride: shape.stride.into(),
        padding: shape.padding.into(),
        dilation: shape.dilation.into(),
        groups: shape.groups,
        mode,
    };
    let mut operands = vec![input(dtype, shape.x), param(dtype, shape.weight)];
    operands.extend(with_bias.then(|| param(dtype, &shape.weight[..1])));
    let depth: usize = shape.weight[1..].iter().product();
    let detail = format!(
        "{:?} by {:?} stride {:?} {mode:?} padding {:?} dilation {:?} groups {}{}",
        shape.x,
        shape.weight,
        shape.stride,
        shape.padding,
        shape.dilation,
        shape.groups,
        if with_bias { "" } else { " no bias" },
    );
    Case::of_op(op, dtype, &detail, &operands, Tolerance::sum(dtype, depth + 1))
}
