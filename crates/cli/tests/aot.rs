//! `tintype aot` and packages as they are used: what is refused, and with which words. Nothing here needs torch but the last
//! test, which says so where there is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, files, read, succeed, text};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that looks like a Python with torch until it is to export.
fn false_python(folder: &Path, export: &str) -> PathBuf {
    let path = folder.join("python");
    let about = r#"{"torch": "2.11.0"}"#;
    let script = format!("#!/bin/sh\nif [ \"$1\" = -c ]; then echo '{about}'; exit 0; fi\n{export}\n");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn capture(folder: &Path) {
    let capture = ["aot", "capture", "--dtype", "f32", "--steps", "4", "-o", "captured"];
    let told = succeed(command(folder, &capture).output().unwrap());
    assert_eq!(text(&told.stdout).lines().count(), files(&folder.join("captured")).len());
}

#[test]
fn a_capture_runs_nothing_and_is_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    capture(folder.path());
    let first = files(&folder.path().join("captured"));
    assert_eq!(first.len(), 5, "{first:?}");
    capture(folder.path());
    assert_eq!(files(&folder.path().join("captured")), first);
}

#[test]
fn a_python_that_is_not_there_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    capture(folder.path());
    let mut compile = command(folder.path(), &["aot", "compile", "captured", "-o", "packages"]);
    let told = fail(compile.env("TINTYPE_PYTHON", "/no/such/python").output().unwrap(), 1);
    assert!(told.contains("/no/such/python") && told.contains("TINTYPE_PYTHON"), "{told}");
    assert_eq!(files(folder.path()), ["captured"], "nothing is begun");
}

#[test]
fn an_exporter_that_fails_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    capture(folder.path());
    let half = r#"read order
echo half > "$(echo "$order" | sed 's/.*"folder": *"\([^"]*\)".*/\1/')/model.so"
echo '{"job": 0, "event": "exporting"}'
echo '{"job": 0, "event": "failed", "error": "RuntimeError", "reason": ["no compiler"]}'
echo 'Traceback: the last line' >&2
echo '{"job": 0, "event": "ended", "status": 3}'
cat > /dev/null"#;
    let python = false_python(folder.path(), half);
    let mut compile = command(folder.path(), &["aot", "compile", "captured", "-o", "packages"]);
    let told = fail(compile.env("TINTYPE_PYTHON", &python).output().unwrap(), 1);
    for part in ["RuntimeError: no compiler", "Traceback: the last line", "text_encoder-"] {
        assert!(told.contains(part), "{part} in: {told}");
    }
    assert!(files(&folder.path().join("packages")).is_empty());
    // Its process is ended, or all of it.
    let killed = "read order\necho '{\"job\": 0, \"event\": \"ended\", \"status\": -9}'\ncat > /dev/null";
    let python = false_python(folder.path(), killed);
    let mut compile = command(folder.path(), &["aot", "compile", "captured", "-o", "packages"]);
    let told = fail(compile.env("TINTYPE_PYTHON", &python).output().unwrap(), 1);
    assert!(told.contains("it was ended by signal 9"), "{told}");
    let python = false_python(folder.path(), "kill -9 $$");
    let mut compile = command(folder.path(), &["aot", "compile", "captured", "-o", "packages"]);
    let told = fail(compile.env("TINTYPE_PYTHON", &python).output().unwrap(), 1);
    assert!(told.contains("ended before it was done"), "{told}");
    assert!(files(&folder.path().join("packages")).is_empty());
}

#[test]
fn what_cannot_be_used_is_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |more: &[&str]| {
        let start = ["generate", "a red apple", "--backend", "cpu", "--steps", "1", "-o", "out.png"];
        let mut command = command(folder.path(), &[&start, more].concat());
        let told = fail(command.env("TINTYPE_LIBTORCH", "/no/such/folder").output().unwrap(), 1);
        assert!(!folder.path().join("out.png").exists());
        told
    };
    assert!(generate(&["--engine", "inductor"]).contains("--packages"));
    assert!(generate(&["--packages", "packages"]).contains("--engine native"));
    let told = generate(&["--engine", "auto", "--packages", "packages"]);
    assert!(told.contains("packages") && told.contains("cannot be read"), "{told}");
    fs::create_dir(folder.path().join("packages")).unwrap();
    let told = generate(&["--engine", "auto", "--packages", "packages"]);
    assert!(told.contains("no packages in it"), "{told}");
    let package = folder.path().join("packages/one");
    fs::create_dir(&package).unwrap();
    fs::write(package.join("manifest.json"), "{\"version\": 1").unwrap();
    let told = generate(&["--engine", "auto", "--packages", "packages"]);
    assert!(told.contains("manifest.json") && told.contains("aot compile"), "{told}");
    let sound = "{\"version\": 1, \"block\": \"0\", \"name\": \"x\", \"device\": \"cpu\", \"arch\": \"x\", \"torch\": \"2.11.0\", \
                 \"inputs\": [], \"states\": [], \"outputs\": [], \"params\": [], \
                 \"files\": {\"model.so\": {\"bytes\": 1, \"sha256\": \"\"}}}";
    fs::write(package.join("manifest.json"), sound).unwrap();
    let told = generate(&["--engine", "auto", "--packages", "packages"]);
    assert!(told.contains("no libtorch") && told.contains("/no/such/folder/libtorch.so"), "{told}");
}

/// The Python that has torch 2.11, if any.
fn python_with_torch(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("TINTYPE_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| "python3".into());
    let new = "import torch; assert [int(part) for part in torch.__version__.split('.')[:2]] >= [2, 11]";
    let asked = Command::new(&python).args(["-c", new]).output();
    if asked.is_ok_and(|told| told.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os("TINTYPE_EXPECT_TORCH").is_none(), "{} has no torch 2.11", python.display());
    println!("NOT RUN: {test}: {} has no torch 2.11; TINTYPE_PYTHON names another", python.display());
    None
}

/// Compiling the model's five Programs takes minutes: all that needs packages is one test.
#[test]
fn the_built_in_model_as_packages_makes_the_native_picture() {
    let Some(python) = python_with_torch("the_built_in_model_as_packages_makes_the_native_picture") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // A compiler that PyTorch's loader crashes on: another is taken for it.
    let cxx = at.join("static-c++");
    let script =
        "#!/bin/sh\ncase \"$*\" in *-shared*) exec g++ \"$@\" -static-libstdc++ ;; esac\nexec g++ \"$@\"\n";
    fs::write(&cxx, script).unwrap();
    fs::set_permissions(&cxx, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = command(at, arguments);
        command.env("TINTYPE_PYTHON", &python).env("CXX", &cxx);
        command.output().unwrap()
    };
    capture(at);
    // The step by its blocks, their queries, keys and values fused, the others whole.
    let step = files(&at.join("captured")).into_iter().find(|name| name.starts_with("transformer-")).unwrap();
    fs::create_dir(at.join("step")).unwrap();
    fs::rename(at.join("captured").join(&step), at.join("step").join(&step)).unwrap();
    // As recipes have it, with the decoder's channels last. What takes the longest, max_autotune, is for GPUs.
    let mut recipe = vec!["aot", "compile", "captured", "-o", "packages"];
    for option in [
        "conv_1x1_as_mm=true",
        "epilogue_fusion=false",
        "coordinate_descent_tuning=true",
        "coordinate_descent_check_all_directions=true",
        "force_layout_optimization=true",
    ] {
        recipe.extend(["--option", option]);
    }
    let compiles: [&[&str]; 2] =
        [&recipe, &["aot", "compile", "step", "--blocks", "--fuse-qkv", "-o", "packages"]];
    for (option, named) in [
        ("conv_1x1_as_mn=true", "has no option conv_1x1_as_mn; it has conv_1x1_as_mm"),
        ("max_autotune=1", "option max_autotune is of type bool, and 1 is not"),
    ] {
        let told = fail(run(&["aot", "compile", "step", "-o", "other", "--option", option]), 1);
        assert!(told.contains(named), "{told}");
    }
    assert!(files(&at.join("other")).is_empty());
    for (compile, count) in compiles.into_iter().zip([4, 3]) {
        let first = text(&succeed(run(compile)).stderr);
        assert!(first.contains("in place of CXX") && first.contains("statically"), "{first}");
        let again = text(&succeed(run(compile)).stderr);
        assert_eq!(again.matches("there already").count(), count, "{again}");
    }
    let packages = files(&at.join("packages"));
    let is_package = |name: &String| at.join("packages").join(name).is_dir();
    let packages: Vec<_> = packages.into_iter().filter(is_package).collect();
    assert_eq!(packages.len(), 7, "{packages:?}");
    let fit = text(&succeed(run(&["aot", "apply", "packages"])).stderr);
    assert!(fit.contains("7 of 7 packages run here"), "{fit}");

    let generate = |side: &str, output: &str, more: &[&str]| {
        let start = [
            "generate",
            "a red apple",
            "--backend",
            "cpu",
            "--dtype",
            "f32",
            "--json",
            "--steps",
            "4",
            "--width",
            side,
            "--height",
            side,
            "-o",
            output,
        ];
        run(&[&start, more].concat())
    };
    let inductor = ["--engine", "inductor", "--packages", "packages"];
    succeed(generate("128", "native.png", &[]));
    let told = succeed(generate("128", "packaged.png", &inductor));
    let report: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let used = report["engine"].as_array().unwrap();
    assert!(used.len() == 5 && used.iter().all(|used| used["engine"] == "inductor"), "{used:?}");
    let step = used.iter().find(|used| used["program"] == "flux_step").unwrap();
    assert!(step["why"].as_str().unwrap().contains("3 packages"), "{step}");
    let (native, packaged) = (read(at, "native.png"), read(at, "packaged.png"));
    let apart = native.rgb.iter().zip(&packaged.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(apart <= 2, "{apart} levels");
    println!("the two pictures are {apart} levels apart at most");

    // Other shapes have other hashes: refused by `inductor`, run natively by `auto`, and told.
    let told = fail(generate("64", "other.png", &inductor), 1);
    assert!(told.contains("has no package for"), "{told}");
    let auto = ["--engine", "auto", "--packages", "packages"];
    let told = text(&succeed(generate("64", "other.png", &auto)).stderr);
    assert!(told.contains("engine: native ran") && told.contains("engine: inductor ran"), "{told}");
    // The CPU's own engine, to which `auto` leaves what has no package, takes no weights that share memory.
    let told = text(&succeed(generate("128", "other.png", &auto)).stderr);
    let left: Vec<_> = told.lines().filter(|line| line.contains("native ran")).collect();
    assert!(
        matches!(left[..], [step] if step.contains("flux_step") && step.contains("--engine inductor")),
        "{told}"
    );
    let manifests = packages.iter().map(|name| at.join("packages").join(name).join("manifest.json"));
    let texts = manifests.map(|path| fs::read_to_string(path).unwrap());
    assert!(texts.into_iter().any(|text| text.contains("to_q+to_k+to_v.weight")));

    // A package for elsewhere is named, and not run.
    let manifest = at.join("packages").join(&packages[0]).join("manifest.json");
    let sound = fs::read_to_string(&manifest).unwrap();
    let arch = std::env::consts::ARCH;
    let elsewhere = [
        (format!("\"arch\": \"{arch}\""), "\"arch\": \"sm_90\"".to_owned(), "architecture sm_90"),
        ("\"torch\": \"2.11.0\"".into(), "\"torch\": \"2.10.0\"".into(), "libtorch 2.10.0"),
        ("\"cpu_flags\": [".into(), "\"cpu_flags\": [\"avx4096\",".into(), "avx4096"),
    ];
    for (from, to, named) in &elsewhere {
        assert!(sound.contains(from), "{from}");
        fs::write(&manifest, sound.replacen(from, to, 1)).unwrap();
        let told = fail(generate("128", "out.png", &inductor), 1);
        assert!(told.contains(named), "{named} in: {told}");
        let told = text(&fail_quietly(run(&["aot", "apply", "packages"])).stdout);
        assert!(told.contains(named), "{named} in: {told}");
    }
    // What was made elsewhere is made anew, and nothing else is.
    let (from, to, _) = &elsewhere[0];
    fs::write(&manifest, sound.replacen(from, to, 1)).unwrap();
    let told = text(&succeed(run(compiles[1])).stderr);
    assert_eq!((told.matches("there already").count(), told.matches(": done (").count()), (2, 1), "{told}");
    assert!(told.contains("made anew, for") && told.contains("sm_90"), "{told}");
    assert!(fs::read_to_string(&manifest).unwrap().contains(from));

    // A package that was changed or cut short is not loaded, whatever the engine.
    let used_by_both = packages.iter().find(|name| name.starts_with("text_encoder-")).unwrap();
    let code = at.join("packages").join(used_by_both).join("model.so");
    let whole = fs::read(&code).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for (bytes, named) in [(&changed[..], "SHA-256"), (&whole[..whole.len() / 2], "bytes")] {
        fs::write(&code, bytes).unwrap();
        for engine in [&inductor, &auto] {
            let told = fail(generate("128", "out.png", engine), 1);
            assert!(told.contains(named) && told.contains("model.so"), "{told}");
        }
    }
    assert!(!at.join("out.png").exists());
}

/// The output of a command that must say that something does not fit.
fn fail_quietly(output: std::process::Output) -> std::process::Output {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    output
}
