//! A model that is part of the program, and the defaults that a model brings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use tintype::pipeline::folder::{EmbeddedFile, Location, ModelFolder};
use tintype::pipeline::recipe::Recipe;
use tintype::{CancelToken, DType, Generated, Pipeline, PipelineOptions, Request, Steps};
use tintype_tests::{copy_folder, model};

/// A folder's files as a program would have them in it.
fn embed(folder: &Path) -> &'static [EmbeddedFile] {
    fn walk(root: &Path, folder: &Path, files: &mut Vec<EmbeddedFile>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name.leak(), fs::read(&path).unwrap().leak()));
            }
        }
    }
    let mut files = Vec::new();
    walk(folder, folder, &mut files);
    files.leak()
}

fn open(location: &Location) -> Result<Pipeline, String> {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    Pipeline::open(location, device, PipelineOptions::default()).map_err(|error| error.to_string())
}

fn draw(location: &Location, request: &Request) -> Result<Generated, String> {
    let made = open(location)?.generate(request, &mut |_| {}, &CancelToken::default());
    made.map_err(|error| error.to_string())
}

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

#[test]
fn an_embedded_model_draws_what_its_folder_draws() {
    // Every file layout: plain, shards behind an index, tokenizer.json only.
    for name in ["flux-base", "flux-sharded", "flux-tokenizer-json"] {
        let embedded = Location::embedded(name, embed(&model(name)));
        let ours = draw(&embedded, &small()).unwrap();
        let theirs = draw(&Location::from(&model(name)), &small()).unwrap();
        assert!(ours.pictures[0] == theirs.pictures[0], "{name}");
    }
}

#[test]
fn what_is_missing_is_said_as_of_a_folder() {
    let whole = embed(&model("flux-base"));
    let without = |missing: &str| {
        let files: Vec<_> = whole.iter().filter(|(path, _)| !path.starts_with(missing)).copied().collect();
        open(&Location::embedded("built-in", files.leak())).err().unwrap()
    };
    let cases = [
        ("model_index.json", "built-in holds no model_index.json (it holds scheduler, "),
        ("vae/config.json", "built-in/vae/config.json"),
        ("transformer/diffusion", "built-in/transformer holds no weights"),
        ("text_encoder/", "`text_encoder` has no folder"),
    ];
    for (missing, expected) in cases {
        let told = without(missing);
        assert!(told.contains(expected), "{missing}: {told}");
    }
}

#[test]
fn a_model_brings_its_defaults_and_a_request_overrides_them() {
    let scratch = tempfile::tempdir().unwrap();
    copy_folder(&model("flux-base"), scratch.path());
    let write = |text: &str| fs::write(scratch.path().join("tintype.json"), text).unwrap();
    let root = Location::from(scratch.path());
    write(
        r#"{"width":32,"height":48,"steps":3,"guidance":2.0,"true_cfg":1.5,"negative":"","max_sequence_length":16,
            "dtype":"bf16"}"#,
    );
    let own = draw(&root, &Request { prompt: "a heart".into(), ..Request::default() }).unwrap().settings;
    assert_eq!((own.width, own.height, own.steps, own.max_sequence_length), (32, 48, 3, 16));
    assert_eq!((own.guidance, own.true_cfg, own.negative.as_deref()), (Some(2.0), Some(1.5), Some("")));
    assert_eq!((own.dtype.as_str(), own.noise_dtype.as_str()), ("bf16", "bf16"));

    let asked = Request { guidance: Some(4.0), true_cfg: Some(1.0), ..small() };
    let asked = draw(&root, &asked).unwrap().settings;
    assert_eq!((asked.width, asked.height, asked.steps, asked.max_sequence_length), (48, 32, 2, 24));
    assert_eq!((asked.guidance, asked.true_cfg, asked.negative), (Some(4.0), None, None));
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let options = PipelineOptions { dtype: Some(DType::F32), ..PipelineOptions::default() };
    assert_eq!(Pipeline::open(&root, device, options).unwrap().dtype(), DType::F32);

    // A picture that is made again keeps guidance off, whatever the model would take.
    let off = Request { true_cfg: Some(1.0), ..small() };
    let off = draw(&root, &off).unwrap();
    let again = Recipe::of(&off.pictures[0]).unwrap().unwrap().request;
    assert_eq!((off.settings.true_cfg, again.true_cfg), (None, Some(1.0)));
    assert!(draw(&root, &again).unwrap().pictures == off.pictures);

    for (text, field) in [
        (r#"{"widht":32}"#, "`widht`"),
        (r#"{"steps":0}"#, "`steps` is 0"),
        (r#"{"width":40}"#, "`width` is 40; this model makes multiples of 16"),
    ] {
        write(text);
        let told = open(&root).err().unwrap();
        assert!(told.contains(field) && told.contains("tintype.json"), "{text}: {told}");
    }
    fs::remove_file(scratch.path().join("tintype.json")).unwrap();
    assert!(ModelFolder::open(&root).unwrap().defaults().width.is_none());
}
