//! Many pictures from one run: formats, seeds, prompts, sheets, previews.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, files, generate, keyword, read, small, succeed, text, tintype};
use std::io::Write;
use std::process::Stdio;

#[test]
fn the_extension_is_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["a.png", "a.jpg", "a.webp"] {
        generate(folder, &["--seed", "3", "-o", name]);
    }
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert!(bytes("a.jpg").starts_with(&[0xff, 0xd8]) && &bytes("a.webp")[8..12] == b"WEBP");
    let png = read(folder, "a.png");
    assert_eq!(read(folder, "a.webp").rgb, png.rgb);
    for name in ["a.jpg", "a.webp"] {
        let picture = read(folder, name);
        for key in ["tintype", "parameters", "Software"] {
            assert_eq!(keyword(&picture, key), keyword(&png, key), "{name}");
        }
    }
    generate(folder, &["--seed", "3", "-o", "b.jpg", "--quality", "20"]);
    assert!(bytes("b.jpg").len() < bytes("a.jpg").len());
    let told = text(&generate(folder, &["-o", "b.webp", "--quality", "20"]).stderr);
    assert!(told.contains("--quality has no effect"), "{told}");
}

#[test]
fn an_unknown_extension_is_wrong_usage_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["out.gif", "out", "out.png.part"] {
        let told = fail(tintype(folder.path(), &small(&["generate", "x"], &["-o", name])), 2);
        assert!(told.contains(".png, .jpg, .jpeg or .webp") && !told.contains("device:"), "{told}");
    }
    assert!(
        fail(tintype(folder.path(), &small(&["generate", "x"], &["--quality", "0"])), 2).contains("1..=100")
    );
}

#[test]
fn seeds_are_runs_of_their_own_that_compile_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let output = generate(folder, &["--seeds", "3..5,9", "--grid", "--json", "-o", "a.png"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = ["a-seed3.png", "a-seed4.png", "a-seed5.png", "a-seed9.png"];
    assert_eq!(report["pictures"], serde_json::json!(names));
    assert_eq!(report["grid"], "a-grid.png");
    let runs = report["runs"].as_array().unwrap();
    assert!(runs[0]["stats"]["compiles"].as_u64().unwrap() > 0);
    for run in &runs[1..] {
        assert_eq!(
            (run["stats"]["compiles"].as_u64(), run["stats"]["captures"].as_u64()),
            (Some(0), Some(0))
        );
    }
    assert_eq!(files(folder), [&["a-grid.png"], &names[..]].concat());
    for (name, seed) in names.iter().zip(["3", "4", "5", "9"]) {
        generate(folder, &["--seed", seed, "-o", "alone.png"]);
        assert_eq!(read(folder, name), read(folder, "alone.png"), "{name}");
    }
    let sheet = read(folder, "a-grid.png");
    assert_eq!((sheet.width, sheet.height), (2 * 48 + 3 * 8, 2 * 32 + 3 * 8));
    let at = |picture: &tintype::Picture, x: u32, y: u32| {
        let at = ((y * picture.width + x) * 3) as usize;
        picture.rgb[at..at + 3].to_vec()
    };
    assert_eq!(at(&sheet, 8, 8), at(&read(folder, names[0]), 0, 0));
    assert_eq!(at(&sheet, 8 + 48 + 8 + 47, 8 + 32 + 8 + 31), at(&read(folder, names[3]), 47, 31));
}

#[test]
fn seeds_share_batches_of_one_size() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let more = ["--seeds", "1..7", "--batch-size", "3", "--grid", "--json", "-o", "a.png"];
    let output = generate(folder, &more);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = (1..=7).map(|seed| format!("a-seed{seed}.png")).collect();
    assert_eq!(report["pictures"], serde_json::json!(names));
    let runs = report["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["seeds"]), (1, &serde_json::json!([1, 2, 3, 4, 5, 6, 7])));
    let pace = &runs[0]["throughput"];
    assert_eq!((pace["warmup_pictures"].as_u64(), pace["pictures"].as_u64()), (Some(3), Some(4)));
    assert_eq!((pace["compiles"].as_u64(), pace["captures"].as_u64()), (Some(0), Some(0)));
    assert!(text(&output.stderr).contains("pictures a second (4 in "), "{}", text(&output.stderr));
    let sheet = read(folder, "a-grid.png");
    assert_eq!((sheet.width, sheet.height), (3 * 48 + 4 * 8, 3 * 32 + 4 * 8));
    for (name, seed) in names.iter().zip(["1", "2", "3", "4", "5", "6", "7"]) {
        generate(folder, &["--seed", seed, "-o", "alone.png"]);
        assert_eq!(read(folder, name), read(folder, "alone.png"), "{name}");
    }
    let told = text(&generate(folder, &["--batch-size", "4", "-o", "b.png"]).stderr);
    assert!(told.contains("--batch-size 4 is more than the 1 pictures of a run"), "{told}");
}

#[test]
fn throughput_leaves_the_warm_up_out() {
    let folder = tempfile::tempdir().unwrap();
    let model = common::model("flux-base");
    let size = ["--width", "48", "--height", "32", "--text-tokens", "24", "--steps", "2", "--model"];
    let batches = [model.to_str().unwrap(), "--count", "7", "--batch-size", "3", "--repeats", "2", "--json"];
    let arguments = [&["bench", "pipeline", "--backend", "cpu"], &size[..], &batches].concat();
    let output = succeed(tintype(folder.path(), &arguments));
    let result: tintype::bench::BenchResult = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((result.sizes["pictures"], result.sizes["batch_size"]), (7, 3));
    assert_eq!(result.counters.steady.compiles, 0);
    let told = result.throughput.unwrap();
    assert_eq!((told.pictures, told.warmup_pictures), (7, 21), "a cold, a warm and a warm-up run");
    let seconds = &result.seconds;
    assert!((told.pictures_per_second * seconds.summary.unwrap().median - 7.0).abs() < 1e-9);
    assert!(told.warmup_seconds >= seconds.cold + seconds.warm);
}

#[test]
fn prompts_are_lines_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("prompts.txt"), "# hearts\na red heart\n\na blue heart\n").unwrap();
    succeed(tintype(folder, &small(&["generate", "--prompts", "prompts.txt"], &["-o", "a.png"])));
    assert_eq!(files(folder), ["a-0.png", "a-1.png", "prompts.txt"]);
    generate(folder, &["-o", "alone.png"]);
    assert_eq!(read(folder, "a-0.png"), read(folder, "alone.png"));
    assert!(keyword(&read(folder, "a-1.png"), "parameters").starts_with("a blue heart\n"));

    let more = ["--prompts", "prompts.txt", "--seeds", "1..3", "--grid", "-o", "b.jpg"];
    succeed(tintype(folder, &small(&["generate"], &more)));
    let sheet = read(folder, "b-grid.jpg");
    assert_eq!((sheet.width, sheet.height), (3 * 48 + 4 * 8, 2 * 32 + 3 * 8), "a row for each prompt");
    assert!(files(folder).contains(&"b-1-seed3.jpg".into()));

    let arguments = small(&["generate", "--prompts", "-"], &["-o", "c.png"]);
    let mut child = command(folder, &arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one heart").unwrap();
    assert_eq!(text(&succeed(child.wait_with_output().unwrap()).stdout), "c-0.png\n");
}

#[test]
fn prompts_that_cannot_be_read_are_told_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("empty.txt"), "# nothing\n").unwrap();
    std::fs::write(folder.join("latin.txt"), b"caf\xe9").unwrap();
    for (file, part) in
        [("empty.txt", "holds no prompt"), ("latin.txt", "not UTF-8"), ("none.txt", "cannot read prompts")]
    {
        let told = fail(tintype(folder, &small(&["generate", "--prompts", file], &[])), 1);
        assert!(told.contains(part) && !told.contains("device:"), "{told}");
    }
    fail(tintype(folder, &small(&["generate", "a prompt too", "--prompts", "empty.txt"], &[])), 2);
    fail(tintype(folder, &small(&["generate", "x"], &["--seeds", "3..1"])), 2);
    fail(tintype(folder, &small(&["generate", "x"], &["--seeds", "1", "--seed", "1"])), 2);
}

#[test]
fn previews_come_and_go_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(folder, &["--seed", "2", "-o", "plain.png"]);
    generate(folder, &["--seed", "2", "--preview", "1", "-o", "watched.png"]);
    assert_eq!(files(folder), ["plain.png", "watched.png"]);
    assert_eq!(read(folder, "plain.png").rgb, read(folder, "watched.png").rgb);
    fail(tintype(folder, &small(&["generate", "x"], &["--preview", "0"])), 2);
}

#[test]
fn a_reader_that_leaves_does_not_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = small(&["generate", "x"], &["--seeds", "1..2"]);
    let mut child =
        command(folder.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(files(folder.path()).len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_printed_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output =
        command(folder.path(), &small(&["generate", "x"], &["--json"])).stdout(full).output().unwrap();
    assert!(fail(output, 1).contains("cannot write to standard output"));
    assert_eq!(files(folder.path()), ["out.png"]);
}
