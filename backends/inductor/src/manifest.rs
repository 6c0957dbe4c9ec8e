//! What a package is, as the exporter wrote it down.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tintype_program::passes::RegionKind;
use tintype_program::{Program, Template, TensorType};

/// The version of the manifest that this library reads.
pub const MANIFEST_VERSION: u64 = 1;
/// The manifest's file in a package's folder.
pub const MANIFEST: &str = "manifest.json";
/// The library's.
pub const CODE: &str = "model.so";

/// What several Programs have in common that a package computes, where it computes several.
pub const TEMPLATE: &str = "template.json";

/// A manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u64,
    /// The hash of the block that the package computes.
    pub block: String,
    /// What the Program is called.
    pub name: String,
    /// What of a Program it is: the whole, a repeated block, or a segment between such.
    #[serde(default = "whole")]
    pub kind: RegionKind,
    /// `cpu` or `cuda`.
    pub device: String,
    /// What the code is for: `x86_64`, `sm_90`.
    pub arch: String,
    /// Instructions of the processor that compiled it, any of which the code may use.
    #[serde(default)]
    pub cpu_flags: Vec<String>,
    /// torch's version.
    pub torch: String,
    /// Inductor's options, by name.
    #[serde(default)]
    pub options: BTreeMap<String, serde_json::Value>,
    /// Inputs, in the order of a call.
    pub inputs: Vec<Slot>,
    /// States, behind the inputs.
    pub states: Vec<Slot>,
    /// Outputs, in the order of the results; what states become comes behind them.
    pub outputs: Vec<Slot>,
    /// Parameters; the package knows the one at position `i` as `p{i}`.
    pub params: Vec<Slot>,
    /// Every other file of the package.
    pub files: BTreeMap<String, Described>,
}

fn whole() -> RegionKind {
    RegionKind::Whole
}

/// A named tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// The name in the Program.
    pub name: String,
    /// The type.
    #[serde(flatten)]
    pub ty: TensorType,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads the manifest of the package in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        let refuse = |reason: String| Error::Package { path: folder.into(), reason };
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| refuse(format!("its {MANIFEST}: {error}")))?;
        if manifest.version != MANIFEST_VERSION {
            let found = manifest.version;
            return Err(refuse(format!(
                "its manifest has version {found}; version {MANIFEST_VERSION} is read"
            )));
        }
        if !manifest.files.contains_key(CODE) {
            return Err(refuse(format!("its manifest names no {CODE}")));
        }
        Ok(manifest)
    }

    /// The template among the package's files, if there is one, held against its digest.
    pub fn template(&self, folder: &Path) -> Result<Option<Template>> {
        let Some(described) = self.files.get(TEMPLATE) else { return Ok(None) };
        let refuse = |reason: String| Error::Package { path: folder.into(), reason };
        let path = folder.join(TEMPLATE);
        let text = fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        if hex(&Sha256::digest(text.as_bytes())) != described.sha256 {
            return Err(refuse(format!("{TEMPLATE} is not what its manifest says: its digest differs")));
        }
        Template::from_json(&text).map(Some).map_err(|error| refuse(format!("{TEMPLATE}: {error}")))
    }

    /// Holds every file against its digest, and gives the library's bytes: those that were checked, whatever becomes of the
    /// file.
    pub fn checked_code(&self, folder: &Path) -> Result<Vec<u8>> {
        let mut code = Vec::new();
        for (name, described) in &self.files {
            let refuse = |reason: String| Error::Package { path: folder.into(), reason };
            if Path::new(name).components().count() != 1 || name.contains("..") {
                return Err(refuse(format!("its manifest names a file outside of it, {name}")));
            }
            let bytes = fs::read(folder.join(name))
                .map_err(|error| refuse(format!("{name} cannot be read: {error}")))?;
            if bytes.len() as u64 != described.bytes {
                let told = format!("{name} has {} bytes, {} were written", bytes.len(), described.bytes);
                return Err(refuse(told));
            }
            if hex(&Sha256::digest(&bytes)) != described.sha256 {
                return Err(refuse(format!("{name} was changed after it was written: its SHA-256 differs")));
            }
            if name == CODE {
                code = bytes;
            }
        }
        Ok(code)
    }

    /// What of the Program's rim the manifest has otherwise, if anything.
    pub fn differs_from(&self, program: &Program) -> Option<String> {
        let entry = program.entry();
        let types = |values: Vec<tintype_program::ValueId>| -> Vec<TensorType> {
            values.into_iter().map(|value| entry.ty(value).clone()).collect()
        };
        let wanted = [
            ("inputs", &self.inputs, types(entry.inputs.iter().map(|port| port.value).collect())),
            ("states", &self.states, types(entry.states.iter().map(|port| port.value).collect())),
            ("outputs", &self.outputs, types(entry.outputs.iter().map(|port| port.value).collect())),
            ("params", &self.params, types(entry.params.iter().map(|port| port.value).collect())),
        ];
        wanted.into_iter().find_map(|(role, slots, types)| {
            let same = slots.iter().map(|slot| &slot.ty).eq(types.iter());
            (!same).then(|| format!("its manifest has other {role} than the Program"))
        })
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
