//! One safetensors file in memory: mapped, its header checked in full before any tensor is handed out.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::bytes::{Bytes, FileMap};
use crate::error::{Error, Result, brief};
use crate::folder::Location;
use memmap2::Mmap;
use safetensors::tensor::{Metadata, SafeTensorError, SafeTensors};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file, mapped or in memory as it is, whose header is consistent: every tensor's range lies inside it.
pub(super) struct MappedFile {
    pub(super) path: PathBuf,
    pub(super) content: Bytes,
    pub(super) metadata: Metadata,
    /// Where the tensors' bytes begin: 8 bytes of length and the header come before.
    pub(super) data_start: usize,
}

impl MappedFile {
    pub(super) fn open(location: &Location) -> Result<Self> {
        let path = location.path();
        let content = match location.is_embedded() {
            true => location.held()?,
            false => Bytes::Mapped(Arc::new(map(path)?)),
        };
        let bytes = content.as_ref();
        check_length(path, bytes)?;
        let (header, metadata) = SafeTensors::read_metadata(bytes)
            .map_err(|error| bad(path, explain(&error, bytes, bytes.len())))?;
        let data_start = header.saturating_add(8);
        Ok(MappedFile { path: path.to_path_buf(), content, metadata, data_start })
    }
}

fn map(path: &Path) -> Result<FileMap> {
    let read = |source| Error::Read { path: path.to_path_buf(), source };
    // Looked at before it is opened: opening a pipe would wait for whoever writes into it.
    if !std::fs::metadata(path).map_err(read)?.is_file() {
        return Err(bad(path, "it is a folder, a pipe or a device, not a safetensors file".into()));
    }
    let file = File::open(path).map_err(read)?;
    // SAFETY: the map is read-only and private to this process. Nobody may write to or cut the file while it
    // is mapped; the same holds for every loader that maps weights, and the command line says so.
    let map = unsafe { Mmap::map(&file) }.map_err(read)?;
    Ok(FileMap { map, file, path: path.to_path_buf() })
}

impl MappedFile {
    /// Whether the system should read ahead of what is touched. It may refuse: then reading is slower, nothing else.
    pub(super) fn read_ahead(&self, ahead: bool) {
        #[cfg(unix)]
        {
            use memmap2::Advice;
            if let Bytes::Mapped(file) = &self.content {
                let _ = file.map.advise(if ahead { Advice::Normal } else { Advice::Random });
            }
        }
        #[cfg(not(unix))]
        let _ = ahead;
    }
}

/// The commonest faults, told apart before the header is parsed.
fn check_length(path: &Path, bytes: &[u8]) -> Result<()> {
    let Some(first) = bytes.first_chunk::<8>() else {
        return Err(bad(path, format!("{} bytes are too few for a safetensors file", bytes.len())));
    };
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(bad(path, "it is a Git LFS pointer, not the weights; run `git lfs pull`".into()));
    }
    let header = u64::from_le_bytes(*first);
    let rest = (bytes.len() as u64).saturating_sub(8);
    if bytes.get(8).is_some_and(|byte| *byte != b'{') {
        return Err(bad(path, "not a safetensors file: no JSON header after its first 8 bytes".into()));
    }
    if header > rest {
        return Err(bad(
            path,
            format!(
                "the header is {header} bytes long but only {rest} follow: truncated, or not a safetensors file"
            ),
        ));
    }
    Ok(())
}

fn explain(error: &SafeTensorError, bytes: &[u8], length: usize) -> String {
    match error {
        SafeTensorError::MetadataIncompleteBuffer => match described_length(bytes) {
            Some(end) if end > length => {
                format!("truncated: the header describes {end} bytes and the file has {length}")
            }
            Some(end) => format!("the header describes {end} bytes and the file has {length}: surplus bytes"),
            None => "the header does not describe the file's length".into(),
        },
        SafeTensorError::InvalidOffset(name) => {
            format!("the bytes of tensor `{}` overlap another tensor's or leave a gap", brief(name))
        }
        SafeTensorError::TensorInvalidInfo => "a tensor's byte range does not fit its shape and dtype".into(),
        other => brief(&other.to_string()),
    }
}

/// The file length that the header asks for, for the message on a truncated file.
fn described_length(bytes: &[u8]) -> Option<usize> {
    let header = usize::try_from(u64::from_le_bytes(*bytes.first_chunk::<8>()?)).ok()?;
    let text = bytes.get(8..header.checked_add(8)?)?;
    let entries: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text).ok()?;
    let last = entries.values().filter_map(|e| e.get("data_offsets")?.get(1)?.as_u64()).max()?;
    usize::try_from(last).ok()?.checked_add(header)?.checked_add(8)
}

fn bad(path: &Path, reason: String) -> Error {
    Error::BadWeights { path: path.to_path_buf(), reason }
}
