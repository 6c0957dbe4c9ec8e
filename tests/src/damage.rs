//! Weights files with something changed in them.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

/// Rewrites a weights file with its tensors changed.
pub fn rewrite(file: &Path, change: impl FnOnce(&mut BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>)) {
    let content = std::fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&content).unwrap();
    let own = |(name, view): (String, TensorView<'_>)| {
        (name, (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
    };
    let mut tensors: BTreeMap<_, _> = tensors.tensors().into_iter().map(own).collect();
    change(&mut tensors);
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, data))| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    std::fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
}
