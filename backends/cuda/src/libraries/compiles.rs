//! Kernels compiled by NVRTC and kept on disk.

use super::nvrtc;
use tintype_gpu::Architecture;
use tintype_gpu::compiler::Compiler;

const SOURCE: &str = r#"extern "C" __global__ void twice(float *x) { x[threadIdx.x] *= 2.0f; }"#;

fn made_for(architecture: &Architecture, folder: &std::path::Path) -> Compiler {
    Compiler::with_folder("cuda", nvrtc, architecture, Some(folder.to_path_buf()))
}

fn compiler(folder: &std::path::Path) -> Option<Compiler> {
    if let Err((reason, _)) = nvrtc() {
        println!("NOT RUN, there is no NVRTC: {reason}");
        return None;
    }
    Some(made_for(&Architecture::hopper(), folder))
}

#[test]
fn a_kernel_is_compiled_once_and_found_by_another_compiler() {
    let folder = tempfile::tempdir().unwrap();
    let Some(first) = compiler(folder.path()) else { return };
    let made = first.code("twice", SOURCE).unwrap();
    assert!(made.compiled && made.bytes.starts_with(b"\x7fELF"));
    let found = compiler(folder.path()).unwrap().code("twice", SOURCE).unwrap();
    assert!(!found.compiled);
    assert_eq!(found.bytes, made.bytes);
    first.discard(&found);
    assert!(first.code("twice", SOURCE).unwrap().compiled);
}

#[test]
fn another_architecture_is_another_entry() {
    let folder = tempfile::tempdir().unwrap();
    let Some(hopper) = compiler(folder.path()) else { return };
    let ampere = Architecture { name: "sm_80".into(), capability: 80, ..Architecture::hopper() };
    let ampere = made_for(&ampere, folder.path());
    assert!(hopper.code("twice", SOURCE).unwrap().compiled);
    assert!(ampere.code("twice", SOURCE).unwrap().compiled);
}

#[test]
fn an_error_names_the_kernel_and_holds_the_compilers_log() {
    let folder = tempfile::tempdir().unwrap();
    let Some(compiler) = compiler(folder.path()) else { return };
    let error = compiler.code("broken", "extern \"C\" __global__ void broken() { nonsense }").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`broken`") && text.contains("broken.cu(1): error"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_nul_in_the_source_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let Some(compiler) = compiler(folder.path()) else { return };
    assert!(compiler.code("broken", "a\0b").is_err());
}
