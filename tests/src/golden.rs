//! Golden cases: what diffusers was asked, and what it gave at every stage.

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The call, as `tests/fixtures/README.md` describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// The case's name.
    pub case: String,
    /// The model's folder.
    pub model: String,
    /// The prompt.
    pub prompt: String,
    /// The negative prompt.
    pub negative: Option<String>,
    /// Steps of the full schedule.
    pub steps: usize,
    /// Noise levels, where they were given.
    pub sigmas: Option<Vec<f64>>,
    /// The guidance.
    pub guidance: f64,
    /// The true-CFG factor.
    pub true_cfg: f64,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// The seed.
    pub seed: u64,
    /// Pictures.
    pub count: usize,
    /// Tokens of the T5 prompt.
    pub max_sequence_length: usize,
    /// The picture to start from, relative to the fixtures.
    pub image: Option<String>,
    /// How much of the schedule is run on it.
    pub strength: Option<f64>,
    /// The dtype of the arithmetic.
    pub dtype: String,
    /// The dtype of the draws.
    pub noise_dtype: String,
    /// Tensors that are stored under another name.
    #[serde(default)]
    pub same: BTreeMap<String, String>,
    /// Words that encoders do not see.
    pub truncated: Truncated,
}

/// Words that each encoder does not see.
#[derive(Clone, Debug, Deserialize)]
pub struct Truncated {
    /// CLIP's.
    pub clip: Option<String>,
    /// T5's.
    pub t5: Option<String>,
}

/// A tensor's shape and values. Integers are exact.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The extents.
    pub shape: Vec<usize>,
    /// The elements.
    pub values: Vec<f32>,
}

/// Tensors by name.
pub struct Golden(BTreeMap<String, Tensor>);

/// The fixtures' folder.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A model of the fixtures.
pub fn model(name: &str) -> PathBuf {
    fixtures().join("models").join(name)
}

/// Every golden case of a pipeline's call, by name.
pub fn cases() -> Vec<Case> {
    let mut files: Vec<_> =
        fs::read_dir(fixtures().join("golden")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    let text = files.iter().map(|file| fs::read_to_string(file).unwrap());
    // The tables of random numbers, schedulers and tokenizers lie beside and are no calls.
    text.filter_map(|text| serde_json::from_str(&text).ok()).collect()
}

impl Golden {
    /// The tensors of `golden/NAME.safetensors`.
    pub fn open(name: &str) -> Self {
        Self::read(&fixtures().join("golden").join(format!("{name}.safetensors")))
    }

    /// The tensors of a file.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let read = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
            (name, Tensor { shape: view.shape().to_vec(), values: values(view.dtype(), view.data()) })
        };
        Self(tensors.tensors().into_iter().map(read).collect())
    }

    /// The tensors of a case, under all their names.
    pub fn of(case: &Case) -> Self {
        let mut golden = Self::open(&case.case);
        for (alias, stored) in &case.same {
            let tensor = golden.0[stored].clone();
            golden.0.insert(alias.clone(), tensor);
        }
        golden
    }

    /// A tensor, where it is kept.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// The names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn values(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    let chunks = |n| bytes.chunks_exact(n);
    match dtype {
        Dtype::F32 => chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
        Dtype::I64 => chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f32).collect(),
        Dtype::BF16 => chunks(2).map(|b| half::bf16::from_le_bytes(b.try_into().unwrap()).to_f32()).collect(),
        Dtype::F16 => chunks(2).map(|b| half::f16::from_le_bytes(b.try_into().unwrap()).to_f32()).collect(),
        Dtype::U8 => bytes.iter().map(|&b| f32::from(b)).collect(),
        other => panic!("golden tensors of {other:?}"),
    }
}
