//! Functions of single elements, and casts.

use super::builder::{Builder, Laid, flat};
use super::wrapping;
use crate::graph::{Params, TensorId, suffix};
use tintype_program::{Binary, DType, GeluForm, TensorType, Unary};

pub(super) fn constant(b: &mut Builder, value: f64, dtype: DType) -> Result<Laid, String> {
    let params = if dtype.is_float() { Params::float(value as f32) } else { Params::integer(value as i32) };
    Ok(Laid::Tensor(b.typed("constant", &[], dtype, &[1], params)))
}

pub(super) fn unary(b: &mut Builder, function: Unary, x: &Laid, ty: &TensorType) -> Result<Laid, String> {
    let name = match function {
        Unary::Neg => "neg_fwd",
        Unary::Abs => "abs_fwd",
        Unary::Exp => "exp_fwd",
        Unary::Log => "log_fwd",
        Unary::Sqrt => "sqrt_fwd",
        Unary::Rsqrt => "rsqrt_fwd",
        Unary::Reciprocal => "reciprocal_fwd",
        Unary::Sin => "sin_fwd",
        Unary::Cos => "cos_fwd",
        Unary::Tanh => "tanh_fwd",
        Unary::Erf => return erf(b, x, ty),
        Unary::Sigmoid => "sigmoid_fwd",
        Unary::Relu => "relu_fwd",
    };
    let y = named(b, name, x, ty)?;
    match (function, y) {
        (Unary::Relu, Laid::Tensor(y)) if ty.dtype.is_float() => {
            let x = b.read(x, &flat(&ty.shape), ty.dtype)?;
            Ok(Laid::Tensor(keep_nan(b, y, &[x], ty.dtype)))
        }
        (_, y) => Ok(y),
    }
}

/// What of the larger and the smaller of two numbers becomes where one is NaN, the interface does not say. NaN is wanted:
/// the hyperbolic tangent of anything else is finite, so that zero times it adds nothing.
pub(super) fn keep_nan(b: &mut Builder, y: TensorId, x: &[TensorId], dtype: DType) -> TensorId {
    let shape = b.shape(y).to_vec();
    let zero = vec![1; shape.len()];
    let zero = b.typed("constant", &[], dtype, &zero, Params::float(0.0));
    x.iter().fold(y, |y, &x| {
        let small = b.shape(x).to_vec();
        let bounded = b.typed("tanh_fwd", &[x], dtype, &small, Params::default());
        let nothing = b.typed("mult_fwd", &[bounded, zero], dtype, &small, Params::default());
        b.typed("add_fwd", &[y, nothing], dtype, &shape, Params::default())
    })
}

/// No node is known for it: Abramowitz and Stegun 7.1.26, to 1.5e-7, in f32. The sign is that of a number that was made
/// large and then bounded by one.
fn erf(b: &mut Builder, x: &Laid, ty: &TensorType) -> Result<Laid, String> {
    const POLYNOMIAL: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_8, -0.284_496_72, 0.254_829_6];
    let shape = flat(&ty.shape);
    let one = vec![1; shape.len()];
    let x = b.read(x, &shape, ty.dtype)?;
    let x = b.cast(x, ty.dtype, DType::F32);
    let number =
        |b: &mut Builder, value: f32| b.typed("constant", &[], DType::F32, &one, Params::float(value));
    let apply = |b: &mut Builder, name: &str, operands: &[TensorId]| {
        b.typed(name, operands, DType::F32, &shape, Params::default())
    };
    let with = |b: &mut Builder, name: &str, x: TensorId, value: f32| {
        let value = number(b, value);
        apply(b, name, &[x, value])
    };
    let magnitude = apply(b, "abs_fwd", &[x]);
    let scaled = with(b, "mult_fwd", magnitude, 0.327_591_1);
    let shifted = with(b, "add_fwd", scaled, 1.0);
    let t = apply(b, "reciprocal_fwd", &[shifted]);
    let mut sum = with(b, "mult_fwd", t, POLYNOMIAL[0]);
    for coefficient in &POLYNOMIAL[1..] {
        sum = with(b, "add_fwd", sum, *coefficient);
        sum = apply(b, "mult_fwd", &[sum, t]);
    }
    let square = apply(b, "mult_fwd", &[x, x]);
    let square = apply(b, "neg_fwd", &[square]);
    let tail = apply(b, "exp_fwd", &[square]);
    let rest = apply(b, "mult_fwd", &[sum, tail]);
    let rest = apply(b, "neg_fwd", &[rest]);
    let magnitude = with(b, "add_fwd", rest, 1.0);
    let large = with(b, "mult_fwd", x, 1e30);
    let sign = with(b, "max_fwd", large, -1.0);
    let sign = with(b, "min_fwd", sign, 1.0);
    let y = apply(b, "mult_fwd", &[magnitude, sign]);
    Ok(Laid::Tensor(b.cast(y, DType::F32, ty.dtype)))
}

pub(super) fn silu(b: &mut Builder, x: &Laid, ty: &TensorType) -> Result<Laid, String> {
    named(b, "silu_fwd", x, ty)
}

fn named(b: &mut Builder, name: &str, x: &Laid, ty: &TensorType) -> Result<Laid, String> {
    let shape = flat(&ty.shape);
    let x = b.read(x, &shape, ty.dtype)?;
    Ok(Laid::Tensor(b.typed(name, &[x], ty.dtype, &shape, Params::default())))
}

/// The graph compiler repeats axes of extent 1, so operands that are repeated stay small where the other is not.
pub(super) fn binary(
    b: &mut Builder,
    function: Binary,
    x: &Laid,
    y: &Laid,
    ty: &TensorType,
) -> Result<Laid, String> {
    let name = match function {
        Binary::Add => "add_fwd",
        Binary::Sub => "sub_fwd",
        Binary::Mul => "mult_fwd",
        Binary::Div => "div_fwd",
        Binary::Max => "max_fwd",
        Binary::Min => "min_fwd",
        Binary::Pow => "pow_fwd",
    };
    let shape = flat(&ty.shape);
    let small = |laid: &Laid| match laid {
        Laid::Repeated { id, small, to } if *to == shape => Some((*id, small.clone())),
        _ => None,
    };
    let (x, y) = match (small(x), small(y)) {
        (Some((id, small)), None) => (b.reshape(id, &small), b.read(y, &shape, ty.dtype)?),
        (None, Some((id, small))) => (b.read(x, &shape, ty.dtype)?, b.reshape(id, &small)),
        _ => (b.read(x, &shape, ty.dtype)?, b.read(y, &shape, ty.dtype)?),
    };
    match (function, ty.dtype) {
        (Binary::Add, DType::I32) => return Ok(Laid::Tensor(wrapping::add(b, x, y, &shape))),
        (Binary::Sub, DType::I32) => return Ok(Laid::Tensor(wrapping::sub(b, x, y, &shape))),
        _ => {}
    }
    let z = b.typed(name, &[x, y], ty.dtype, &shape, Params::default());
    let chooses = matches!(function, Binary::Max | Binary::Min) && ty.dtype.is_float();
    Ok(Laid::Tensor(if chooses { keep_nan(b, z, &[x, y], ty.dtype) } else { z }))
}

pub(super) fn cast(b: &mut Builder, x: &Laid, ty: &TensorType, to: DType) -> Result<Laid, String> {
    // What is repeated is cast before it is.
    if let Laid::Repeated { id, small, to: full } = x {
        let id = b.cast(*id, ty.dtype, to);
        return Ok(Laid::Repeated { id, small: small.clone(), to: full.clone() });
    }
    let x = b.read(x, &flat(&ty.shape), ty.dtype)?;
    Ok(Laid::Tensor(b.cast(x, ty.dtype, to)))
}

/// The node hands back the hyperbolic tangent as well, for training.
pub(super) fn gelu(b: &mut Builder, form: GeluForm, x: &Laid, ty: &TensorType) -> Result<Laid, String> {
    let shape = flat(&ty.shape);
    let x = b.read(x, &shape, ty.dtype)?;
    let home = crate::graph::Home::Workspace;
    let (y, retained) = (b.tensor(ty.dtype, &shape, home.clone()), b.tensor(ty.dtype, &shape, home));
    let params = Params::gelu(form == GeluForm::Tanh);
    let guid = format!("gelu_fwd_{}", suffix(ty.dtype));
    b.push(&guid, vec![Some(x)], vec![y, retained], params, None);
    Ok(Laid::Tensor(y))
}
