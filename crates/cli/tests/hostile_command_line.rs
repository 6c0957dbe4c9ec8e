//! Arguments that nobody means: a message and an exit code, never a panic, and nothing left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/flux-base")
}

fn run(folder: &Path, arguments: &[OsString]) -> Output {
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .current_dir(folder)
        .env("RUST_BACKTRACE", "0")
        .args(arguments)
        .output()
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(60), "{arguments:?} took {:?}", start.elapsed());
    output
}

/// `generate` with a small picture and more arguments, which come last and so count.
fn generate(folder: &Path, prompt: OsString, more: &[&str]) -> Output {
    let small = ["--width", "48", "--height", "32", "--steps", "1", "--max-sequence-length", "24"];
    let mut arguments = vec!["generate".into(), prompt, "--model".into(), model().into_os_string()];
    let given = |name: &&str| !more.iter().any(|other| other.split('=').next() == Some(name));
    for pair in small.chunks(2).filter(|pair| given(&pair[0])) {
        arguments.extend(pair.iter().map(OsString::from));
    }
    arguments.extend(more.iter().map(OsString::from));
    run(folder, &arguments)
}

fn assert_refused(output: &Output, code: i32, part: &str) {
    let told = String::from_utf8(output.stderr.clone()).expect("messages are UTF-8");
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(part), "`{part}` is missing in: {told:.2000}");
    assert!(!told.contains("panicked") && told.len() < 4000, "{told:.2000}");
}

#[test]
fn numbers_that_nobody_means() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |more: &[&str], part: &str| {
        assert_refused(&generate(folder.path(), "a".into(), more), 1, part);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    };
    fails(&["--width=1000000000"], "width is 1000000000");
    fails(&["--height=18446744073709551615"], "height is 18446744073709551615");
    fails(&["--width=0"], "width is 0");
    fails(&["--steps=0"], "steps is 0");
    fails(&["--steps=1000000000"], "steps is 1000000000");
    fails(&["--count=0"], "count is 0");
    fails(&["--count=1000000000"], "count is 1000000000");
    fails(&["--batch-size=0"], "batch-size is 0");
    fails(&["--max-sequence-length=1000000000"], "max-sequence-length is 1000000000");
    fails(&["--guidance=inf"], "guidance is inf");
    fails(&["--true-cfg=nan"], "true-cfg is NaN");
    fails(&["--threads=1000000000"], "--threads from 1 to");
}

#[test]
fn numbers_that_are_negative_or_none() {
    let folder = tempfile::tempdir().unwrap();
    for option in ["--width", "--height", "--steps", "--count", "--batch-size", "--seed", "--threads"] {
        for number in ["-1", "18446744073709551616", "1e9", "", "many", "0x10"] {
            let output = generate(folder.path(), "a".into(), &[&format!("{option}={number}")]);
            assert_refused(&output, 2, option);
        }
    }
    assert_refused(&generate(folder.path(), "a".into(), &["--sigmas=1.0,-0.5"]), 2, "--sigmas");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A surrogate without its pair cannot be UTF-8: these are the bytes that some systems write for one.
#[cfg(unix)]
#[test]
fn a_prompt_that_is_no_text() {
    use std::os::unix::ffi::OsStringExt;
    let folder = tempfile::tempdir().unwrap();
    for bytes in [b"a \xed\xa0\x80 heart".to_vec(), vec![0xff], vec![0xc3]] {
        let output = generate(folder.path(), OsString::from_vec(bytes), &[]);
        assert_refused(&output, 2, "UTF-8");
    }
}

#[cfg(unix)]
#[test]
fn a_model_whose_name_is_no_text_or_drives_a_terminal() {
    use std::os::unix::ffi::OsStringExt;
    let folder = tempfile::tempdir().unwrap();
    let with = |name: Vec<u8>| {
        run(folder.path(), &["generate".into(), "a".into(), "--model".into(), OsString::from_vec(name)])
    };
    assert_refused(&with(vec![0xff]), 2, "UTF-8");
    let output = with(b"\x1b[2Jmodel".to_vec());
    assert_refused(&output, 1, "no model");
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn a_prompt_longer_than_any_encoder_reads() {
    let folder = tempfile::tempdir().unwrap();
    let output = generate(folder.path(), "a ".repeat(50_000).into(), &[]);
    assert_refused(&output, 1, "it has 100000 bytes; give at most 65536");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_where_nothing_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let locked = folder.path().join("locked.png");
    std::fs::create_dir(&locked).unwrap();
    // No file can be made in the system's own tree, whoever asks.
    for output in ["/proc/out.png", "/sys/out.png", "locked.png", "/dev/null/out.png"] {
        let told = generate(folder.path(), "a".into(), &["-o", output]);
        assert_refused(&told, 1, "cannot write");
    }
    assert_eq!(std::fs::read_dir(&locked).unwrap().count(), 0);
}

/// No file may grow beyond a block, as on a disk that is full: the picture that was there stays, and no part is left.
#[cfg(unix)]
#[test]
fn a_disk_without_room() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("out.png"), "what was there").unwrap();
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .current_dir(folder.path())
        .args(["-c", script, env!("CARGO_BIN_EXE_tintype"), "generate", "a", "--model"])
        .arg(model())
        .args(["--width", "48", "--height", "32", "--steps", "1", "--max-sequence-length", "24"])
        .output()
        .unwrap();
    assert_refused(&output, 1, "cannot write out.png");
    assert_eq!(std::fs::read(folder.path().join("out.png")).unwrap(), b"what was there");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn pictures_to_start_from_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    assert_refused(&generate(folder.path(), "a".into(), &["--image", "in.png"]), 1, "in.png");
    assert_refused(&generate(folder.path(), "a".into(), &["--image", "none.png"]), 1, "cannot read none.png");
    assert_refused(&generate(folder.path(), "a".into(), &["--image", "."]), 1, "cannot read .");
}
