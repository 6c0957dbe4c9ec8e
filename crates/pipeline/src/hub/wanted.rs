//! What a pipeline needs of a repository's files.

use super::api::Listed;
use crate::Result;
use crate::folder::read_json;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// What says which components a pipeline has.
pub(super) const INDEX: &str = "model_index.json";
/// Defaults of a model's maker, in the root.
const DEFAULTS: &str = "tintype.json";
/// The names that weights have, whichever library made them.
const STEMS: [&str; 2] = ["diffusion_pytorch_model", "model"];

/// The components that a `model_index.json` lists and does not leave out.
pub(super) fn components(index: &Path) -> Result<BTreeSet<String>> {
    let entries: Map<String, Value> = read_json(index)?;
    let present = |value: &Value| value.get(1).is_some_and(Value::is_string);
    Ok(entries.iter().filter(|(_, value)| present(value)).map(|(name, _)| name.clone()).collect())
}

/// The files to download, small ones first: configs and tokenizers, and one set of safetensors for each component that
/// is not in `without`. No other formats, no variants (`model.fp16.safetensors`), no single-file duplicates.
pub(super) fn files<'f>(
    all: &'f [Listed],
    components: &BTreeSet<String>,
    without: &[&str],
) -> Vec<&'f Listed> {
    let whole = |folder: &str, stem: &str| {
        let name = format!("{folder}/{stem}.safetensors");
        all.iter().any(|file| file.path == name)
    };
    let wanted = |file: &&Listed| {
        let Some((folder, name)) = file.path.split_once('/') else { return file.path == DEFAULTS };
        if !components.contains(folder) || name.contains('/') {
            return false;
        }
        let Some((stem, index)) = weights(name) else {
            return [".json", ".txt", ".model"].iter().any(|end| name.ends_with(end))
                && !name.ends_with(".index.json");
        };
        // Where the whole and its shards are both there, the whole is what is read.
        !without.contains(&folder) && (!index || !whole(folder, stem))
    };
    let mut files: Vec<&Listed> = all.iter().filter(wanted).collect();
    files.sort_by_key(|file| (file.path.ends_with(".safetensors"), &file.path));
    files
}

/// The stem of a weights file or its index, and whether it is one of shards or their index.
fn weights(name: &str) -> Option<(&str, bool)> {
    STEMS.into_iter().find_map(|stem| match name.strip_prefix(stem)? {
        ".safetensors" => Some((stem, false)),
        ".safetensors.index.json" => Some((stem, true)),
        shard => {
            let (number, of) = shard.strip_prefix('-')?.strip_suffix(".safetensors")?.split_once("-of-")?;
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            (digits(number) && digits(of)).then_some((stem, true))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], without: &[&str]) -> Vec<String> {
        let all: Vec<Listed> = names.iter().map(|n| Listed { path: n.to_string(), size: None }).collect();
        let components = ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"];
        let components = components.map(str::to_owned).into();
        files(&all, &components, without).iter().map(|file| file.path.clone()).collect()
    }

    #[test]
    fn a_published_repository_gives_one_set_of_files() {
        let published = [
            ".gitattributes",
            "LICENSE.md",
            "README.md",
            "ae.safetensors",
            "dev_grid.jpg",
            "flux1-dev.safetensors",
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.fp16.safetensors",
            "text_encoder/model.safetensors",
            "text_encoder/pytorch_model.bin",
            "text_encoder/flax_model.msgpack",
            "tokenizer/merges.txt",
            "tokenizer/onnx/model.json",
            "tokenizer/spiece.model",
            "safety_checker/config.json",
            "transformer/config.json",
            "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
            "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
            "transformer/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
            "transformer/diffusion_pytorch_model.safetensors.index.json",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors",
            "vae/diffusion_pytorch_model.safetensors.index.json",
            "vae/diffusion_pytorch_model-00001-of-00001.safetensors",
        ];
        let small = [
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "tokenizer/merges.txt",
            "tokenizer/spiece.model",
            "transformer/config.json",
            "transformer/diffusion_pytorch_model.safetensors.index.json",
            "vae/config.json",
        ];
        let large = [
            "text_encoder/model.safetensors",
            "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
            "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
            "vae/diffusion_pytorch_model.safetensors",
        ];
        assert_eq!(chosen(&published, &[]), [&small[..], &large[..]].concat());
        let without = chosen(&published, &["transformer"]);
        assert_eq!(without.len(), small.len() + large.len() - 3, "{without:?}");
        assert!(without.contains(&"transformer/config.json".to_owned()));
    }
}
