//! Element by element: rows "add/sub/mul/div/max/min", "pow", "unary" of the reference.

use super::lanes::{doubles, floats, from_doubles, from_floats};
use super::support::{need, same, strides, typed, walk};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;

pub const KINDS: &[Kind] = &[
    typed!("add_fwd", binary, run_binary),
    typed!("sub_fwd", binary, run_binary),
    typed!("mult_fwd", binary, run_binary),
    typed!("div_fwd", binary, run_binary),
    typed!("max_fwd", binary, run_binary),
    typed!("min_fwd", binary, run_binary),
    typed!("pow_fwd", binary, run_binary),
    // The short names the reference has beside the long ones.
    typed!("add", binary, run_binary),
    typed!("sub", binary, run_binary),
    typed!("mult", binary, run_binary),
    typed!("div", binary, run_binary),
    typed!("neg_fwd", unary, run_unary),
    typed!("abs_fwd", unary, run_unary),
    typed!("exp_fwd", unary, run_unary),
    typed!("log_fwd", unary, run_unary),
    typed!("sqrt_fwd", unary, run_unary),
    typed!("rsqrt_fwd", unary, run_unary),
    typed!("sin_fwd", unary, run_unary),
    typed!("cos_fwd", unary, run_unary),
    typed!("tanh_fwd", unary, run_unary),
    typed!("sigmoid_fwd", unary, run_unary),
    typed!("silu_fwd", unary, run_unary),
    typed!("relu_fwd", unary, run_unary),
    typed!("reciprocal_fwd", unary, run_unary),
];

fn binary(call: &Call) -> Result<(), String> {
    call.counts(2..=2, 1..=1)?;
    call.sizes_of_params(&[0])?;
    call.no_layouts()?;
    let (a, b, out) = (call.input(0)?, call.input(1)?, call.output(0)?);
    for (desc, what) in [(a, "input 0"), (b, "input 1"), (out, "the output")] {
        call.typed(desc, what)?;
    }
    same(&broadcast(&a.sizes, &b.sizes)?, &out.sizes, "broadcast of the inputs and the output")
}

/// The sizes two operands have together. Dimensions of size 1 are broadcast; ranks must be equal, as the
/// reference says nothing of other ranks.
pub fn broadcast(a: &[u64], b: &[u64]) -> Result<Vec<u64>, String> {
    need(a.len() == b.len(), || format!("ranks differ: {a:?} and {b:?}"))?;
    a.iter()
        .zip(b)
        .map(|(&a_size, &b_size)| match (a_size, b_size) {
            (left, right) if left == right => Ok(left),
            (1, other) | (other, 1) => Ok(other),
            _ => Err(format!("{a:?} and {b:?} do not broadcast")),
        })
        .collect()
}

fn run_binary(call: &Call, data: &Data) -> Results {
    let (a, b, out) = (call.input(0)?, call.input(1)?, call.output(0)?);
    let (left, right) = (data[0].unwrap_or_default(), data[1].unwrap_or_default());
    let (a_strides, b_strides) = (strides(&a.sizes), strides(&b.sizes));
    let bytes = if out.dtype.is_float() {
        let (left, right) = (floats(left, a.dtype), floats(right, b.dtype));
        let operation = float_operation(call.base);
        let values: Vec<f32> = if a.sizes == b.sizes {
            left.iter().zip(&right).map(|(&a, &b)| operation(a, b)).collect()
        } else {
            let mut values = Vec::with_capacity(out.elements() as usize);
            walk(&out.sizes, [&a_strides, &b_strides], |[i, j]| values.push(operation(left[i], right[j])));
            values
        };
        from_floats(&values, out.dtype)
    } else {
        let (left, right) = (doubles(left, a.dtype), doubles(right, b.dtype));
        let operation = integer_operation(call.base);
        let mut values = Vec::with_capacity(out.elements() as usize);
        walk(&out.sizes, [&a_strides, &b_strides], |[i, j]| values.push(operation(left[i], right[j])));
        from_doubles(&values, out.dtype)
    };
    Ok(vec![Some(bytes)])
}

fn float_operation(base: &str) -> fn(f32, f32) -> f32 {
    match base.trim_end_matches("_fwd") {
        "add" => |a, b| a + b,
        "sub" => |a, b| a - b,
        "mult" => |a, b| a * b,
        "div" => |a, b| a / b,
        "max" => f32::max,
        "min" => f32::min,
        _ => f32::powf,
    }
}

fn integer_operation(base: &str) -> fn(f64, f64) -> f64 {
    match base.trim_end_matches("_fwd") {
        "add" => |a, b| a + b,
        "sub" => |a, b| a - b,
        "mult" => |a, b| a * b,
        "div" => |a, b| (a / b).trunc(),
        "max" => f64::max,
        "min" => f64::min,
        _ => f64::powf,
    }
}

fn unary(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    // ns_SigmoidKernel is optional; its flavours are not public, so only 0 is taken.
    call.sizes_of_params(if call.base == "sigmoid_fwd" { &[0, 4] } else { &[0] })?;
    need(call.params.is_empty() || call.u32(0) == 0, || "an unknown flavour of sigmoid".into())?;
    call.no_layouts()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    let dtype = call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    let integers = dtype == DataType::I32 && matches!(call.base, "neg_fwd" | "abs_fwd" | "relu_fwd");
    if !integers {
        call.float()?;
    }
    same(&x.sizes, &y.sizes, "input and output")
}

fn run_unary(call: &Call, data: &Data) -> Results {
    let dtype = call.input(0)?.dtype;
    let bytes = data[0].unwrap_or_default();
    if dtype == DataType::I32 {
        let operation: fn(f64) -> f64 = match call.base {
            "neg_fwd" => |x| -x,
            "abs_fwd" => f64::abs,
            _ => |x| x.max(0.0),
        };
        let values: Vec<f64> = doubles(bytes, dtype).into_iter().map(operation).collect();
        return Ok(vec![Some(from_doubles(&values, dtype))]);
    }
    let operation: fn(f32) -> f32 = match call.base {
        "neg_fwd" => |x| -x,
        "abs_fwd" => f32::abs,
        "exp_fwd" => f32::exp,
        "log_fwd" => f32::ln,
        "sqrt_fwd" => f32::sqrt,
        "rsqrt_fwd" => |x| 1.0 / x.sqrt(),
        "sin_fwd" => f32::sin,
        "cos_fwd" => f32::cos,
        "tanh_fwd" => f32::tanh,
        "sigmoid_fwd" => |x| 1.0 / (1.0 + (-x).exp()),
        "silu_fwd" => |x| x / (1.0 + (-x).exp()),
        "relu_fwd" => |x| x.max(0.0),
        _ => |x| 1.0 / x,
    };
    let values: Vec<f32> = floats(bytes, dtype).into_iter().map(operation).collect();
    Ok(vec![Some(from_floats(&values, dtype))])
}
