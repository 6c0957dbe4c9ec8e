//! Parameters are named and shaped as in the checkpoints that diffusers and transformers write.

// A test says what failed by panicking; helpers outside `#[test]` functions do too.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tintype_models::{clip, flux, t5, vae};
use tintype_program::{DType, Program};

type Shapes = BTreeMap<String, Vec<usize>>;

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = folders.filter(|path| path.join("transformer/config.json").exists()).collect();
    assert!(!folders.is_empty());
    folders
}

/// Names and shapes from the headers of a component's safetensors files.
fn stored(component: &Path) -> Shapes {
    let mut shapes = Shapes::new();
    for entry in fs::read_dir(component).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "safetensors") {
            continue;
        }
        let bytes = fs::read(path).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        for (name, tensor) in header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__") {
            shapes.insert(name.clone(), serde_json::from_value(tensor["shape"].clone()).unwrap());
        }
    }
    shapes
}

fn traced(programs: &[Program]) -> Shapes {
    let shape = |program: &Program, param: &tintype_program::Param| {
        (param.name.clone(), program.entry().ty(param.value).shape.clone())
    };
    programs
        .iter()
        .flat_map(|program| program.entry().params.iter().map(move |p| shape(program, p)))
        .collect()
}

fn config(component: &Path) -> String {
    fs::read_to_string(component.join("config.json")).unwrap()
}

#[test]
fn the_fixtures_denoisers() {
    for folder in fixtures() {
        let component = folder.join("transformer");
        let config = flux::Config::from_json(&config(&component)).unwrap();
        let sizes = flux::Sizes { batch: 1, text_tokens: 3, image_tokens: 4 };
        let program = flux::program(&config, sizes, DType::F32).unwrap();
        assert_eq!(traced(&[program]), stored(&component), "{}", folder.display());
    }
}

#[test]
fn the_fixtures_clip_encoders() {
    for folder in fixtures() {
        let component = folder.join("text_encoder");
        let config = clip::Config::from_json(&config(&component)).unwrap();
        let stored = stored(&component);
        let prefix = stored.keys().all(|name| name.starts_with("text_model.")).then_some("text_model");
        let program = clip::program(&config, prefix, 1, 5, DType::F32).unwrap();
        assert_eq!(traced(&[program]), stored, "{}", folder.display());
    }
}

#[test]
fn the_fixtures_t5_encoders() {
    for folder in fixtures() {
        let component = folder.join("text_encoder_2");
        let config = t5::Config::from_json(&config(&component)).unwrap();
        let stored = stored(&component);
        let name = match stored.contains_key("shared.weight") {
            true => t5::EmbeddingName::Shared,
            false => t5::EmbeddingName::EmbedTokens,
        };
        let program = t5::program(&config, name, 1, 5, DType::F32).unwrap();
        assert_eq!(traced(&[program]), stored, "{}", folder.display());
    }
}

#[test]
fn the_fixtures_autoencoders() {
    for folder in fixtures() {
        let component = folder.join("vae");
        let config = vae::Config::from_json(&config(&component)).unwrap();
        let names = vae::AttentionNames::Current;
        let encoder = vae::encoder_program(&config, names, [1, 32, 48], DType::F32).unwrap();
        let decoder = vae::decoder_program(&config, names, [1, 4, 6], DType::F32).unwrap();
        assert_eq!(traced(&[encoder, decoder]), stored(&component), "{}", folder.display());
    }
}
