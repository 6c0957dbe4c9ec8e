//! Whole models that lie, and requests that no model can meet: a message, not a picture, and the pipeline works on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use safetensors::{SafeTensors, tensor::TensorView};
use std::path::Path;
use tempfile::TempDir;
use tintype::{CancelToken, Picture, Pipeline, Request, Steps};
use tintype_tests::{copy_folder, model};

fn small() -> Request {
    Request {
        prompt: "a red heart".into(),
        width: Some(48),
        height: Some(32),
        steps: Some(Steps::Count(2)),
        max_sequence_length: Some(24),
        ..Request::default()
    }
}

fn open(root: &Path) -> Result<Pipeline, String> {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    Pipeline::open(root, device, Default::default()).map_err(|error| error.to_string())
}

fn generate(pipeline: &mut Pipeline, request: &Request) -> Result<Picture, String> {
    let made = pipeline.generate(request, &mut |_| {}, &CancelToken::default());
    made.map(|mut made| made.pictures.swap_remove(0)).map_err(|error| error.to_string())
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message:.2000}");
    }
    assert!(message.len() < 2000, "{} bytes of message", message.len());
}

/// A copy of a good model.
fn good() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&model("flux-base"), folder.path());
    folder
}

/// Overwrites the first element of every tensor of a file.
fn poison(file: &Path, value: f32) {
    let mut content = std::fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&content).unwrap();
    let base = content.as_ptr() as usize;
    let place = |(_, view): (String, TensorView<'_>)| view.data().as_ptr() as usize - base;
    let places: Vec<usize> = tensors.tensors().into_iter().map(place).collect();
    for at in places {
        content[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    std::fs::write(file, content).unwrap();
}

#[test]
fn weights_that_are_not_numbers_in_any_component() {
    for file in [
        "text_encoder/model.safetensors",
        "text_encoder_2/model.safetensors",
        "transformer/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ] {
        for value in [f32::NAN, f32::INFINITY] {
            let folder = good();
            poison(&folder.path().join(file), value);
            let told = generate(&mut open(folder.path()).unwrap(), &small()).unwrap_err();
            assert_says(&told, &["not finite", "weights may be damaged", "--dtype f32"]);
        }
    }
}

#[test]
fn sizes_counts_and_steps_that_no_machine_has() {
    let mut pipeline = open(&model("flux-base")).unwrap();
    let billion = 1_000_000_000;
    let mut says = |request: Request, parts: &[&str]| {
        assert_says(&generate(&mut pipeline, &request).unwrap_err(), parts);
    };
    says(Request { width: Some(billion), ..small() }, &["width is 1000000000", "nearest"]);
    says(Request { height: Some(usize::MAX), ..small() }, &["height is", "nearest"]);
    says(Request { steps: Some(Steps::Count(0)), ..small() }, &["steps is 0", "from 1"]);
    says(Request { steps: Some(Steps::Count(billion)), ..small() }, &["steps is 1000000000", "from 1"]);
    says(Request { steps: Some(Steps::Sigmas(vec![1.0; 200_000])), ..small() }, &["steps is 200000"]);
    says(Request { steps: Some(Steps::Sigmas(vec![f64::NAN])), ..small() }, &["sigmas is NaN"]);
    says(Request { count: Some(billion), ..small() }, &["count is 1000000000", "from 1"]);
    says(Request { batch_size: Some(usize::MAX), ..small() }, &["batch-size is", "from 1"]);
    says(Request { max_sequence_length: Some(billion), ..small() }, &["max-sequence-length is", "512"]);
    says(Request { guidance: Some(f64::INFINITY), ..small() }, &["guidance is inf", "finite"]);
    says(Request { true_cfg: Some(f64::NAN), ..small() }, &["true-cfg is NaN", "finite"]);
    says(Request { latents: Some(vec![0.0; 7]), ..small() }, &["latents is"]);
    says(Request { prompt: "a ".repeat(5 << 20), ..small() }, &["prompt", "10485760 bytes", "at most 65536"]);
    // The pipeline works on.
    generate(&mut pipeline, &small()).unwrap();
}

#[test]
fn pictures_to_start_from_that_are_not_their_size() {
    let mut pipeline = open(&model("flux-base")).unwrap();
    let mut says = |width, height, bytes, strength, part: &str| {
        let picture = Picture { width, height, rgb: vec![128; bytes], text: vec![] };
        let request = Request { image: Some((picture, strength)), ..small() };
        assert_says(&generate(&mut pipeline, &request).unwrap_err(), &[part]);
    };
    says(0, 0, 0, None, "image is");
    says(48, 32, 7, None, "image is");
    says(u32::MAX, u32::MAX, 7, None, "image is");
    says(48, 32, 48 * 32 * 3, Some(f64::NAN), "strength is NaN");
    says(48, 32, 48 * 32 * 3, Some(-1.0), "strength is -1");
    says(48, 32, 48 * 32 * 3, Some(1e9), "strength is 1000000000");
}

/// The folder's files may not be written, and are not.
#[cfg(unix)]
#[test]
fn a_folder_that_may_only_be_read_is_enough() {
    use std::os::unix::fs::PermissionsExt;
    fn set(folder: &Path, mode: u32) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                set(&entry.path(), mode);
            }
        }
        std::fs::set_permissions(folder, PermissionsExt::from_mode(mode)).unwrap();
    }
    let folder = good();
    set(folder.path(), 0o555);
    let made = open(folder.path()).and_then(|mut pipeline| generate(&mut pipeline, &small()));
    set(folder.path(), 0o755);
    made.unwrap();
}

/// An encoder with room for a million positions would have a mask of a million times a million.
#[test]
fn a_config_that_would_fill_the_memory_is_refused_before_anything_is_made() {
    let folder = good();
    let path = folder.path().join("text_encoder/config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["max_position_embeddings"] = 1_000_000.into();
    std::fs::write(&path, config.to_string()).unwrap();
    let told = open(folder.path()).err().unwrap();
    assert_says(
        &told,
        &["text_encoder/config.json", "`max_position_embeddings` is 1000000", "from 1 to 8192"],
    );
}

#[test]
fn every_file_of_a_model_left_out_cut_or_emptied() {
    fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => files(&path, found),
                path => found.push(path),
            }
        }
    }
    let folder = good();
    let mut all = Vec::new();
    files(folder.path(), &mut all);
    assert!(all.len() > 10);
    for file in all {
        let whole = std::fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        for content in [None, Some(&whole[..0]), Some(&whole[..whole.len() / 2])] {
            match content {
                Some(content) => std::fs::write(&file, content).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            match open(folder.path()).and_then(|mut pipeline| generate(&mut pipeline, &small())) {
                Err(told) => assert_says(&told, &[]),
                // What else is there may be enough: T5 has its tokenizer twice, settings have defaults, and a text
                // that is cut at the end of a line is a shorter text.
                Ok(_) => assert!(
                    [
                        "spiece.model",
                        "tokenizer.json",
                        "special_tokens_map.json",
                        "tokenizer_config.json",
                        "merges.txt"
                    ]
                    .contains(&name),
                    "{name} does not seem to be needed"
                ),
            }
        }
        std::fs::write(&file, &whole).unwrap();
    }
    generate(&mut open(folder.path()).unwrap(), &small()).unwrap();
}
