//! `check` lists all that is wrong with a model's weights, not the first thing only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use safetensors::Dtype;
use std::path::Path;
use tempfile::TempDir;
use tintype::pipeline::inspect::{Checked, Problem, check};
use tintype::{CancelToken, Error};
use tintype_tests::{copy_folder, model, rewrite};

fn good() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&model("flux-base"), folder.path());
    folder
}

fn checked(folder: &Path) -> Checked {
    check(folder, &CancelToken::default(), &mut |_, _| {}).unwrap()
}

/// Every problem in words.
fn told(folder: &Path) -> Vec<String> {
    checked(folder).problems.iter().map(ToString::to_string).collect()
}

fn zeros(shape: &[usize]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::F32, shape.to_vec(), vec![0; 4 * shape.iter().product::<usize>()])
}

#[test]
fn every_problem_is_listed() {
    let folder = good();
    rewrite(&folder.path().join("transformer/diffusion_pytorch_model.safetensors"), |tensors| {
        let (_, _, bytes) = tensors.get_mut("x_embedder.weight").unwrap();
        bytes[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
        bytes[40..44].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
        let misspelt = tensors.remove("context_embedder.weight").unwrap();
        tensors.insert("context_embeder.weight".into(), misspelt);
        tensors.insert("x_embedder.bias".into(), zeros(&[7]));
        tensors.insert("proj_out.bias".into(), (Dtype::I64, vec![64], vec![1; 512]));
    });
    rewrite(&folder.path().join("vae/diffusion_pytorch_model.safetensors"), |tensors| {
        let (_, shape, bytes) = tensors.get_mut("decoder.conv_out.bias").unwrap();
        assert_eq!(shape, &[3]);
        bytes.fill(0);
        bytes[3] = 0x80;
        tensors.remove("encoder.conv_in.bias");
    });
    let problems = told(folder.path());
    let expected = [
        "transformer: `context_embedder.weight` [24, 24] is missing",
        "transformer: `proj_out.bias` is stored as I64; f32, f16 and bf16 are read",
        "transformer: `x_embedder.bias` has shape [7]; the model wants [24]",
        "transformer: `context_embeder.weight` [24, 24] is not used by the model",
        "vae: `encoder.conv_in.bias` [4] is missing",
        "transformer: `x_embedder.weight` holds 2 values that are not finite, the first at 2",
    ];
    assert_eq!(problems, expected);
    let zero: Vec<_> = checked(folder.path()).zeros.into_iter().map(|zero| zero.tensor).collect();
    assert!(
        zero.contains(&"x_embedder.bias".into()) && zero.contains(&"decoder.conv_out.bias".into()),
        "{zero:?}"
    );
}

#[test]
fn what_does_not_open_is_one_problem_among_others() {
    let folder = good();
    std::fs::write(folder.path().join("vae/diffusion_pytorch_model.safetensors"), "no weights").unwrap();
    std::fs::write(folder.path().join("text_encoder/config.json"), "{").unwrap();
    rewrite(&folder.path().join("text_encoder_2/model.safetensors"), |tensors| {
        let (_, _, bytes) = tensors.values_mut().next().unwrap();
        bytes[..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    });
    let problems = told(folder.path());
    let all = problems.join("\n");
    assert_eq!(problems.len(), 3, "{all}");
    assert!(all.contains("text_encoder/config.json: "), "{all}");
    assert!(all.contains("vae/diffusion_pytorch_model.safetensors: not a safetensors file"), "{all}");
    assert!(all.contains("text_encoder_2: ") && all.contains("holds 1 values that are not finite"), "{all}");
}

#[test]
fn files_that_were_never_filled_are_a_problem() {
    let folder = good();
    rewrite(&folder.path().join("text_encoder/model.safetensors"), |tensors| {
        tensors.values_mut().for_each(|(_, _, bytes)| bytes.fill(0));
    });
    let problems = told(folder.path());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("text_encoder: all ") && problems[0].contains("download them again"));
}

#[test]
fn a_check_can_be_cancelled_and_needs_a_model() {
    let cancel = CancelToken::default();
    cancel.cancel();
    let cancelled = check(&model("flux-base"), &cancel, &mut |_, _| {});
    assert!(matches!(cancelled, Err(Error::Cancelled)));
    let folder = tempfile::tempdir().unwrap();
    assert!(check(folder.path(), &CancelToken::default(), &mut |_, _| {}).is_err());
}

#[test]
fn problems_are_told_apart_in_json() {
    let problem = Problem::Missing { component: "vae".into(), tensor: "a".into(), shape: vec![1, 2] };
    let json = serde_json::to_value(&problem).unwrap();
    let expected =
        serde_json::json!({ "problem": "missing", "component": "vae", "tensor": "a", "shape": [1, 2] });
    assert_eq!(json, expected);
}
