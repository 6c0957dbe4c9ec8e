//! A case's parameters, as weights are loaded from.

use crate::cases::Case;
use crate::interpreter::{encoded::decode, to_bytes};
use std::collections::BTreeMap;
use std::sync::Arc;
use tintype_accel::{Accelerator, HostTensor, Result, Signature, TensorSource, Weights};
use tintype_program::DType;

struct Checkpoint(BTreeMap<String, HostTensor>);

impl TensorSource for Checkpoint {
    fn origin(&self) -> String {
        "the case's parameters".into()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn get(&self, name: &str) -> std::result::Result<Option<HostTensor>, String> {
        Ok(self.0.get(name).cloned())
    }
}

/// Loads a round's parameters. Encoded ones are then written as the case has them, since loading quantizes by a rule
/// of its own.
pub(super) fn load(
    accelerator: &Arc<dyn Accelerator>,
    signature: &Signature,
    case: &Case,
    round: u64,
) -> Result<Arc<Weights>> {
    let entry = case.program.entry();
    let content = case.params(round);
    let mut tensors = BTreeMap::new();
    for (param, (name, bytes)) in entry.params.iter().zip(&content) {
        let ty = entry.ty(param.value);
        let (dtype, bytes) = if param.encoding.is_plain() {
            (ty.dtype, bytes.clone())
        } else {
            let plain = decode(bytes, ty, &param.encoding).unwrap_or_default();
            (DType::F32, to_bytes(&plain, DType::F32))
        };
        let tensor = HostTensor { dtype, shape: ty.shape.clone(), bytes: bytes.into() };
        tensors.insert(name.to_string(), tensor);
    }
    let weights =
        Weights::load(accelerator, &signature.params, &Checkpoint(tensors), &|_| false, &mut |_, _| {})?;
    for (param, (name, bytes)) in entry.params.iter().zip(content) {
        if !param.encoding.is_plain() {
            weights.write(name, bytes)?;
        }
    }
    Ok(weights)
}
