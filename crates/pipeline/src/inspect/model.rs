//! What lies in a model's folder.

use crate::files::Checkpoint;
use crate::flux::{Flux, Part};
use crate::folder::ModelFolder;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A model on disk.
#[derive(Clone, Debug, Serialize)]
pub struct ModelReport {
    /// The folder.
    pub root: PathBuf,
    /// The class, as `model_index.json` names it.
    pub class: String,
    /// A short name for the weights' content, equal for equal checkpoints.
    pub fingerprint: String,
    /// The components with weights, in the order in which they run.
    pub components: Vec<ComponentReport>,
}

/// The weights of a component.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentReport {
    /// As its folder is called.
    pub name: String,
    /// The class, as `model_index.json` names it.
    pub class: String,
    /// Tensors stored.
    pub tensors: usize,
    /// Elements of all tensors.
    pub parameters: u64,
    /// Bytes of all tensors.
    pub bytes: u64,
    /// Bytes by the dtype they are stored in.
    pub dtypes: BTreeMap<String, u64>,
    /// The names of its files.
    pub files: Vec<String>,
}

impl ModelReport {
    pub(super) fn of(folder: &ModelFolder, flux: &Flux) -> Self {
        let class_of = |name: &str| {
            let found = folder.components().find(|(other, _)| *other == name);
            found.map(|(_, component)| component.class.clone()).unwrap_or_default()
        };
        Self {
            root: folder.root().to_path_buf(),
            class: folder.class_name().to_owned(),
            fingerprint: flux.fingerprint().to_owned(),
            components: flux.parts().iter().map(|part| component(part, class_of(part.name))).collect(),
        }
    }

    /// Elements of all components.
    pub fn parameters(&self) -> u64 {
        self.components.iter().map(|component| component.parameters).sum()
    }

    /// Bytes of all components.
    pub fn bytes(&self) -> u64 {
        self.components.iter().map(|component| component.bytes).sum()
    }
}

fn component(part: &Part, class: String) -> ComponentReport {
    let checkpoint: &Checkpoint = &part.weights;
    let mut report = ComponentReport {
        name: part.name.to_owned(),
        class,
        tensors: checkpoint.names().len(),
        parameters: 0,
        bytes: checkpoint.total_bytes() as u64,
        dtypes: BTreeMap::new(),
        files: checkpoint.files().map(file_name).collect(),
    };
    for tensor in checkpoint.names().filter_map(|name| checkpoint.get(name)) {
        let elements = tensor.shape.iter().fold(1u64, |all, &extent| all.saturating_mul(extent as u64));
        report.parameters = report.parameters.saturating_add(elements);
        let bytes = report.dtypes.entry(format!("{:?}", tensor.dtype).to_lowercase()).or_default();
        *bytes = bytes.saturating_add(tensor.bytes.len() as u64);
    }
    report
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
