//! Products.

use super::builder::{Builder, Laid, flat};
use super::encoded;
use crate::graph::{Params, TensorId};
use tintype_program::TensorType;

pub(super) fn matmul(
    b: &mut Builder,
    x: &[Laid],
    types: &[TensorType],
    to: &TensorType,
) -> Result<Laid, String> {
    let (left, right) = (&types[0], &types[1]);
    let rank = left.rank();
    let (m, k, n) = (left.shape[rank - 2], left.shape[rank - 1], right.shape[rank - 1]);
    if k == 0 {
        return Ok(Laid::Tensor(b.zeros(to.dtype, &flat(&to.shape))));
    }
    let batch: usize = left.shape[..rank - 2].iter().product();
    let (guid, outer) = if batch == 1 { ("gemm", vec![]) } else { ("batch_gemm", vec![batch]) };
    let of = |rows: usize, columns: usize| [&outer[..], &[rows, columns]].concat();
    let left = b.read(&x[0], &of(m, k), left.dtype)?;
    let right = b.read(&x[1], &of(k, n), right.dtype)?;
    Ok(Laid::Tensor(b.node(guid, &[left, right], to.dtype, &of(m, n), Params::gemm(false, false))))
}

pub(super) fn linear(
    b: &mut Builder,
    x: &[Laid],
    types: &[TensorType],
    to: &TensorType,
) -> Result<Laid, String> {
    let (n, k) = (types[1].shape[0], types[1].shape[1]);
    let rows = to.elements() / n;
    let bias: Option<TensorId> = match (x.get(2), types.get(2)) {
        (Some(bias), Some(ty)) => Some(b.read(bias, &[n], ty.dtype)?),
        _ => None,
    };
    if k == 0 {
        return Ok(match bias {
            None => Laid::Tensor(b.zeros(to.dtype, &[rows, n])),
            Some(bias) => {
                Laid::Repeated { id: b.reshape(bias, &[1, n]), small: vec![1, n], to: vec![rows, n] }
            }
        });
    }
    let left = b.read(&x[0], &[rows, k], types[0].dtype)?;
    let weight = match &x[1] {
        encoded @ Laid::Encoded { .. } => encoded::decode(b, encoded, &types[1])?,
        plain => plain.clone(),
    };
    let weight = b.read(&weight, &[n, k], types[1].dtype)?;
    let mut operands = vec![left, weight];
    operands.extend(bias);
    Ok(Laid::Tensor(b.node("gemm", &operands, to.dtype, &[rows, n], Params::gemm(false, true))))
}
