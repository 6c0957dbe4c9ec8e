//! `--from`: a picture is made again from what its file says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{fail, files, generate, keyword, model, read, small, succeed, text, tintype};
use std::path::Path;
use std::process::Output;
use tintype::pipeline::files::write_picture;

fn from(folder: &Path, picture: &str, more: &[&str]) -> Output {
    let model = model("flux-base");
    tintype(folder, &[&["generate", "--from", picture, "--model", model.to_str().unwrap()], more].concat())
}

#[test]
fn a_picture_is_made_again_to_the_pixel() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let options =
        ["--seed", "7", "--negative", "blurry", "--true-cfg", "2.5", "--guidance", "4.25", "--noise-dtype"];
    for (name, more) in [
        ("plain.png", &["--seed", "3"][..]),
        ("all.png", &[&options[..], &["bf16"]].concat()),
        ("half.png", &["--dtype", "bf16"]),
        ("kept.jpg", &["--seed", "4", "--quality", "80"]),
        ("kept.webp", &["--seed", "5"]),
    ] {
        generate(folder, &[more, &["-o", name]].concat());
        let told = succeed(from(folder, name, &["-o", "again.png"]));
        assert!(!text(&told.stderr).contains("warning"), "{}", text(&told.stderr));
        let (first, again) = (read(folder, name), read(folder, "again.png"));
        assert_eq!(keyword(&first, "tintype"), keyword(&again, "tintype"));
        if !name.ends_with("jpg") {
            assert_eq!(first.rgb, again.rgb, "{name}");
        }
    }
}

#[test]
fn sigmas_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let model = model("flux-base");
    let start =
        ["generate", "a heart", "--model", model.to_str().unwrap(), "--width", "32", "--height", "32"];
    succeed(tintype(folder, &[&start[..], &["--sigmas", "1.0,0.7,0.1", "-o", "a.png"]].concat()));
    succeed(from(folder, "a.png", &["-o", "b.png"]));
    assert_eq!(read(folder, "a.png"), read(folder, "b.png"));
}

#[test]
fn one_of_several_is_made_again_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["--count", "4", "-o", "a.png"]);
    succeed(from(folder, "a-2.png", &["-o", "again.png"]));
    assert_eq!(files(folder), ["a-0.png", "a-1.png", "a-2.png", "a-3.png", "again.png"]);
    assert_eq!(read(folder, "a-2.png"), read(folder, "again.png"));
    succeed(from(folder, "again.png", &["-o", "twice.png"]));
    assert_eq!(read(folder, "a-2.png"), read(folder, "twice.png"));
    // Another number of pictures is another run.
    succeed(from(folder, "a-2.png", &["--count", "2", "-o", "b.png"]));
    assert_eq!(read(folder, "a-1.png").rgb, read(folder, "b-1.png").rgb);
}

#[test]
fn options_take_precedence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["--seed", "7", "-o", "a.png"]);
    generate(folder, &["--seed", "8", "-o", "b.png"]);
    succeed(from(folder, "a.png", &["--seed", "8", "-o", "c.png"]));
    assert_eq!(read(folder, "b.png"), read(folder, "c.png"));
    let model = model("flux-base");
    let arguments = ["generate", "a blue heart", "--from", "a.png", "--model", model.to_str().unwrap()];
    succeed(tintype(folder, &[&arguments[..], &["-o", "d.png"]].concat()));
    assert!(keyword(&read(folder, "d.png"), "tintype").contains("a blue heart"));
}

#[test]
fn image_to_image_needs_its_picture_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["--seed", "1", "-o", "first.jpg"]);
    generate(folder, &["--image", "first.jpg", "--strength", "0.5", "-o", "second.png"]);
    let told = fail(from(folder, "second.png", &["-o", "x.png"]), 1);
    assert!(told.contains("strength 0.5") && told.contains("--image"), "{told}");
    let same = succeed(from(folder, "second.png", &["--image", "first.jpg", "-o", "again.png"]));
    assert!(!text(&same.stderr).contains("warning"), "{}", text(&same.stderr));
    assert_eq!(read(folder, "second.png"), read(folder, "again.png"));
    let other = succeed(from(folder, "second.png", &["--image", "second.png", "-o", "other.png"]));
    assert!(text(&other.stderr).contains("not the picture that was started from"));
}

#[test]
fn another_model_and_another_version_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["-o", "a.png"]);
    let other = model("flux-draw1");
    let arguments = ["generate", "--from", "a.png", "--model", other.to_str().unwrap(), "-o", "b.png"];
    let told = text(&succeed(tintype(folder, &arguments)).stderr);
    assert!(told.contains("another model: flux-base"), "{told}");
    let mut picture = read(folder, "a.png");
    for (_, text) in &mut picture.text {
        *text =
            text.replace(&format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION")), "\"version\":\"0.0.9\"");
    }
    tintype::pipeline::files::write_png(&folder.join("old.png"), &picture).unwrap();
    let told = text(&succeed(from(folder, "old.png", &["-o", "c.png"])).stderr);
    assert!(told.contains("version 0.0.9"), "{told}");
}

#[test]
fn a_text_of_another_tool_is_taken_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["--seed", "9", "-o", "ours.png"]);
    let mut picture = read(folder, "ours.png");
    let ours = keyword(&picture, "parameters").to_owned();
    assert!(
        ours.starts_with("a red heart\nSteps: 2, Sampler: Euler, Schedule type: Simple, CFG scale: 1, "),
        "{ours}"
    );
    let told = "a red heart\nSteps: 2, Sampler: DPM++ 2M, CFG scale: 1, Seed: 9, Size: 48x32, Clip skip: 2";
    picture.text = vec![("parameters".into(), told.into())];
    for name in ["theirs.png", "theirs.jpg"] {
        let path = folder.join(name);
        let format = tintype::pipeline::files::PictureFormat::of(&path).unwrap();
        write_picture(&path, &picture, format).unwrap();
        let told =
            text(&succeed(from(folder, name, &["--max-sequence-length", "24", "-o", "again.png"])).stderr);
        assert!(told.contains("Sampler: DPM++ 2M") && told.contains("Clip skip: 2"), "{told}");
        assert!(told.contains("another tool") && !told.contains("Steps"), "{told}");
        assert_eq!(read(folder, "ours.png").rgb, read(folder, "again.png").rgb);
    }
}

#[test]
fn a_picture_without_a_text_and_a_damaged_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["-o", "a.png"]);
    let mut picture = read(folder, "a.png");
    picture.text.clear();
    tintype::pipeline::files::write_png(&folder.join("bare.png"), &picture).unwrap();
    assert!(fail(from(folder, "bare.png", &[]), 1).contains("does not say how it was made"));
    picture.text = vec![("tintype".into(), "{\"prompt\":".into())];
    tintype::pipeline::files::write_png(&folder.join("bad.png"), &picture).unwrap();
    assert!(fail(from(folder, "bad.png", &[]), 1).contains("`tintype` text"));
    picture.text = vec![("tintype".into(), keyword(&read(folder, "a.png"), "tintype").replace("48", "49"))];
    tintype::pipeline::files::write_png(&folder.join("odd.png"), &picture).unwrap();
    assert!(fail(from(folder, "odd.png", &[]), 1).contains("width is 49"));
    assert!(fail(from(folder, "none.png", &[]), 1).contains("cannot read none.png"));
    assert!(fail(tintype(folder, &small(&["generate"], &[])), 2).contains("<PROMPT"));
}
