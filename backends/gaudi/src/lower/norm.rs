//! Softmax and norms.

use super::builder::{Builder, Laid, around};
use crate::graph::{Home, Params, TensorId, suffix};
use tintype_program::{DType, TensorType};

pub(super) fn softmax(b: &mut Builder, axis: usize, x: &Laid, ty: &TensorType) -> Result<Laid, String> {
    let three = around(&ty.shape, axis);
    let x = b.read(x, &three, ty.dtype)?;
    Ok(Laid::Tensor(b.typed("softmax_fwd", &[x], ty.dtype, &three, Params::axis(1))))
}

/// One weight for each element of an axis, in f32; ones or zeros where there is none.
fn affine(
    b: &mut Builder,
    x: Option<&Laid>,
    ty: Option<&TensorType>,
    count: usize,
    otherwise: f32,
    dtype: DType,
) -> Result<TensorId, String> {
    match (x, ty) {
        (Some(x), Some(ty)) => {
            let x = b.read(x, &[count], ty.dtype)?;
            Ok(b.cast(x, ty.dtype, dtype))
        }
        _ => Ok(b.typed("constant", &[], dtype, &[count], Params::float(otherwise))),
    }
}

/// Over rows `[1, 1, rows, d]`, as the node wants them; it hands back means and deviations as well.
pub(super) fn layer_norm(
    b: &mut Builder,
    eps: f64,
    x: &[Laid],
    types: &[TensorType],
) -> Result<Laid, String> {
    let ty = &types[0];
    let d = ty.shape.last().copied().unwrap_or(1);
    let rows = ty.elements() / d;
    let (shape, each) = ([1, 1, rows, d], [1, 1, rows, 1]);
    let operand = b.read(&x[0], &shape, ty.dtype)?;
    let weight = affine(b, x.get(1), types.get(1), d, 1.0, DType::F32)?;
    let bias = affine(b, x.get(2), types.get(2), d, 0.0, DType::F32)?;
    let y = b.tensor(ty.dtype, &shape, Home::Workspace);
    let mean = b.tensor(DType::F32, &each, Home::Workspace);
    let deviation = b.tensor(DType::F32, &each, Home::Workspace);
    let inputs = vec![Some(operand), Some(bias), Some(weight)];
    let guid = format!("layer_norm_fwd_{}", suffix(ty.dtype));
    b.push(&guid, inputs, vec![y, mean, deviation], Params::layer_norm(eps as f32), None);
    Ok(Laid::Tensor(y))
}

pub(super) fn rms_norm(b: &mut Builder, eps: f64, x: &[Laid], types: &[TensorType]) -> Result<Laid, String> {
    let ty = &types[0];
    let d = ty.shape.last().copied().unwrap_or(1);
    let rows = ty.elements() / d;
    let operand = b.read(&x[0], &[rows, d], ty.dtype)?;
    let weight = affine(b, x.get(1), types.get(1), d, 1.0, ty.dtype)?;
    let y = b.tensor(ty.dtype, &[rows, d], Home::Workspace);
    let inverse = b.tensor(DType::F32, &[rows, 1], Home::Workspace);
    let guid = format!("rms_norm_ex_fwd_{}", suffix(ty.dtype));
    let inputs = vec![Some(operand), Some(weight)];
    b.push(&guid, inputs, vec![y, inverse], Params::rms_norm(eps as f32), None);
    Ok(Laid::Tensor(y))
}

/// Over pictures `[n, c, 1, s]`.
pub(super) fn group_norm(
    b: &mut Builder,
    groups: usize,
    eps: f64,
    x: &[Laid],
    types: &[TensorType],
) -> Result<Laid, String> {
    let ty = &types[0];
    let (n, c) = (ty.shape[0], ty.shape[1]);
    let shape = [n, c, 1, ty.elements() / (n * c)];
    let operand = b.read(&x[0], &shape, ty.dtype)?;
    let mut inputs = vec![Some(operand)];
    let weight = affine(b, x.get(1), types.get(1), c, 1.0, ty.dtype)?;
    let bias = affine(b, x.get(2), types.get(2), c, 0.0, ty.dtype)?;
    inputs.extend([Some(weight), Some(bias)]);
    let y = b.tensor(ty.dtype, &shape, Home::Workspace);
    let mean = b.tensor(DType::F32, &[n, groups], Home::Workspace);
    let deviation = b.tensor(DType::F32, &[n, groups], Home::Workspace);
    let params = Params::group_norm(n as u32, groups as u32, eps as f32);
    let guid = format!("native_group_norm_fwd_{}", suffix(ty.dtype));
    b.push(&guid, inputs, vec![y, mean, deviation], params, None);
    Ok(Laid::Tensor(y))
}
