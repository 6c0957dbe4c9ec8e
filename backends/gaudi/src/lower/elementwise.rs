//! Functions of single elements, and casts.

use super::builder::{Builder, Laid, flat};
use crate::graph::{Params, suffix};
use tintype_program::{Binary, DType, GeluForm, TensorType, Unary};

pub(super) fn constant(b: &mut Builder, value: f64, dtype: DType) -> Result<Laid, String> {
    let params = if dtype.is_float() {
        Params::float(value as f32)
    } else {
        Params::integer(value as i32)
    };
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
        Unary::Erf => "erf_fwd",
        Unary::Sigmoid => "sigmoid_fwd",
        Unary::Relu => "relu_fwd",
    };
    named(b, name, x, ty)
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
    Ok(Laid::Tensor(b.typed(name, &[x, y], ty.dtype, &shape, Params::default())))
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
