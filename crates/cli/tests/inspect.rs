//! `tintype inspect` as a person and as a script see it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tintype_tests::full_size::{Published, has_sparse_files};
use tintype_tests::{copy_folder, model};

/// Runs with a cache folder of its own.
fn tintype(cache: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.args(arguments).current_dir(cache).env("XDG_CACHE_HOME", cache).output().unwrap()
}

fn inspect(cache: &Path, model: &Path, more: &[&str]) -> Output {
    let arguments = [&["inspect", "--model", model.to_str().unwrap()], more].concat();
    tintype(cache, &arguments)
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap()
}

const SMALL: [&str; 6] = ["--width", "64", "--height", "48", "--max-sequence-length", "24"];

fn full_size(which: Published) -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    if !has_sparse_files(folder.path()) {
        println!("skipped {}: files cannot have holes in {}", which.name(), folder.path().display());
        return None;
    }
    which.write(folder.path()).unwrap();
    Some(folder)
}

#[test]
fn a_full_size_model_is_described_without_its_weights() {
    let cache = tempfile::tempdir().unwrap();
    let Some(folder) = full_size(Published::Dev) else { return };
    let told = text(&inspect(cache.path(), folder.path(), &["--backend", "cpu"]));
    for line in [
        "FluxPipeline, fingerprint ",
        "text_encoder_2  T5EncoderModel          bf16           4.76 G  8.87 GiB      2",
        "transformer     FluxTransformer2DModel  bf16           11.9 G  22.2 GiB      3",
        "1024 x 1024 pixels, 28 steps, 512 text tokens, bf16",
        "transformer.conditioning     1",
        "transformer                 28   74.6 TFLOP",
        "measured: not yet, at these settings",
    ] {
        assert!(told.contains(line), "`{line}` is missing in:\n{told}");
    }
    assert!(told.contains("denoising") && told.contains("a step, "), "{told}");
}

#[test]
fn json_holds_everything() {
    let cache = tempfile::tempdir().unwrap();
    let more =
        [&SMALL[..], &["--json", "--batch-size", "2", "--true-cfg", "2", "--strength", "0.5"]].concat();
    let report = json(&inspect(cache.path(), &model("flux-sharded"), &more));
    assert_eq!(report["model"]["components"][2]["name"], "transformer");
    assert_eq!(report["model"]["components"][2]["files"].as_array().unwrap().len(), 5);
    assert_eq!(report["work"]["asked"]["batch_size"], 2);
    assert_eq!(report["work"]["asked"]["true_cfg"], true);
    let stages: Vec<_> =
        report["work"]["stages"].as_array().unwrap().iter().map(|s| s["name"].clone()).collect();
    let [conditioning, denoiser] = ["transformer.conditioning", "transformer"];
    let expected = ["text_encoder", "text_encoder_2", "vae.encoder", conditioning, denoiser, "vae.decoder"];
    assert_eq!(stages, expected);
    let device = &report["devices"][0];
    assert_eq!(
        (device["label"].as_str(), device["forecast"]["exact"].as_bool()),
        (Some("cpu:0"), Some(true))
    );
    assert_eq!(device["forecast"]["phases"][1]["phase"], "image_encoding");
    assert!(device["forecast"]["peak"].as_u64().unwrap() > 0);
    assert!(device["forecast"]["prediction"]["step"].as_f64().unwrap() > 0.0);
    assert!(device["measured"].is_null());
}

#[test]
fn what_generate_measured_is_shown_for_the_same_settings() {
    let cache = tempfile::tempdir().unwrap();
    let folder = model("flux-base");
    let made =
        [&["generate", "a red heart", "--model", folder.to_str().unwrap(), "--steps", "4"], &SMALL[..]];
    assert!(tintype(cache.path(), &made.concat()).status.success());
    assert!(cache.path().join("tintype/timings.json").is_file());
    let told = |more: &[&str]| text(&inspect(cache.path(), &folder, &[&SMALL[..], more].concat()));
    assert!(told(&[]).contains("measured on 20"), "{}", told(&[]));
    for other in [["--dtype", "bf16"], ["--launch", "eager"], ["--threads", "1"], ["--batch-size", "2"]] {
        assert!(told(&other).contains("measured: not yet"), "{other:?}");
    }
    std::fs::write(cache.path().join("tintype/timings.json"), "{").unwrap();
    let damaged = inspect(cache.path(), &folder, &SMALL);
    assert!(String::from_utf8_lossy(&damaged.stderr).contains("warning: no measured times"), "{damaged:?}");
    assert!(text(&damaged).contains("measured: not yet"));
}

#[test]
fn programs_are_printed_block_by_block() {
    let cache = tempfile::tempdir().unwrap();
    let program = |more: &[&str]| inspect(cache.path(), &model("flux-base"), &[&SMALL[..], more].concat());
    let step = text(&program(&["--program", "transformer"]));
    for part in [
        "# transformer\n\nblock flux_double, 2 runs, ",
        "block flux_step, 1 run, ",
        "@attn.to_q.weight, @attn.to_q.bias",
        "\n# transformer.conditioning\n\nblock flux_conditioning, 1 run, ",
        "@transformer_blocks.0.norm1.linear.weight, @transformer_blocks.0.norm1.linear.bias",
        "; transformer_blocks.0.*)",
        "update latents = ",
    ] {
        assert!(step.contains(part), "`{part}` is missing in:\n{step}");
    }
    let both = text(&program(&["--program", "vae"]));
    assert!(both.contains("# vae.decoder") && both.contains("# vae.encoder"));
    let all = json(&program(&["--json", "--program"]));
    assert_eq!(all.as_object().unwrap().len(), 6);
    tintype::program::Program::from_json(&all["text_encoder"].to_string()).unwrap();
    let wrong = program(&["--program", "unet"]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && told.contains("text_encoder, text_encoder_2, vae.encoder"), "{told}");
}

#[test]
fn whoever_stops_reading_is_not_told_off() {
    let folder = model("flux-base");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.args(["inspect", "--model", folder.to_str().unwrap(), "--program"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_check_exits_with_1_where_something_is_wrong() {
    let cache = tempfile::tempdir().unwrap();
    let good = inspect(cache.path(), &model("flux-base"), &["--check"]);
    assert!(text(&good).starts_with("nothing is wrong: 345 tensors, "), "{}", text(&good));
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&model("flux-base"), folder.path());
    let weights = folder.path().join("vae/diffusion_pytorch_model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    // The last two elements of the last tensor.
    let end = bytes.len();
    bytes[end - 8..].copy_from_slice(&[f32::NAN.to_le_bytes(), f32::INFINITY.to_le_bytes()].concat());
    std::fs::write(&weights, bytes).unwrap();
    let bad = inspect(cache.path(), folder.path(), &["--check"]);
    let told = String::from_utf8(bad.stdout).unwrap();
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        told.contains("holds 2 values that are not finite, the first at ") && told.contains("1 problem: ")
    );
    let bad = inspect(cache.path(), folder.path(), &["--check", "--json"]);
    let report: Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!((bad.status.code(), report["problems"][0]["problem"].as_str()), (Some(1), Some("not_finite")));
}

#[test]
fn what_cannot_be_made_is_refused_with_a_remedy() {
    let cache = tempfile::tempdir().unwrap();
    let told = |more: &[&str]| {
        let output = inspect(cache.path(), &model("flux-base"), more);
        assert!(!output.status.success(), "{more:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(told(&["--width", "65"]).contains("the nearest is 64 or 80"), "{}", told(&["--width", "65"]));
    assert!(told(&["--backend", "nothing"]).contains("there is no backend `nothing`"));
    assert!(told(&["--batch-size", "0"]).contains("count is 0"), "{}", told(&["--batch-size", "0"]));
    assert!(told(&["--check", "--program"]).contains("cannot be used with"));
}
