//! Reading the golden data that `tests/fixtures` of the workspace makes with PyTorch and diffusers.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use tintype_pipeline::files::{Checkpoint, Dtype};

pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

pub fn json<T: DeserializeOwned>(name: &str) -> T {
    let path = fixtures().join("golden").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub struct Tensors(Checkpoint);

impl Tensors {
    pub fn read(name: &str) -> Self {
        let path = fixtures().join("golden").join(format!("{name}.safetensors"));
        Tensors(Checkpoint::from_files(&[path]).unwrap())
    }

    /// A tensor's values widened to f32, or none.
    pub fn find(&self, name: &str) -> Option<Vec<f32>> {
        let view = self.0.get(name)?;
        let pairs = view.bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
        Some(match view.dtype {
            Dtype::BF16 => pairs.map(|b| half::bf16::from_le_bytes(b).to_f32()).collect(),
            Dtype::F16 => pairs.map(|b| half::f16::from_le_bytes(b).to_f32()).collect(),
            _ => view.bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
        })
    }

    pub fn f32s(&self, name: &str) -> Vec<f32> {
        self.find(name).unwrap_or_else(|| panic!("no golden tensor {name}"))
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// ‖a − b‖ / ‖b‖.
pub fn relative(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(x, y)| f64::from(*x) - f64::from(*y)));
    difference / norm(&mut b.iter().map(|v| f64::from(*v)))
}
