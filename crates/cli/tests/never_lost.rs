//! Work that is done is not lost, and nothing is left half-written.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, files, generate, model, read, small, succeed, text, tintype};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// A model whose decoder gives NaN.
fn broken_model(folder: &Path) {
    copy(&model("flux-base"), &folder.join("broken"));
    let path = folder.join("broken/vae/diffusion_pytorch_model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let json: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let start = json["decoder.conv_out.bias"]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[8 + header + start..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

fn with_broken_model<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let size = [
        "--model",
        "broken",
        "--width",
        "48",
        "--height",
        "32",
        "--steps",
        "2",
        "--max-sequence-length",
        "24",
    ];
    [&["generate", "a red heart"], &size[..], more].concat()
}

#[test]
fn a_failed_decode_leaves_the_latents_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    broken_model(folder);
    let told = fail(tintype(folder, &with_broken_model(&["--seed", "7", "-o", "a heart.jpg"])), 1);
    assert!(told.contains("not finite") && told.contains("latents are kept"), "{told}");
    assert_eq!(files(folder), ["a heart.latents.safetensors", "broken"]);
    let line = told.lines().find(|line| line.trim().starts_with("tintype decode")).unwrap();
    assert_eq!(line.trim(), "tintype decode 'a heart.latents.safetensors' --model broken -o 'a heart.jpg'");

    // With the cause mended, the picture is what it would have been, its record too.
    let good = model("flux-base");
    let decode = ["decode", "a heart.latents.safetensors", "--model", good.to_str().unwrap()];
    let told = text(&succeed(tintype(folder, &[&decode[..], &["-o", "a heart.png"]].concat())).stderr);
    assert!(told.contains("another model: broken"), "{told}");
    generate(folder, &["--seed", "7", "-o", "whole.png"]);
    assert_eq!(read(folder, "a heart.png").rgb, read(folder, "whole.png").rgb);
    // Still broken: the latents stay.
    fail(tintype(folder, &["decode", "a heart.latents.safetensors", "--model", "broken", "-o", "b.png"]), 1);
    assert!(!files(folder).contains(&"b.png".into()));
    assert!(files(folder).contains(&"a heart.latents.safetensors".into()));
}

#[test]
fn all_pictures_that_were_denoised_together_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    broken_model(folder);
    let more = ["--count", "3", "--batch-size", "3", "-o", "a.png"];
    let told = fail(tintype(folder, &with_broken_model(&more)), 1);
    assert!(told.contains("tintype decode a-0.latents.safetensors --model broken -o a.png"), "{told}");
    let good = model("flux-base");
    let decode = ["decode", "a-0.latents.safetensors", "--model", good.to_str().unwrap(), "-o", "a.png"];
    let printed = text(&succeed(tintype(folder, &decode)).stdout);
    assert_eq!(printed, "a-0.png\na-1.png\na-2.png\n");
    generate(folder, &["--count", "3", "-o", "b.png"]);
    for i in 0..3 {
        assert_eq!(read(folder, &format!("a-{i}.png")).rgb, read(folder, &format!("b-{i}.png")).rgb);
    }
}

#[test]
fn latents_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    broken_model(folder);
    fail(tintype(folder, &with_broken_model(&["-o", "a.png"])), 1);
    let good = model("flux-base");
    let decode = |name: &str| tintype(folder, &["decode", name, "--model", good.to_str().unwrap()]);
    let bytes = std::fs::read(folder.join("a.latents.safetensors")).unwrap();
    std::fs::write(folder.join("cut.safetensors"), &bytes[..bytes.len() - 4]).unwrap();
    assert!(fail(decode("cut.safetensors"), 1).contains("not safetensors"));
    std::fs::write(folder.join("other.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    assert!(fail(decode("other.safetensors"), 1).contains("no record"));
    let wider = String::from_utf8_lossy(&bytes).contains("\\\"width\\\":48");
    assert!(wider);
    let at = bytes.windows(12).position(|w| w == b"\\\"width\\\":48").unwrap();
    let mut wider = bytes.clone();
    wider[at + 10..at + 12].copy_from_slice(b"64");
    std::fs::write(folder.join("wider.safetensors"), wider).unwrap();
    assert!(fail(decode("wider.safetensors"), 1).contains("latents is [1, 6, 64]"));
    assert!(fail(decode("none.safetensors"), 1).contains("cannot read none.safetensors"));
}

/// Runs with a limit on the size of files, in blocks of 512 bytes: writing beyond it fails as on a full disk.
fn limited(folder: &Path, blocks: u32, arguments: &[&str]) -> std::process::Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_tintype")])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn a_full_disk_leaves_the_old_picture_and_keeps_latents_if_they_fit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["-o", "a.png"]);
    let old = std::fs::read(folder.join("a.png")).unwrap();
    assert!(old.len() > 8 * 512, "the limit must be below a picture's size: {}", old.len());

    let arguments = small(&["generate", "another"], &["-o", "a.png"]);
    let told = fail(limited(folder, 8, &arguments), 1);
    assert!(told.contains("cannot write a.png") && told.contains("latents are kept"), "{told}");
    assert_eq!(files(folder), ["a.latents.safetensors", "a.png"]);
    assert_eq!(std::fs::read(folder.join("a.png")).unwrap(), old);
    let good = model("flux-base");
    succeed(tintype(
        folder,
        &["decode", "a.latents.safetensors", "--model", good.to_str().unwrap(), "-o", "b.png"],
    ));
    succeed(tintype(folder, &small(&["generate", "another"], &["-o", "c.png"])));
    assert_eq!(read(folder, "b.png"), read(folder, "c.png"), "texts too");

    std::fs::remove_file(folder.join("a.latents.safetensors")).unwrap();
    let told = fail(limited(folder, 1, &arguments), 1);
    assert!(told.contains("could not be kept either"), "{told}");
    assert_eq!(files(folder), ["a.png", "b.png", "c.png"]);
    assert_eq!(std::fs::read(folder.join("a.png")).unwrap(), old);
}

/// A run of many pictures, which is mostly writing.
fn many(folder: &Path) -> Child {
    let model = model("flux-base");
    let arguments = [
        "generate",
        "x",
        "--model",
        model.to_str().unwrap(),
        "--width",
        "32",
        "--height",
        "32",
        "--steps",
        "1",
    ];
    let more = ["--max-sequence-length", "8", "--seeds", "1..2000"];
    let arguments = [&arguments[..], &more].concat();
    let mut child =
        command(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Interrupts are heard from before the device is named.
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("device:"), "{line}");
    child
}

/// Waits until the run has written so many pictures.
fn wait_for(child: &mut Child, pictures: usize) -> BufReader<std::process::ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..pictures {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended early");
    }
    lines
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn check_pictures(folder: &Path) {
    for name in files(folder).iter().filter(|name| !name.starts_with('.')) {
        assert_eq!(read(folder, name).width, 32, "{name} is whole");
    }
}

#[test]
fn an_interrupt_at_any_moment_leaves_only_whole_pictures() {
    // Some before the first picture, some between and within writes; once, and twice at once.
    for (pictures, delay, twice) in [
        (0, 0, false),
        (0, 5, true),
        (0, 40, false),
        (0, 100, true),
        (1, 0, false),
        (1, 1, true),
        (2, 3, true),
        (3, 7, true),
        (5, 11, false),
        (8, 2, true),
        (13, 5, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = many(folder.path());
        let lines = wait_for(&mut child, pictures);
        std::thread::sleep(Duration::from_millis(delay));
        signal(&child, "-INT");
        if twice {
            signal(&child, "-INT");
        }
        drop(lines);
        assert_eq!(
            child.wait().unwrap().code(),
            Some(130),
            "{pictures} pictures, {delay} ms, twice: {twice}"
        );
        let left = files(folder.path());
        assert!(!left.iter().any(|name| name.starts_with('.')), "{left:?}");
        assert!(left.len() >= pictures);
        check_pictures(folder.path());
    }
}

#[test]
fn the_wish_to_end_is_an_interrupt_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = many(folder.path());
    let lines = wait_for(&mut child, 1);
    signal(&child, "-TERM");
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    check_pictures(folder.path());
}

#[test]
fn a_kill_leaves_whole_pictures_and_at_most_one_part() {
    for (pictures, delay) in [(1, 0), (2, 1), (4, 2), (7, 4)] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = many(folder.path());
        let lines = wait_for(&mut child, pictures);
        std::thread::sleep(Duration::from_millis(delay));
        signal(&child, "-KILL");
        child.wait().unwrap();
        drop(lines);
        let left = files(folder.path());
        let parts: Vec<_> = left.iter().filter(|name| name.starts_with('.')).collect();
        assert!(parts.len() <= 1 && parts.iter().all(|name| name.ends_with(".part")), "{left:?}");
        assert!(left.len() - parts.len() >= pictures);
        check_pictures(folder.path());
    }
}
