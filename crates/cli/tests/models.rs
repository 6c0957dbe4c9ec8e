//! Where `generate` takes its model from, as a script sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../pipeline/tests/hub_server/mod.rs"]
mod hub_server;

use hub_server::{Server, Site, files_of};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

fn generate(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.current_dir(folder).args(["generate", "a red heart", "-o", "out.png"]).args(more);
    for key in ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        command.env_remove(key);
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

const SMALL: [&str; 8] = ["--width", "48", "--height", "32", "--steps", "2", "--max-sequence-length", "24"];

/// The picture's bytes without the text that names the model, and what was told.
fn draw(model: &[&str], variables: &[(&str, &str)]) -> (Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = generate(folder.path(), &[model, &SMALL].concat(), variables);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    (tintype::pipeline::files::read_png(&folder.path().join("out.png")).unwrap().rgb, told)
}

fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = generate(folder.path(), &[arguments, &SMALL].concat(), variables);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn single_files_beside_a_folder_give_its_picture() {
    let (base, single) = (fixture("models/flux-base"), fixture("single/flux-base"));
    let base = base.to_str().unwrap();
    let (flux, ae) = (single.join("flux1.safetensors"), single.join("ae.safetensors"));
    let (flux, ae) = (flux.to_str().unwrap(), ae.to_str().unwrap());
    let (picture, _) = draw(&["--model", base, "--transformer", flux, "--vae", ae], &[]);
    assert!(picture == draw(&["--model", base], &[]).0);

    let (code, told) = refusal(&["--transformer", flux], &[]);
    assert!(code == Some(2) && told.contains("--model"), "{told}");
    let (code, told) = refusal(&["--model", flux], &[]);
    assert!(code == Some(1) && told.contains("--transformer") && told.contains("tokenizers"), "{told}");
}

#[test]
fn a_repository_is_downloaded_once_and_drawn_with() {
    let base = fixture("models/flux-base");
    let server = Server::start(Site { files: files_of(&base), ..Site::default() });
    let home = tempfile::tempdir().unwrap();
    let variables = [("HF_ENDPOINT", server.endpoint.as_str()), ("HF_HOME", home.path().to_str().unwrap())];
    let (picture, told) = draw(&["--model", "org/flux"], &variables);
    assert!(picture == draw(&["--model", base.to_str().unwrap()], &[]).0);
    assert!(!told.contains('\u{1b}'), "no bars off a terminal: {told}");
    let before = server.asked().len();
    assert!(draw(&["--model", "org/flux"], &variables).0 == picture);
    assert_eq!(server.asked().len(), before);

    let (code, told) = refusal(&["--model", "org/none"], &variables);
    assert!(code == Some(1) && told.contains("org/none") && told.contains("check the name"), "{told}");
    let offline = [variables[1], ("HF_HUB_OFFLINE", "1")];
    let (code, told) = refusal(&["--model", "org/none"], &offline);
    assert!(code == Some(1) && told.contains("HF_HUB_OFFLINE is set"), "{told}");
}

#[test]
fn without_a_model_the_built_in_one_draws() {
    if tintype::bundled().is_none() {
        let (code, told) = refusal(&[], &[]);
        assert!(code == Some(1) && told.contains("--model"), "{told}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = generate(folder.path(), &["--steps", "1"], &[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("model: built-in:emoji")).count(), 1, "{told}");
    assert!(folder.path().join("out.png").exists());
}
