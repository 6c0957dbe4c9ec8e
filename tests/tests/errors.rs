//! Errors that a person can act on: each says what failed, where, and what to do, and leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use safetensors::Dtype;
use std::path::Path;
use tempfile::TempDir;
use tintype::{CancelToken, Pipeline, Request};
use tintype_tests::{cases, copy_folder, model, request_of, rewrite};

fn base() -> Request {
    let cases = cases();
    request_of(cases.iter().find(|case| case.case == "base").unwrap())
}

/// A copy of a good model, to be damaged.
fn good() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&model("flux-base"), folder.path());
    folder
}

/// The message of opening the folder and making a picture.
fn told(root: &Path, request: &Request) -> String {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let mut pipeline = match Pipeline::open(root, device, Default::default()) {
        Ok(pipeline) => pipeline,
        Err(error) => return error.to_string(),
    };
    match pipeline.generate(request, &mut |_| {}, &CancelToken::default()) {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error.to_string(),
    }
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

const TRANSFORMER: &str = "transformer/diffusion_pytorch_model.safetensors";

#[test]
fn a_missing_weight_is_named_with_the_nearest() {
    let folder = good();
    rewrite(&folder.path().join(TRANSFORMER), |tensors| {
        let tensor = tensors.remove("x_embedder.weight").unwrap();
        tensors.insert("x_embedding.weight".into(), tensor);
    });
    assert_says(
        &told(folder.path(), &base()),
        &["transformer", "lacks 1", "`x_embedder.weight` (there is `x_embedding.weight`)", "download"],
    );
}

#[test]
fn a_surplus_weight_is_named() {
    let folder = good();
    rewrite(&folder.path().join(TRANSFORMER), |tensors| {
        tensors.insert("lora.weight".into(), (Dtype::F32, vec![1], vec![0; 4]));
    });
    assert_says(
        &told(folder.path(), &base()),
        &["transformer", "does not use", "`lora.weight`", "config.json"],
    );
}

#[test]
fn a_misshapen_weight_is_named_with_both_shapes() {
    let folder = good();
    rewrite(&folder.path().join(TRANSFORMER), |tensors| {
        let (_, shape, _) = tensors.get_mut("x_embedder.weight").unwrap();
        shape.reverse();
    });
    assert_says(&told(folder.path(), &base()), &["`x_embedder.weight`", "it has shape", "the model wants"]);
}

#[test]
fn a_truncated_file_is_named() {
    let folder = good();
    let file = folder.path().join(TRANSFORMER);
    let content = std::fs::read(&file).unwrap();
    std::fs::write(&file, &content[..content.len() - 100]).unwrap();
    assert_says(
        &told(folder.path(), &base()),
        &["diffusion_pytorch_model.safetensors", "truncated", "again"],
    );
}

#[test]
fn weights_that_are_not_numbers_make_no_picture() {
    let folder = good();
    rewrite(&folder.path().join(TRANSFORMER), |tensors| {
        let (_, _, data) = tensors.get_mut("x_embedder.weight").unwrap();
        data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert_says(&told(folder.path(), &base()), &["not finite", "--dtype f32"]);
}

#[test]
fn unknown_classes_are_named_with_the_known() {
    let folder = good();
    let edit = |file: &str, from: &str, to: &str| {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    };
    edit("scheduler/scheduler_config.json", "FlowMatchEulerDiscreteScheduler", "LCMScheduler");
    assert_says(&told(folder.path(), &base()), &["`LCMScheduler`", "FlowMatchEulerDiscreteScheduler"]);
    edit("model_index.json", "\"FluxPipeline\"", "\"KandinskyPipeline\"");
    assert_says(&told(folder.path(), &base()), &["`KandinskyPipeline`", "FluxPipeline", "model_index.json"]);
}

#[test]
fn sizes_that_the_model_cannot_make_name_the_nearest() {
    let root = model("flux-base");
    let size = |width| told(&root, &Request { width: Some(width), ..base() });
    assert_says(&size(47), &["width is 47", "nearest"]);
    assert_says(&size(0), &["width is 0", "nearest"]);
    assert_says(&size(usize::MAX), &["width is", "nearest"]);
}

#[test]
fn numbers_out_of_range_are_refused_before_anything_runs() {
    let root = model("flux-base");
    let with = |request: Request| told(&root, &request);
    assert_says(&with(Request { count: Some(0), ..base() }), &["count is 0", "1 to"]);
    assert_says(
        &with(Request { max_sequence_length: Some(513), ..base() }),
        &["max-sequence-length is 513", "512"],
    );
    assert_says(&with(Request { guidance: Some(f64::NAN), ..base() }), &["guidance is NaN", "finite"]);
    let steps = |n| Some(tintype::Steps::Count(n));
    assert_says(&with(Request { steps: steps(0), ..base() }), &["steps is 0"]);
    assert_says(&with(Request { steps: steps(1_000_000_000), ..base() }), &["steps is 1000000000"]);
}

#[test]
fn a_folder_that_is_no_model_says_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "").unwrap();
    assert_says(&told(folder.path(), &base()), &["no model_index.json", "notes.txt"]);
    assert_says(&told(&folder.path().join("none"), &base()), &["missing", "model_index.json"]);
}

#[test]
fn components_of_different_models_are_refused() {
    let folder = good();
    copy_folder(&model("flux-draw2").join("vae"), &folder.path().join("vae"));
    copy_folder(&model("flux-draw2").join("text_encoder_2"), &folder.path().join("text_encoder_2"));
    assert_says(&told(folder.path(), &base()), &["config.json", "mixes components"]);
}

#[test]
fn a_cancelled_run_stops_before_its_next_step() {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let mut pipeline = Pipeline::open(&model("flux-base"), device, Default::default()).unwrap();
    let cancel = CancelToken::default();
    let token = cancel.clone();
    let mut steps = 0;
    let mut watch = |event| {
        if matches!(event, tintype::Event::Step { .. }) {
            steps += 1;
            token.cancel();
        }
    };
    let request = Request { steps: Some(tintype::Steps::Count(50)), ..base() };
    let result = pipeline.generate(&request, &mut watch, &cancel);
    assert!(matches!(result, Err(tintype::Error::Cancelled)));
    assert!(steps < 5, "{steps} steps were told after the first");
    // The pipeline works on.
    pipeline.generate(&base(), &mut |_| {}, &CancelToken::default()).unwrap();
}

#[test]
fn unknown_backends_and_devices_are_named_with_the_known() {
    let open = |backend, device| match tintype::backends().open(backend, device, &Default::default()) {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error.to_string(),
    };
    assert_says(&open("abacus", None), &["`abacus`", "`cpu`"]);
    assert_says(&open("cpu", Some("7")), &["`7`", "`cpu:0`"]);
}
