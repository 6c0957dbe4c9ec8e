//! The weights of one component: one safetensors file or several shards, memory-mapped.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::bytes::Bytes;
use super::locate::{Located, locate};
use super::mapped::MappedFile;
use super::nearest::nearest;
use crate::error::{Error, Result, brief};
use crate::folder::Location;
use safetensors::Dtype;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A tensor as it is stored: dtype, shape and little-endian bytes, in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    /// The stored dtype.
    pub dtype: Dtype,
    /// Sizes, outermost first; empty for a scalar.
    pub shape: &'a [usize],
    /// The elements. Not necessarily aligned to the dtype's size.
    pub bytes: &'a [u8],
}

/// A tensor that keeps its file mapped for as long as it lives.
#[derive(Clone, Debug)]
pub struct MappedTensor {
    /// The content of the whole file.
    pub content: Bytes,
    /// The tensor's bytes within it.
    pub range: Range<usize>,
    /// The stored dtype.
    pub dtype: Dtype,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
}

impl MappedTensor {
    /// The elements, little-endian.
    pub fn bytes(&self) -> &[u8] {
        self.content.as_ref().get(self.range.clone()).unwrap_or_default()
    }
}

pub(super) struct Entry {
    pub(super) file: usize,
    pub(super) range: Range<usize>,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Where the second half of the stored rows comes first: the tensor, put together when it is first read.
    pub(super) swapped: Option<OnceLock<Bytes>>,
}

/// All tensors of a component, by name. Opening reads headers only; pages are read when they are touched.
pub struct Checkpoint {
    place: PathBuf,
    files: Vec<MappedFile>,
    tensors: BTreeMap<String, Entry>,
}

/// The files are read ahead again once this is dropped.
pub(crate) struct Scattered<'c>(&'c Checkpoint);

impl Drop for Scattered<'_> {
    fn drop(&mut self) {
        self.0.files.iter().for_each(|file| file.read_ahead(true));
    }
}

impl Checkpoint {
    /// Opens the weights in `folder`: the first of `STEM.safetensors` or `STEM.safetensors.index.json` that exists,
    /// in the order of `stems`. Components of diffusers use the stem `diffusion_pytorch_model`, those of
    /// transformers `model`.
    ///
    /// # Errors
    ///
    /// [`Error::NoWeights`] if there is none, [`Error::MissingShard`], and [`Error::BadWeights`] for a truncated
    /// or inconsistent file, an index that points outside its folder or at a tensor that its shard lacks, and a
    /// tensor that is in two shards.
    pub fn open(folder: impl Into<Location>, stems: &[&str]) -> Result<Self> {
        let folder = folder.into();
        let Located { files, index } = locate(&folder, stems)?;
        let checkpoint = Self::build(folder.to_path_buf(), &files)?;
        if let Some((path, map)) = index {
            checkpoint.check_index(path.path(), &map)?;
        }
        Ok(checkpoint)
    }

    /// Opens the given safetensors files as one set of weights.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::BadWeights`], as for [`Checkpoint::open`].
    pub fn from_files(files: &[PathBuf]) -> Result<Self> {
        let located: Vec<Location> = files.iter().map(Location::from).collect();
        Self::build(files.first().cloned().unwrap_or_default(), &located)
    }

    /// Opens one safetensors file.
    ///
    /// # Errors
    ///
    /// As for [`Checkpoint::from_files`].
    pub fn from_file(file: impl Into<Location>) -> Result<Self> {
        let file = file.into();
        Self::build(file.to_path_buf(), &[file])
    }

    fn build(place: PathBuf, paths: &[Location]) -> Result<Self> {
        let files = paths.iter().map(MappedFile::open).collect::<Result<Vec<_>>>()?;
        let mut tensors: BTreeMap<String, Entry> = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            for (name, info) in file.metadata.tensors() {
                let (start, end) = info.data_offsets;
                let place = file.data_start.checked_add(start).zip(file.data_start.checked_add(end));
                let Some((start, end)) = place else {
                    let reason = format!("the bytes of tensor `{}` lie outside the file", brief(&name));
                    return Err(Error::BadWeights { path: file.path.clone(), reason });
                };
                let (range, dtype, shape) = (start..end, info.dtype, info.shape.clone());
                let entry = Entry { file: index, range, dtype, shape, swapped: None };
                if let Some(other) = tensors.insert(name.clone(), entry) {
                    let other = files.get(other.file).map(|f| f.path.display().to_string());
                    return Err(Error::BadWeights {
                        path: file.path.clone(),
                        reason: format!("tensor `{}` is also in {}", brief(&name), other.unwrap_or_default()),
                    });
                }
            }
        }
        Ok(Checkpoint { place, files, tensors })
    }

    /// The same files with other tensors: those that `map` puts in for each stored one.
    pub(super) fn map_tensors(
        self,
        map: impl Fn(&str, &Entry, &mut BTreeMap<String, Entry>) -> Result<()>,
    ) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (name, stored) in &self.tensors {
            map(name, stored, &mut tensors)?;
        }
        Ok(Checkpoint { tensors, ..self })
    }

    fn check_index(&self, path: &Path, map: &BTreeMap<String, String>) -> Result<()> {
        for (name, shard) in map {
            let holder = self.tensors.get(name).and_then(|entry| self.files.get(entry.file));
            if holder.and_then(|file| file.path.file_name()).is_none_or(|file| file != shard.as_str()) {
                return Err(Error::BadWeights {
                    path: path.to_path_buf(),
                    reason: format!(
                        "it puts tensor `{}` in `{}`, which does not hold it",
                        brief(name),
                        brief(shard)
                    ),
                });
            }
        }
        Ok(())
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The folder or first file, for messages.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The files that the tensors come from, sorted by name.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// The bytes of all tensors together.
    pub fn total_bytes(&self) -> usize {
        self.tensors.values().map(|entry| entry.range.len()).sum()
    }

    /// The tensor of that name, or none.
    pub fn get(&self, name: &str) -> Option<TensorView<'_>> {
        let entry = self.tensors.get(name)?;
        let (content, range) = self.content(entry)?;
        Some(TensorView { dtype: entry.dtype, shape: &entry.shape, bytes: content.as_ref().get(range)? })
    }

    /// The bytes that hold a tensor, and where it lies in them.
    fn content<'c>(&'c self, entry: &'c Entry) -> Option<(&'c Bytes, Range<usize>)> {
        let stored = &self.files.get(entry.file)?.content;
        let Some(swapped) = &entry.swapped else { return Some((stored, entry.range.clone())) };
        let stored = stored.as_ref().get(entry.range.clone())?;
        let swapped = swapped.get_or_init(|| {
            let (first, second) = stored.split_at(stored.len() / 2);
            Bytes::Owned(Arc::new([second, first].concat()))
        });
        Some((swapped, 0..stored.len()))
    }

    /// As [`Checkpoint::get`], with the map itself, so that a device can read pages after the checkpoint is gone.
    pub fn mapped(&self, name: &str) -> Option<MappedTensor> {
        let entry = self.tensors.get(name)?;
        let (content, range) = self.content(entry)?;
        Some(MappedTensor { content: content.clone(), range, dtype: entry.dtype, shape: entry.shape.clone() })
    }

    /// The tensor of that name.
    ///
    /// # Errors
    ///
    /// [`Error::MissingTensor`], naming the nearest names.
    pub fn require(&self, name: &str) -> Result<TensorView<'_>> {
        self.get(name).ok_or_else(|| Error::MissingTensor {
            path: self.place.clone(),
            name: name.into(),
            nearest: nearest(name, self.names()),
        })
    }

    /// Reads here and there: until the guard is dropped, the system reads the pages that are touched and none ahead of
    /// them. Otherwise a few bytes of each tensor cost megabytes of reading ahead each, gigabytes of a large model.
    pub(crate) fn scattered(&self) -> Scattered<'_> {
        self.files.iter().for_each(|file| file.read_ahead(false));
        Scattered(self)
    }

    /// The dtype that most of the stored elements have; none for an empty checkpoint. Ties go to the wider dtype.
    pub fn stored_dtype(&self) -> Option<Dtype> {
        let mut elements: BTreeMap<Dtype, usize> = BTreeMap::new();
        for entry in self.tensors.values() {
            let count =
                entry.range.len().saturating_mul(8).checked_div(entry.dtype.bitsize()).unwrap_or_default();
            let sum = elements.entry(entry.dtype).or_default();
            *sum = sum.saturating_add(count);
        }
        elements.into_iter().max_by_key(|(dtype, count)| (*count, dtype.bitsize())).map(|(dtype, _)| dtype)
    }
}
