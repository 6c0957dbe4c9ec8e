//! Attention, rotary embedding, and kernels of others.

use super::builder::{Builder, Laid, flat};
use crate::graph::{Home, Params, suffix};
use crate::kernels::Kernel;
use crate::options::AttentionKind;
use std::collections::BTreeMap;
use tintype_program::{Attribute, DType, Pairing, TensorType};

/// How many operands the node has, absent ones included.
const ATTENTION_OPERANDS: usize = 12;

/// The node's name.
fn guid(kind: AttentionKind, dtype: DType) -> String {
    let name = if kind == AttentionKind::Retained { "sdpa_fwd" } else { "sdpa_recomp_fwd" };
    format!("{name}_{}", suffix(dtype))
}

/// What attention is, for people: the node's name, and its mode where that is not the default.
pub(crate) fn attention_used(kind: AttentionKind, dtype: DType) -> String {
    let mode = if kind == AttentionKind::Fast { ", fast softmax" } else { "" };
    format!("{}{mode}", guid(kind, dtype))
}

pub(super) fn attention(
    b: &mut Builder,
    scale: f64,
    kind: AttentionKind,
    x: &[Laid],
    types: &[TensorType],
    to: &TensorType,
) -> Result<Laid, String> {
    if types.iter().any(|ty| ty.elements() == 0) {
        return Err("attention to nothing".into());
    }
    let mut inputs = Vec::with_capacity(ATTENTION_OPERANDS);
    for (x, ty) in x.iter().zip(types) {
        inputs.push(Some(b.read(x, &ty.shape, ty.dtype)?));
    }
    inputs.resize(ATTENTION_OPERANDS, None);
    let y = b.tensor(to.dtype, &to.shape, Home::Workspace);
    let params = Params::attention(scale as f32, kind);
    let mut outputs = vec![y];
    if kind == AttentionKind::Retained {
        let (queries, keys) = (&types[0].shape, &types[1].shape);
        let probabilities = [queries[0], queries[1], queries[2], keys[2]];
        outputs.push(b.tensor(to.dtype, &probabilities, Home::Workspace));
    }
    b.push(&guid(kind, to.dtype), inputs, outputs, params, None);
    Ok(Laid::Tensor(y))
}

/// In f32, as the tables are.
pub(super) fn rotary(
    b: &mut Builder,
    pairing: Pairing,
    x: &[Laid],
    types: &[TensorType],
) -> Result<Laid, String> {
    let ty = &types[0];
    let table = [1, 1, types[1].shape[0], types[1].shape[1]];
    let operand = b.read(&x[0], &ty.shape, ty.dtype)?;
    let operand = b.cast(operand, ty.dtype, DType::F32);
    let cos = b.read(&x[1], &table, DType::F32)?;
    let sin = b.read(&x[2], &table, DType::F32)?;
    let params = Params::rotary(pairing == Pairing::Interleaved);
    let y = b.typed("rotary_pos_embedding_fwd", &[operand, sin, cos], DType::F32, &ty.shape, params);
    Ok(Laid::Tensor(b.cast(y, DType::F32, ty.dtype)))
}

/// Operands and results as the Program has them.
pub(super) fn custom(
    b: &mut Builder,
    kernel: &Kernel,
    attributes: &BTreeMap<String, Attribute>,
    x: &[Laid],
    types: &[TensorType],
    to: &[&TensorType],
) -> Result<Vec<Laid>, String> {
    let mut inputs = Vec::with_capacity(x.len());
    for (x, ty) in x.iter().zip(types) {
        inputs.push(match x {
            Laid::Empty => None,
            x => Some(b.read(x, &flat(&ty.shape), ty.dtype)?),
        });
    }
    if to.iter().any(|ty| ty.elements() == 0) {
        return Err("a kernel cannot make a result without elements".into());
    }
    let outputs: Vec<_> = to.iter().map(|ty| b.tensor(ty.dtype, &flat(&ty.shape), Home::Workspace)).collect();
    let params = (kernel.params)(attributes)?;
    let dtype = to.first().map_or(DType::F32, |ty| ty.dtype);
    let guid = kernel.guid.replace("{dtype}", suffix(dtype));
    b.push(&guid, inputs, outputs.clone(), Params(params), None);
    if !b.graph.kernels.contains(&guid) {
        b.graph.kernels.push(guid);
    }
    Ok(outputs.into_iter().map(Laid::Tensor).collect())
}
