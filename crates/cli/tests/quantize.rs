//! `--quantize`: what it changes in a picture, what a picture says of it, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, keyword, read, succeed, text};
use std::path::Path;

const SIZE: [&str; 8] = ["--width", "64", "--height", "64", "--steps", "4", "--dtype", "f32"];

fn draw(folder: &Path, output: &str, more: &[&str]) -> serde_json::Value {
    let start = ["generate", "a red apple", "--backend", "cpu", "--json", "-o", output];
    let told = succeed(command(folder, &[&start[..], &SIZE, more].concat()).output().unwrap());
    serde_json::from_slice(&told.stdout).unwrap()
}

/// Peak signal over noise of one picture beside another, in dB.
fn likeness(folder: &Path, one: &str, other: &str) -> f64 {
    let (a, b) = (read(folder, one), read(folder, other));
    let squares: f64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.rgb.len() as f64 / squares.max(1e-9)).log10()
}

#[test]
fn a_quantized_picture_is_nearly_the_same_and_says_how_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    draw(at, "plain.png", &[]);
    let mut likenesses = Vec::new();
    for how in ["fp8-row", "fp8-tensor"] {
        let output = format!("{how}.png");
        draw(at, &output, &["--quantize", how]);
        let picture = read(at, &output);
        assert!(keyword(&picture, "tintype").contains(&format!("\"quantize\":\"{how}\"")), "{how}");
        likenesses.push(likeness(at, "plain.png", &output));
    }
    println!("fp8-row {:.1} dB, fp8-tensor {:.1} dB beside f32", likenesses[0], likenesses[1]);
    assert!(likenesses.iter().all(|likeness| (25.0..60.0).contains(likeness)), "{likenesses:?}");
    assert!(!keyword(&read(at, "plain.png"), "tintype").contains("quantize"));

    // Its settings make it again, to the bit.
    let again = ["generate", "--from", "fp8-row.png", "--backend", "cpu", "-o", "again.png"];
    succeed(command(at, &again).output().unwrap());
    assert_eq!(read(at, "again.png").rgb, read(at, "fp8-row.png").rgb);
    succeed(command(at, &[&again[..6], &["off.png", "--quantize", "off"]].concat()).output().unwrap());
    assert_eq!(read(at, "off.png").rgb, read(at, "plain.png").rgb);
}

#[test]
fn what_is_not_quantized_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |arguments: &[&str], code| fail(command(folder.path(), arguments).output().unwrap(), code);
    let unknown = told(&["generate", "x", "--quantize", "int3", "-o", "x.png"], 2);
    assert!(unknown.contains("int3") && unknown.contains("fp8-row, fp8-tensor, off"), "{unknown}");
    let vae = told(&["bench", "vae", "--preset", "tiny", "--quantize", "fp8-row"], 1);
    let fma = told(&["bench", "fma", "--quantize", "fp8-row"], 1);
    assert!(fma.contains("no effect"), "{fma}");
    assert!(vae.contains("vae") && vae.contains("transformer, pipeline"), "{vae}");
}

#[test]
fn quantized_weights_take_less_by_the_plan_too() {
    let folder = tempfile::tempdir().unwrap();
    let weights = |more: &[&str]| {
        let start = ["inspect", "--backend", "cpu", "--json", "--dtype", "f32"];
        let told = succeed(command(folder.path(), &[&start[..], more].concat()).output().unwrap());
        text(&told.stdout)
    };
    let (plain, quantized) = (weights(&[]), weights(&["--quantize", "fp8-row"]));
    assert!(quantized.contains("\"quantize\"") && !plain.contains("\"quantize\""));
    let peak = |text: &str| -> u64 {
        let report: serde_json::Value = serde_json::from_str(text).unwrap();
        report["devices"][0]["forecast"]["peak"].as_u64().unwrap_or_else(|| panic!("{text}"))
    };
    assert!(peak(&quantized) < peak(&plain));
}
