//! `--vae-tile`: recorded, repeated, forecast.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{fail, keyword, model, read, small, succeed, text, tintype};
use std::path::Path;
use std::process::Output;

const LARGE: [&str; 8] = ["--width", "128", "--height", "96", "--steps", "1", "--max-sequence-length", "24"];

fn with_model(folder: &Path, start: &[&str], more: &[&str]) -> Output {
    let model = model("flux-base");
    tintype(folder, &[start, &["--model", model.to_str().unwrap()], more].concat())
}

fn large(folder: &Path, more: &[&str]) -> Output {
    succeed(with_model(folder, &["generate", "a heart"], &[&LARGE[..], more].concat()))
}

#[test]
fn tiles_are_recorded_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    large(folder, &["-o", "whole.png"]);
    let told = large(folder, &["--vae-tile", "64", "-o", "tiled.png"]);
    assert!(!text(&told.stderr).contains("warning"), "what was asked for is no news");
    let (whole, tiled) = (read(folder, "whole.png"), read(folder, "tiled.png"));
    assert!(keyword(&whole, "tintype").contains("\"vae_tile\":null"));
    assert!(keyword(&tiled, "tintype").contains("\"vae_tile\":64"));
    assert_ne!(whole.rgb, tiled.rgb);
    succeed(with_model(folder, &["generate", "--from", "tiled.png"], &["-o", "again.png"]));
    assert_eq!(read(folder, "again.png"), tiled);
    let off = ["--vae-tile", "off", "-o", "off.png"];
    succeed(with_model(folder, &["generate", "--from", "tiled.png"], &off));
    assert_eq!(read(folder, "off.png"), whole);
}

#[test]
fn a_tile_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for wrong in ["on", "-1", "64px", ""] {
        let option = format!("--vae-tile={wrong}");
        let arguments = small(&["generate", "a"], &[&option]);
        let told = fail(tintype(folder, &arguments), 2);
        assert!(told.contains("such as 512, or auto or off"), "{told}");
    }
    let told = fail(tintype(folder, &small(&["generate", "a"], &["--vae-tile", "100"])), 1);
    assert!(told.contains("vae-tile is 100") && told.contains("96 and 112"), "{told}");
}

#[test]
fn a_forecast_says_the_tiles() {
    let folder = tempfile::tempdir().unwrap();
    let more = [&LARGE[..], &["--backend", "cpu", "--vae-tile", "64"]].concat();
    let told = text(&succeed(with_model(folder.path(), &["inspect"], &more)).stdout);
    assert!(told.contains("decoding in 3 x 2 tiles of 64 pixels that overlap by 16"), "{told}");
    let runs = |line: &str| line.split_whitespace().take(2).eq(["vae.decoder", "6"]);
    assert!(told.lines().any(runs), "{told}");
}
