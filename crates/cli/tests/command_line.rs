//! The command line as a script sees it: names, files, exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models").join(name)
}

fn tintype(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.current_dir(folder).args(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.output().unwrap()
}

/// `generate` with a small model and size, and more arguments.
fn generate(folder: &Path, more: &[&str]) -> Output {
    let model = model("flux-base");
    let mut arguments = vec!["generate", "a red heart", "--model", model.to_str().unwrap()];
    arguments.extend(["--width", "48", "--height", "32", "--steps", "2", "--max-sequence-length", "24"]);
    arguments.extend(more);
    tintype(folder, &arguments)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn one_picture_goes_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = generate(folder.path(), &["-o", "heart.png"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "heart.png\n");
    assert_eq!(files(folder.path()), ["heart.png"]);
    let told = text(&output.stderr);
    assert!(told.contains("cpu:0") && told.contains("chosen by auto"), "{told}");
    assert!(!told.contains('\u{1b}'), "no colours or bars off a terminal: {told}");
}

#[test]
fn several_pictures_are_numbered_and_do_not_depend_on_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| assert_eq!(generate(folder.path(), more).status.code(), Some(0));
    run(&["--count", "3", "-o", "a.png"]);
    run(&["--count", "3", "--batch-size", "2", "-o", "b.png"]);
    assert_eq!(files(folder.path()), ["a-0.png", "a-1.png", "a-2.png", "b-0.png", "b-1.png", "b-2.png"]);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for i in 0..3 {
        assert_eq!(read(&format!("a-{i}.png")), read(&format!("b-{i}.png")));
    }
}

#[test]
fn json_says_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let output = generate(
        folder.path(),
        &["--json", "--seed", "7", "--launch", "eager", "--dtype", "bf16", "--backend", "cpu"],
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["pictures"][0], "out.png");
    assert_eq!(report["settings"]["seed"], 7);
    assert_eq!(report["settings"]["dtype"], "bf16");
    assert_eq!(report["settings"]["noise_dtype"], "bf16");
    assert_eq!(report["launch"], "eager");
    assert_eq!(report["device"]["backend"], "cpu");
    assert!(report["stats"]["compiles"].as_u64().unwrap() > 0);
}

#[test]
fn the_picture_says_what_made_it() {
    let folder = tempfile::tempdir().unwrap();
    assert!(generate(folder.path(), &["--seed", "7"]).status.success());
    let picture = tintype::pipeline::files::read_png(&folder.path().join("out.png")).unwrap();
    let (_, made) = picture.text.iter().find(|(key, _)| key == "tintype").unwrap();
    let made: serde_json::Value = serde_json::from_str(made).unwrap();
    assert_eq!((made["prompt"].as_str(), made["seed"].as_u64()), (Some("a red heart"), Some(7)));
    for key in [
        "noise_dtype",
        "dtype",
        "steps",
        "model",
        "model_fingerprint",
        "backend",
        "device",
        "launch",
        "version",
    ] {
        assert!(!made[key].is_null(), "{key} is missing");
    }
}

#[test]
fn an_image_can_be_started_from() {
    let folder = tempfile::tempdir().unwrap();
    assert!(generate(folder.path(), &["-o", "a.png"]).status.success());
    let output = generate(folder.path(), &["--image", "a.png", "--strength", "0.5", "-o", "b.png"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_truncated_prompt_is_reported_with_the_words_that_were_cut() {
    let folder = tempfile::tempdir().unwrap();
    let model = model("flux-base");
    let prompt = format!("{} the end of it all", "a red heart and ".repeat(20));
    let arguments =
        ["generate", &prompt, "--model", model.to_str().unwrap(), "--width", "48", "--height", "32"];
    let output =
        tintype(folder.path(), &[&arguments[..], &["--steps", "1", "--max-sequence-length", "24"]].concat());
    let told = text(&output.stderr);
    assert!(told.contains("text_encoder_2") && told.contains("the end of it all"), "{told}");
}

#[test]
fn options_without_effect_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = text(&generate(folder.path(), &["--negative", "blurry"]).stderr);
    assert!(told.contains("--negative has no effect"), "{told}");
}

#[test]
fn wrong_usage_is_2_and_failure_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str]| tintype(folder.path(), arguments).status.code();
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["generate"]), Some(2));
    assert_eq!(code(&["generate", "x", "--model", "m", "--steps", "many"]), Some(2));
    assert_eq!(code(&["generate", "x", "--model", "m", "--launch", "sideways"]), Some(2));
    assert_eq!(code(&["generate", "x", "--model", "m", "--steps", "1", "--sigmas", "1.0"]), Some(2));
    assert_eq!(code(&["generate", "x", "--model", "no-such-folder"]), Some(1));
    assert_eq!(code(&["--version"]), Some(0));
    let failed = |more: &[&str], part: &str| {
        let output = generate(folder.path(), more);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(part), "`{part}` is missing in {told}");
    };
    failed(&["--backend", "abacus"], "no backend `abacus`");
    failed(&["--backend", "cpu", "--launch", "lazy"], "no launch mode `lazy`");
    let model = model("flux-base");
    let output =
        tintype(folder.path(), &["generate", "x", "--model", model.to_str().unwrap(), "--width", "50"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("width is 50"), "{}", text(&output.stderr));
    assert!(files(folder.path()).is_empty(), "nothing half-written is left");
}

#[test]
fn an_unwritable_output_is_found_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let output = generate(folder.path(), &["-o", "no/such/folder/out.png"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("cannot write") && told.contains("out.png"), "{told}");
    assert!(!told.contains("device:"), "no device was opened for it: {told}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_130_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let model = model("flux-base");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .current_dir(folder.path())
        .args(["generate", "a red heart", "--model", model.to_str().unwrap()])
        .args(["--width", "256", "--height", "256", "--steps", "100000", "--max-sequence-length", "24"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The handler is set before the device is opened and named.
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    assert!(line.starts_with("device:"), "{line}");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(files(folder.path()).is_empty());
}

#[test]
fn devices_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let told = text(&tintype(folder.path(), &["devices"]).stdout);
    assert!(told.contains("cpu:0") && told.contains("launch modes"), "{told}");
    let json: serde_json::Value =
        serde_json::from_slice(&tintype(folder.path(), &["devices", "--json"]).stdout).unwrap();
    assert_eq!(json[0]["backend"], "cpu");
}

#[test]
fn bench_prints_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let bench = |more: &[&str]| {
        let output = tintype(folder.path(), &[&["bench", "clip", "--preset", "tiny"], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let json = bench(&["--repeats", "2", "--threads", "2", "--save", "saved", "--json"]);
    let result: tintype::bench::BenchResult = serde_json::from_str(&json).unwrap();
    assert_eq!((result.schema, result.what.as_str(), result.model.as_str()), (1, "clip", "tiny"));
    assert_eq!((result.seconds.steady.len(), result.device.threads), (2, Some(2)));
    assert!(result.seconds.cold > 0.0 && result.work.flops > 0 && result.memory.peak > 0);
    assert!(result.counters.start.compiles > 0);
    assert_eq!((result.counters.steady.compiles, result.counters.steady.runs), (0, 2));
    assert_eq!(files(&folder.path().join("saved")), ["inputs.safetensors", "outputs.safetensors"]);
    assert_eq!(serde_json::from_str::<tintype::bench::BenchResult>(&json).unwrap(), result);
    assert!(bench(&["--repeats", "3"]).contains("median"));

    let refused = tintype(folder.path(), &["bench", "vae", "--preset", "clip-l"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("presets of vae are flux, tiny"));
}

#[test]
fn bench_measures_what_stands_around_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let bench = |more: &[&str]| {
        let output = tintype(folder.path(), &[&["bench"], more].concat());
        assert!(output.status.success(), "{more:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    bench(&["folder", "--preset", "tiny", "--save", "model"]);
    let small = [
        "--png",
        "a.png",
        "--model",
        "model",
        "--steps",
        "2",
        "--width",
        "64",
        "--height",
        "64",
        "--text-tokens",
        "16",
    ];
    let on = ["--backend", "cpu", "--json"];
    let told = bench(&[&["cold"], &small[..], &on].concat());
    let cold: tintype::bench::BenchResult = serde_json::from_str(&told).unwrap();
    let startup = cold.startup.unwrap();
    assert!(startup.first_step > 0.0 && startup.bare.is_none() && cold.dtype == "bf16");
    assert!(startup.marks.last().is_some_and(|mark| mark.name == "PNG"));
    assert!(folder.path().join("a.png").is_file());
    let told = bench(&[&["upload", "--model", "model", "--repeats", "1"], &on[..]].concat());
    let upload: tintype::bench::BenchResult = serde_json::from_str(&told).unwrap();
    assert!(upload.work.bytes > 0 && upload.seconds.steady.len() == 1);
    let told = bench(&["sizes", "--preset", "tiny", "--sizes", "64x64,32x64", "--backend", "cpu"]);
    assert!(told.contains("64 x 64") && told.contains("32 x 64"), "{told}");
    let pipeline = ["pipeline", "--preset", "tiny", "--repeats", "1"];
    assert!(bench(&pipeline).contains("pipeline (tiny)"));
    let refused = tintype(folder.path(), &["bench", "sizes", "--sizes", "64by64"]);
    assert!(text(&refused.stderr).contains("write width and height in pixels"));
    let refused = tintype(folder.path(), &["bench", "bare", "--backend", "auto"]);
    assert!(text(&refused.stderr).contains("no backend `auto`"));
}

#[test]
fn bench_takes_its_rounds_from_a_script() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .args(["bench", "t5", "--preset", "tiny", "--rounds-on-stdin", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"\n\n").unwrap();
    let told = text(&child.wait_with_output().unwrap().stdout);
    let [ready, first, second, json] = *told.splitn(4, '\n').collect::<Vec<_>>() else { panic!("{told}") };
    assert_eq!(ready, "ready");
    let result: tintype::bench::BenchResult = serde_json::from_str(json).unwrap();
    assert_eq!(result.seconds.steady, [first, second].map(|line| line.parse::<f64>().unwrap()));
}
