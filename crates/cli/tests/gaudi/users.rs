//! What users of Gaudi rely on: their configuration, and a library that is missing.

use crate::common::{self, command, fail, files, read, small, succeed, text};
use std::fs;
use std::path::Path;
use std::process::Output;
use tintype_tests::synapse;

/// A run on the software Synapse.
fn run(folder: &Path, library: &Path, more: &[&str]) -> Output {
    let arguments = small(&["generate", "a red heart", "--backend", "gaudi"], more);
    command(folder, &arguments).env("TINTYPE_SYNAPSE", library).output().unwrap()
}

/// The mean difference of two pictures' levels.
fn difference(folder: &Path, a: &str, b: &str) -> f64 {
    let (a, b) = (read(folder, a), read(folder, b));
    assert_eq!(a.rgb.len(), b.rgb.len());
    let sum: u64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb.len() as f64
}

#[test]
fn a_gaudi_config_is_read_and_says_what_has_no_effect() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let config = r#"{"use_torch_autocast": true, "use_fused_adam": true, "use_hmp": 1,
        "autocast_bf16_ops": ["linear", "matmul", "conv2d", "dropout"], "autocast_fp32_ops": ["softmax"]}"#;
    fs::write(folder.join("gaudi_config.json"), config).unwrap();
    for dtype in ["f32", "bf16"] {
        let name = format!("{dtype}.png");
        succeed(run(folder, &library, &["--dtype", dtype, "--noise-dtype", "bf16", "-o", &name]));
    }
    let more = ["--dtype", "f32", "--noise-dtype", "bf16", "--gaudi-config", ".", "-o", "mixed.png"];
    let told = text(&succeed(run(folder, &library, &more)).stderr);
    for part in [
        "use_fused_adam has no effect: it is about training",
        "use_hmp is not known",
        "no operation here goes by dropout",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let [mixed, short] = ["mixed.png", "bf16.png"].map(|name| difference(folder, "f32.png", name));
    assert!(mixed > 0.0 && mixed < 2.0 * short + 0.1, "{mixed} levels from f32; bf16 throughout {short}");
    let made = read(folder, "mixed.png");
    assert!(common::keyword(&made, "tintype").contains("with autocast"), "the record says it");

    let more = ["--dtype", "bf16", "--gaudi-config", "gaudi_config.json", "-o", "b.png"];
    let told = text(&succeed(run(folder, &library, &more)).stderr);
    assert!(told.contains("use_torch_autocast has no effect, since all is computed in bf16"), "{told}");
    assert_eq!(read(folder, "b.png").rgb, {
        succeed(run(folder, &library, &["--dtype", "bf16", "-o", "plain.png"]));
        read(folder, "plain.png").rgb
    });
}

#[test]
fn a_gaudi_config_lies_in_the_models_folder_and_is_checked() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tintype_tests::copy_folder(&common::model("flux-base"), &folder.join("model"));
    fs::write(folder.join("model/gaudi_config.json"), r#"{"use_dynamic_shapes": true}"#).unwrap();
    let arguments = ["generate", "x", "--model", "model", "--width", "32", "--height", "32", "--steps", "1"];
    let with = |more: &[&str]| {
        let arguments = [&arguments[..], more].concat();
        command(folder, &arguments).env("TINTYPE_SYNAPSE", &library).output().unwrap()
    };
    let told = text(&succeed(with(&["--backend", "gaudi"])).stderr);
    assert!(told.contains("use_dynamic_shapes has no effect"), "{told}");
    let told = text(&succeed(with(&["--backend", "cpu"])).stderr);
    assert!(!told.contains("gaudi"), "another backend has nothing to do with it: {told}");
    let named = ["--backend", "cpu", "--gaudi-config", "model"];
    assert!(text(&succeed(with(&named)).stderr).contains("--gaudi-config has no effect on cpu"));

    fs::write(folder.join("bad.json"), r#"{"use_torch_autocast": "yes"}"#).unwrap();
    for (file, part) in
        [("bad.json", "use_torch_autocast is \"yes\""), ("none.json", "cannot read none.json")]
    {
        let told = fail(with(&["--backend", "gaudi", "--gaudi-config", file]), 1);
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn without_a_library_one_error_says_what_was_looked_for_and_where() {
    if ["/usr/lib/habanalabs", "/usr/lib/libSynapse.so"].iter().any(|path| Path::new(path).exists()) {
        println!("skipped: there is a libSynapse.so here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = small(&["generate", "x"], &["--backend", "gaudi"]);
    let mut command = command(folder.path(), &arguments);
    let told = fail(command.env_remove("TINTYPE_SYNAPSE").output().unwrap(), 1);
    for part in [
        "`gaudi` cannot run here: libSynapse.so was not found",
        "libSynapse.so: cannot open",
        "libSynapse.so.1: cannot open",
        "/usr/lib/habanalabs/libSynapse.so: cannot open",
        "/usr/lib/habanalabs/libSynapse.so.1: cannot open",
        "TINTYPE_SYNAPSE",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    assert!(files(folder.path()).is_empty());
}
