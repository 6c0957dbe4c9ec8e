//! What the tests of the command line share.
#![allow(dead_code, reason = "no test uses all of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tintype::Picture;

pub fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models").join(name)
}

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").env_remove("NO_COLOR");
    command.stdin(Stdio::null());
    command
}

pub fn tintype(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// Arguments of a run that is quick.
pub fn small<'a>(start: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let model: &'static str = model("flux-base").to_str().unwrap().to_owned().leak();
    let size =
        ["--model", model, "--width", "48", "--height", "32", "--steps", "2", "--max-sequence-length", "24"];
    [start, &size, more].concat()
}

/// `generate` with a prompt and a small size, and more arguments; it must succeed.
pub fn generate(folder: &Path, more: &[&str]) -> Output {
    succeed(tintype(folder, &small(&["generate", "a red heart"], more)))
}

pub fn succeed(output: Output) -> Output {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    output
}

/// What a run that must fail with this code tells.
pub fn fail(output: Output, code: i32) -> String {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    told
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn read(folder: &Path, name: &str) -> Picture {
    tintype::pipeline::files::read_picture(&folder.join(name)).unwrap()
}

pub fn keyword<'p>(picture: &'p Picture, keyword: &str) -> &'p str {
    &picture.text.iter().find(|(k, _)| k == keyword).unwrap_or_else(|| panic!("no {keyword}")).1
}
