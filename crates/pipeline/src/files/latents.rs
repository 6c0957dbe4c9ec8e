//! Denoised latents in a file, so that a picture that could not be decoded or written is not lost.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::beside::write_beside;
use crate::error::{Error, Result, brief};
use crate::recipe::Made;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The tensor's name, and the metadata's key.
const LATENTS: &str = "latents";
const MADE: &str = "tintype";
/// A file larger than this holds no latents: those of 10,000 pictures of 1024 by 1024 are 10 GB.
const LARGEST: u64 = 1 << 36;

/// Denoised latents of one picture or several of a run, with the record of how they were made.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    /// How they were made. `made.picture` is the first picture's number in its run.
    pub made: Made,
    /// `[pictures, tokens, channels]`.
    pub shape: [usize; 3],
    /// As many numbers as the shape has, packed as the denoiser takes them.
    pub values: Vec<f32>,
}

impl Latents {
    /// The latents of one picture, from 0 in this set, and its number in its run.
    pub fn picture(&self, index: usize) -> Option<(usize, &[f32])> {
        let size = self.shape[1].checked_mul(self.shape[2]).filter(|size| *size > 0)?;
        let values = self.values.chunks_exact(size).nth(index)?;
        Some((self.made.picture.checked_add(index)?, values))
    }
}

/// Writes latents as a safetensors file, in f32, through a temporary file ([`write_beside`]).
///
/// # Errors
///
/// [`Error::Write`]; [`Error::Internal`] if shape and values do not agree.
pub fn write_latents(path: &Path, latents: &Latents) -> Result<()> {
    let internal = |reason: String| Error::Internal { reason };
    let bytes: Vec<u8> = latents.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view =
        TensorView::new(Dtype::F32, latents.shape.to_vec(), &bytes).map_err(|e| internal(e.to_string()))?;
    let metadata = HashMap::from([(MADE.to_owned(), latents.made.to_json()?)]);
    let file = serialize([(LATENTS, view)], Some(metadata)).map_err(|e| internal(e.to_string()))?;
    write_beside(path, |writer| writer.write_all(&file))
}

/// Reads what [`write_latents`] wrote.
///
/// # Errors
///
/// [`Error::Read`]; [`Error::BadLatents`] for a file that is damaged or was not written by it.
pub fn read_latents(path: &Path) -> Result<Latents> {
    let refuse = |reason: String| Error::BadLatents { path: path.to_path_buf(), reason };
    let size = fs::metadata(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?.len();
    if size > LARGEST {
        return Err(refuse(format!("{size} bytes are more than latents have")));
    }
    let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    parse(&bytes).map_err(refuse)
}

fn parse(bytes: &[u8]) -> Result<Latents, String> {
    let file = safetensors::SafeTensors::deserialize(bytes)
        .map_err(|e| format!("not safetensors ({})", brief(&e.to_string())))?;
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let metadata = header.metadata().as_ref();
    let made =
        metadata.and_then(|metadata| metadata.get(MADE)).ok_or("it has no record of how it was made")?;
    let made = Made::from_json(made)?;
    let view = file.tensor(LATENTS).map_err(|e| brief(&e.to_string()))?;
    let (Dtype::F32, &[pictures, tokens, channels]) = (view.dtype(), view.shape()) else {
        return Err(format!(
            "latents are f32 with three axes, and these are {:?} {:?}",
            view.dtype(),
            view.shape()
        ));
    };
    let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(Latents { made, shape: [pictures, tokens, channels], values })
}
