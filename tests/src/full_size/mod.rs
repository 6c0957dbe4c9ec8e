//! FLUX.1-dev and FLUX.1-schnell at full size without their bytes: the published configs, the published names, shapes,
//! shards and headers, and holes where the weights would be. 34 GB to look at, a few MB on the disk.
//!
//! A shard's length is the published file's to the byte, which names, shapes and their division into shards all enter.

mod configs;
mod safetensors;
mod tensors;

use self::safetensors::{write_index, write_shard};
use crate::{copy_folder, model};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use tensors::Tensors;

/// A published model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// FLUX.1-dev: is told a guidance.
    Dev,
    /// FLUX.1-schnell: is not, and takes four steps.
    Schnell,
}

/// The most bytes of tensors in one shard, as the models were saved.
const TRANSFORMER_SHARD: u64 = 10_000_000_000;
const TEXT_SHARD: u64 = 5_000_000_000;

impl Published {
    /// The name on the Hub, behind the organisation's.
    pub fn name(self) -> &'static str {
        match self {
            Published::Dev => "FLUX.1-dev",
            Published::Schnell => "FLUX.1-schnell",
        }
    }

    /// Writes the model's folder. The tokenizers are small ones, since the published ones hold no weights to be left out.
    pub fn write(self, folder: &Path) -> io::Result<()> {
        let guided = self == Published::Dev;
        let weights: [(&str, &str, Tensors, u64); 4] = [
            ("text_encoder", "model", tensors::clip(), TEXT_SHARD),
            ("text_encoder_2", "model", tensors::t5(), TEXT_SHARD),
            ("transformer", "diffusion_pytorch_model", tensors::transformer(guided), TRANSFORMER_SHARD),
            ("vae", "diffusion_pytorch_model", tensors::vae(), TRANSFORMER_SHARD),
        ];
        for (component, stem, tensors, most) in weights {
            fs::create_dir_all(folder.join(component))?;
            write_weights(&folder.join(component), stem, tensors, most)?;
        }
        fs::create_dir_all(folder.join("scheduler"))?;
        for (file, text) in configs::of(guided) {
            fs::write(folder.join(file), text)?;
        }
        for tokenizer in ["tokenizer", "tokenizer_2"] {
            copy_folder(&model("flux-base").join(tokenizer), &folder.join(tokenizer));
        }
        Ok(())
    }
}

/// One file, or as many as it takes and their index.
fn write_weights(folder: &Path, stem: &str, tensors: Tensors, most: u64) -> io::Result<()> {
    let shards = divide(tensors, most);
    if let [only] = shards.as_slice() {
        return write_shard(&folder.join(format!("{stem}.safetensors")), only);
    }
    let count = shards.len();
    let name = |i: usize| format!("{stem}-{:05}-of-{count:05}.safetensors", i + 1);
    for (i, shard) in shards.iter().enumerate() {
        write_shard(&folder.join(name(i)), shard)?;
    }
    let named: Vec<_> = shards.iter().enumerate().map(|(i, shard)| (name(i), shard)).collect();
    write_index(&folder.join(format!("{stem}.safetensors.index.json")), &named)
}

/// Tensors in their order, a new shard wherever the next one would make it too large: how the Hub's library divides.
fn divide(tensors: Tensors, most: u64) -> Vec<Tensors> {
    let mut shards: Vec<Tensors> = vec![Vec::new()];
    let mut held = 0;
    for tensor in tensors {
        let bytes = safetensors::bytes(&tensor);
        if held + bytes > most {
            shards.push(Vec::new());
            held = 0;
        }
        held += bytes;
        shards.last_mut().unwrap().push(tensor);
    }
    shards
}

/// Whether files in this folder may have holes.
pub fn has_sparse_files(folder: &Path) -> bool {
    let probe = folder.join("holes");
    let made = File::create(&probe).and_then(|file| file.set_len(64 << 20));
    let sparse = made.is_ok() && allocated(&probe).is_some_and(|bytes| bytes < 1 << 20);
    let _ = fs::remove_file(&probe);
    sparse
}

/// Bytes that a file, or a folder with all that is in it, takes on the disk; none where the system does not tell.
pub fn allocated(path: &Path) -> Option<u64> {
    let meta = fs::metadata(path).ok()?;
    if meta.is_dir() {
        return fs::read_dir(path).ok()?.map(|entry| allocated(&entry.ok()?.path())).sum();
    }
    blocks(&meta).map(|blocks| 512 * blocks)
}

#[cfg(unix)]
fn blocks(meta: &fs::Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::blocks(meta))
}

#[cfg(not(unix))]
fn blocks(_: &fs::Metadata) -> Option<u64> {
    None
}
