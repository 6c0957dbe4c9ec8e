//! The model that Tintype has in the box: the files of this crate's own folder, which is in the diffusers layout.
//!
//! Python opens the same folder: `FluxPipeline.from_pretrained("models/emoji")`.

#![forbid(unsafe_code)]

/// Tensors are read where they lie in the program, so a file begins where any element may. Its header has a length that
/// keeps it so.
#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, {
            static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!("../", $path)));
            &FILE.0
        })),*]
    };
}

/// The model's files: paths within its folder, and content.
pub static FILES: &[(&str, &[u8])] = files![
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "text_encoder_2/config.json",
    "text_encoder_2/model.safetensors",
    "tintype.json",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "tokenizer_2/special_tokens_map.json",
    "tokenizer_2/spiece.model",
    "tokenizer_2/tokenizer.json",
    "tokenizer_2/tokenizer_config.json",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What lies in the folder beside the model: this crate, and what is for people.
    const BESIDE: [&str; 5] = ["Cargo.toml", "src", "README.md", "NOTICE.md", "target"];

    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            if BESIDE.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_model_is_listed_and_lies_aligned() {
        let (root, mut found) = (Path::new(env!("CARGO_MANIFEST_DIR")), Vec::new());
        walk(root, root, &mut found);
        found.sort();
        let mut listed: Vec<_> = FILES.iter().map(|(path, _)| path.to_string()).collect();
        listed.sort();
        assert_eq!(listed, found, "list the model's files in `FILES`:\nfiles!{found:#?}");
        assert!(FILES.iter().all(|(_, bytes)| bytes.as_ptr().addr() % 64 == 0));
    }
}
