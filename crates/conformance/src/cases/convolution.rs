//! Convolutions over one to three spatial axes.

use super::making::{FLOATS, input, param};
use super::{Case, Tolerance};
use tintype_program::{DType, Op, PadMode, Result, TensorType};

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
        for enlarged in &ENLARGED {
            for mode in [PadMode::Zero, PadMode::Replicate] {
                cases.push(of_enlarged(dtype, enlarged, mode)?);
            }
        }
    }
    Ok(cases)
}

/// A convolution of what nearest neighbours have enlarged.
struct Enlarged<'a> {
    x: &'a [usize],
    factors: &'a [usize],
    outputs: usize,
    taps: &'a [usize],
    padding: &'a [[usize; 2]],
    /// Whether the enlarged tensor is a result too.
    seen: bool,
}

/// Doubled and convolved by three taps an axis, as autoencoders do it, which a plugin may do in one; and what is nearly that.
#[rustfmt::skip]
const ENLARGED: [Enlarged; 8] = [
    Enlarged { x: &[1, 3, 5], factors: &[2], outputs: 4, taps: &[3], padding: &[[1, 1]], seen: false },
    Enlarged { x: &[2, 5, 6, 7], factors: &[2, 2], outputs: 9, taps: &[3, 3], padding: &[[1, 1]; 2], seen: false },
    Enlarged { x: &[1, 2, 1, 35], factors: &[2, 2], outputs: 3, taps: &[3, 3], padding: &[[1, 1]; 2], seen: false },
    Enlarged { x: &[1, 2, 3, 2, 4], factors: &[2, 2, 2], outputs: 3, taps: &[3, 3, 3], padding: &[[1, 1]; 3], seen: false },
    Enlarged { x: &[1, 2, 3, 4], factors: &[2, 2], outputs: 3, taps: &[3, 3], padding: &[[1, 1]; 2], seen: true },
    Enlarged { x: &[1, 2, 3, 4], factors: &[2, 2], outputs: 3, taps: &[3, 3], padding: &[[0, 1], [1, 0]], seen: false },
    Enlarged { x: &[1, 2, 3, 4], factors: &[2, 3], outputs: 3, taps: &[3, 3], padding: &[[1, 1]; 2], seen: false },
    Enlarged { x: &[1, 2, 3, 4], factors: &[2, 2], outputs: 3, taps: &[3, 1], padding: &[[1, 1], [0, 0]], seen: false },
];

fn of_enlarged(dtype: DType, enlarged: &Enlarged, mode: PadMode) -> Result<Case> {
    let Enlarged { x, factors, outputs, taps, padding, seen } = enlarged;
    let weight = [&[*outputs, x[1]], *taps].concat();
    let ones = vec![1; taps.len()];
    let (stride, dilation) = (ones.clone(), ones);
    let op = Op::Convolution { stride, padding: padding.to_vec(), dilation, groups: 1, mode };
    let seen_too = if *seen { " seen too" } else { "" };
    let detail =
        format!("of {x:?} enlarged by {factors:?}{seen_too} by {weight:?} {mode:?} padding {padding:?}");
    // Taps that see one element may be added up first, and rounded to the dtype.
    let depth = weight[1..].iter().product::<usize>() + 1;
    let tolerance = Tolerance::sum(dtype, depth).and_roundings(dtype, 1);
    Case::traced("convolution", dtype, &detail, tolerance, |scope| {
        let x = scope.input("x", TensorType::new(dtype, *x))?.upsample(factors)?;
        let scope = scope.with_dtype(dtype);
        let (weight, bias) = (scope.param("weight", &weight)?, scope.param("bias", &[*outputs])?);
        if *seen {
            scope.output("enlarged", &x)?;
        }
        scope.output("y", &x.convolution_with(op, &weight, Some(&bias))?)
    })
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
