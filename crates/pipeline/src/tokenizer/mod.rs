//! Tokenizers: a prompt's text to the ids that the text encoders read.
//!
//! CLIP comes as `vocab.json` and `merges.txt` or as `tokenizer.json`, T5 as `spiece.model`, as `tokenizer.json` or as
//! both. The ids are those of diffusers' FluxPipeline with transformers 4.57: `CLIPTokenizer` without ftfy (or, where
//! only `tokenizer.json` is there, the tokenizer that this file describes) and `T5TokenizerFast`.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod added;
mod bpe;
mod charsmap;
mod clean;
mod clip;
mod decode;
mod described;
mod encode;
mod settings;
mod spiece;
mod unigram;
mod vet;

pub use encode::{Encoded, Tokenizer, TokenizerKind};

use crate::error::Error;
use std::path::Path;

/// The error that a broken or missing tokenizer file gives.
fn broken(path: &Path, reason: impl ToString) -> Error {
    Error::Tokenizer {
        path: path.to_path_buf(),
        reason: reason.to_string(),
        remedy: "download the tokenizer's folder again".into(),
    }
}

#[cfg(test)]
mod tests;
