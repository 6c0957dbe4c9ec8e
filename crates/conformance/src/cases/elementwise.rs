//! Functions of single elements and casts.

use super::making::{FLOATS, input};
use super::{Case, Fill, Tolerance};
use tintype_program::{Binary, DType, GeluForm, Op, Result, Unary};

/// Odd sizes: none, one, a scalar, either side of a vector's width, several rows.
const SHAPES: [&[usize]; 7] = [&[], &[0], &[1], &[3, 7, 5], &[31], &[65], &[2, 1031]];

const UNARY: [(Unary, f64, f64, u32); 13] = [
    // Function, range of its operand, units in the last place that a library's version may be off.
    (Unary::Neg, -4.0, 4.0, 0),
    (Unary::Abs, -4.0, 4.0, 0),
    (Unary::Exp, -8.0, 8.0, 8),
    (Unary::Log, 0.01, 100.0, 8),
    (Unary::Sqrt, 0.0, 100.0, 2),
    (Unary::Rsqrt, 0.01, 100.0, 4),
    (Unary::Reciprocal, 0.1, 100.0, 4),
    (Unary::Sin, -10.0, 10.0, 8),
    (Unary::Cos, -10.0, 10.0, 8),
    (Unary::Tanh, -6.0, 6.0, 8),
    (Unary::Erf, -4.0, 4.0, 8),
    (Unary::Sigmoid, -20.0, 20.0, 8),
    (Unary::Relu, -4.0, 4.0, 0),
];

const BINARY: [Binary; 7] =
    [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Max, Binary::Min, Binary::Pow];

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = constants()?;
    cases.extend(unary()?);
    cases.extend(float_binary()?);
    cases.extend(integer_binary()?);
    cases.extend(activations()?);
    cases.extend(casts()?);
    Ok(cases)
}

fn constants() -> Result<Vec<Case>> {
    let values = DType::ALL.map(|dtype| (dtype, if dtype.is_float() { 0.1 } else { 7.0 }));
    values
        .into_iter()
        .map(|(dtype, value)| Case::of_op(Op::Constant { value, dtype }, dtype, "", &[], Tolerance::EXACT))
        .collect()
}

fn specials() -> Fill {
    Fill::Cycle(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0, -2.5])
}

fn unary() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for (function, low, high, ulps) in UNARY {
            let tolerance = if ulps == 0 { Tolerance::EXACT } else { Tolerance::function(dtype, ulps) };
            let shapes =
                if matches!(function, Unary::Neg | Unary::Exp) { &SHAPES[..] } else { &SHAPES[3..4] };
            for shape in shapes {
                let detail = format!("{function:?} {shape:?}");
                let case =
                    Case::of_op(Op::Unary { function }, dtype, &detail, &[input(dtype, shape)], tolerance)?;
                cases.push(case.filled("x0", Fill::Uniform(low, high)));
            }
        }
        for function in [Unary::Neg, Unary::Abs, Unary::Relu] {
            let (op, operand) = (Op::Unary { function }, input(dtype, &[14]));
            let case =
                Case::of_op(op, dtype, &format!("{function:?} of specials"), &[operand], Tolerance::EXACT)?;
            cases.push(case.filled("x0", specials()));
        }
    }
    Ok(cases)
}

fn float_binary() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for function in BINARY {
            let tolerance = match function {
                Binary::Max | Binary::Min => Tolerance::EXACT,
                Binary::Div => Tolerance::function(dtype, 2),
                Binary::Pow => Tolerance::function(dtype, 16),
                _ => Tolerance::rounded(dtype),
            };
            let shapes = if function == Binary::Add { &SHAPES[..] } else { &SHAPES[3..4] };
            for shape in shapes {
                let operands = [input(dtype, shape), input(dtype, shape)];
                let detail = format!("{function:?} {shape:?}");
                let case = Case::of_op(Op::Binary { function }, dtype, &detail, &operands, tolerance)?;
                cases.push(match function {
                    Binary::Div => case.filled("x1", Fill::Uniform(0.25, 4.0)),
                    Binary::Pow => case.filled("x0", Fill::Uniform(0.25, 4.0)),
                    _ => case,
                });
            }
        }
        for function in [Binary::Max, Binary::Min] {
            let (op, operands) = (Op::Binary { function }, [input(dtype, &[70]), input(dtype, &[70])]);
            let case =
                Case::of_op(op, dtype, &format!("{function:?} of specials"), &operands, Tolerance::EXACT)?;
            // Cycles of unlike length meet in every combination.
            let other = Fill::Cycle(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, -3.0]);
            cases.push(case.filled("x0", specials()).filled("x1", other));
        }
    }
    Ok(cases)
}

fn integer_binary() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for function in BINARY.into_iter().filter(|function| *function != Binary::Pow) {
        let ends = Fill::Cycle(vec![
            f64::from(i32::MIN),
            f64::from(i32::MAX),
            0.0,
            -1.0,
            1.0,
            70_000.0,
            16_777_217.0,
        ]);
        let other = Fill::Cycle(vec![0.0, -1.0, 3.0, f64::from(i32::MAX), -70_001.0]);
        let operands = [input(DType::I32, &[5, 9]), input(DType::I32, &[5, 9])];
        let make = |detail: &str| {
            let detail = format!("{function:?} {detail}");
            Case::of_op(Op::Binary { function }, DType::I32, &detail, &operands, Tolerance::EXACT)
        };
        cases.push(make("of small")?.filled("x1", Fill::Integers(-4, 4)));
        cases.push(make("of extremes")?.filled("x0", ends).filled("x1", other));
    }
    Ok(cases)
}

fn activations() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        let ops = [
            Op::Gelu { form: GeluForm::Erf },
            Op::Gelu { form: GeluForm::Tanh },
            Op::Gelu { form: GeluForm::Quick },
            Op::Silu,
        ];
        for op in ops {
            for shape in [&[3, 7, 5][..], &[1], &[0, 3], &[2, 1031]] {
                let form = if let Op::Gelu { form } = &op { format!("{form:?} ") } else { String::new() };
                let detail = format!("{form}{shape:?}");
                let tolerance = Tolerance::function(dtype, 8);
                let case = Case::of_op(op.clone(), dtype, &detail, &[input(dtype, shape)], tolerance)?;
                cases.push(case.filled("x0", Fill::Uniform(-8.0, 8.0)));
            }
        }
    }
    Ok(cases)
}

fn casts() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for from in DType::ALL {
        for to in DType::ALL {
            let make = |detail: &str| {
                let detail = format!("from {from} {detail}");
                Case::of_op(Op::Cast { dtype: to }, to, &detail, &[input(from, &[3, 47])], Tolerance::EXACT)
            };
            let (ordinary, extreme) = match from {
                DType::U8 => (Fill::Integers(0, 255), vec![0.0, 255.0]),
                DType::I32 => {
                    // Halfway between neighbouring numbers of f32, bf16 and f16, and the ends.
                    let ends = [f64::from(i32::MIN), f64::from(i32::MAX)];
                    let ties = [
                        16_777_217.0,
                        16_777_219.0,
                        257.0,
                        259.0,
                        2_049.0,
                        2_051.0,
                        -257.0,
                        65_519.0,
                        65_520.0,
                    ];
                    (Fill::Integers(-300, 300), [&ends[..], &ties].concat())
                }
                _ => {
                    // Ties of bf16 and f16, overflow of f16, saturation of integers, numbers below f16's normal range.
                    let ties = [1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0, 1.0 + 1.0 / 2048.0, 1.0 + 3.0 / 2048.0];
                    let ends =
                        [65_519.0, 65_520.0, 1e10, -1e10, f64::INFINITY, f64::NEG_INFINITY, 255.9, 256.0];
                    let small = [-0.0, -0.9, 0.9, 1.9, -1.9, 3e-6, 6e-8, 2.98e-8, -1.0];
                    (Fill::Uniform(-300.0, 300.0), [&ties[..], &ends, &small].concat())
                }
            };
            cases.push(make("ordinary")?.filled("x0", ordinary));
            cases.push(make("extreme")?.filled("x0", Fill::Cycle(extreme)));
            if from.is_float() && to.is_float() {
                cases.push(make("specials")?.filled("x0", specials()));
            }
        }
    }
    Ok(cases)
}
