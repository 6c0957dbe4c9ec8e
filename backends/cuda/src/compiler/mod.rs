//! From a kernel's source to a cubin: compiled by NVRTC, or found on disk.

mod cache;
pub(crate) mod folder;
mod nvrtc;

use cache::Cache;
pub(crate) use cache::Key;
use tintype_accel::{Error, Result};
use tintype_gpu::{Architecture, KernelSource};

/// Compiles for one architecture. Entries of the cache that do not hold what they should are made anew.
pub(crate) struct Compiler {
    architecture: String,
    options: Vec<String>,
    cache: Option<Cache>,
}

fn options(architecture: &Architecture) -> Vec<String> {
    vec![format!("--gpu-architecture={}", architecture.name), "--std=c++17".into()]
}

fn internal(reason: String) -> Error {
    Error::Internal { backend: "cuda".into(), reason }
}

fn unavailable(entry: &str, (reason, remedy): &(String, String)) -> Error {
    Error::Unavailable {
        backend: "cuda".into(),
        reason: format!("kernel `{entry}` must be compiled, and {reason}"),
        remedy: remedy.clone(),
    }
}

/// What NVRTC warns of in a kernel that it compiles for an architecture, device or not; nothing is looked up or kept. For
/// tests.
///
/// # Errors
///
/// [`Error::Unavailable`] where there is no NVRTC; [`Error::Internal`] with its log where the kernel does not compile.
pub fn warnings(source: &KernelSource, architecture: &Architecture) -> Result<String> {
    let compiler = nvrtc::nvrtc().map_err(|missing| unavailable(&source.entry, missing))?;
    let text = format!("{}\n{}", tintype_gpu::prelude::text(architecture), source.code);
    let (_, log) = compiler.compile(&source.entry, &text, &options(architecture)).map_err(internal)?;
    Ok(log)
}

/// Code for a device.
#[derive(Debug)]
pub(crate) struct Cubin {
    /// An ELF file.
    pub(crate) bytes: Vec<u8>,
    /// Whether it was compiled now, rather than found.
    pub(crate) compiled: bool,
    key: Key,
}

impl Compiler {
    /// For an architecture, with the cache of this user if there is one.
    pub(crate) fn new(architecture: &Architecture) -> Self {
        Self::with_cache(architecture, folder::of_user().map(Cache::new))
    }

    fn with_cache(architecture: &Architecture, cache: Option<Cache>) -> Self {
        Self { architecture: architecture.name.clone(), options: options(architecture), cache }
    }

    /// Code for `source`, prelude included. `entry` names it in messages.
    pub(crate) fn cubin(&self, entry: &str, source: &str) -> Result<Cubin> {
        let compiler = nvrtc::nvrtc();
        let version = compiler.map(|compiler| compiler.version.as_str()).ok();
        let key = Key::new(source, &self.options, &self.architecture);
        if let Some(bytes) = self.cache.as_ref().and_then(|cache| cache.read(&key, version)) {
            return Ok(Cubin { bytes, compiled: false, key });
        }
        let compiler = compiler.map_err(|missing| unavailable(entry, missing))?;
        let (bytes, _) = compiler.compile(entry, source, &self.options).map_err(internal)?;
        if let Some(cache) = &self.cache {
            cache.write(&key, &compiler.version, &bytes);
        }
        Ok(Cubin { bytes, compiled: true, key })
    }

    /// Removes what the cache holds for a cubin that the device does not take.
    pub(crate) fn discard(&self, cubin: &Cubin) {
        if let Some(cache) = &self.cache {
            cache.remove(&cubin.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"extern "C" __global__ void twice(float *x) { x[threadIdx.x] *= 2.0f; }"#;

    fn compiler(folder: &std::path::Path) -> Option<Compiler> {
        if let Err((reason, _)) = nvrtc::nvrtc() {
            println!("NOT RUN, there is no NVRTC: {reason}");
            return None;
        }
        Some(Compiler::with_cache(&Architecture::hopper(), Some(Cache::new(folder.to_path_buf()))))
    }

    #[test]
    fn a_kernel_is_compiled_once_and_found_by_another_compiler() {
        let folder = tempfile::tempdir().unwrap();
        let Some(first) = compiler(folder.path()) else { return };
        let made = first.cubin("twice", SOURCE).unwrap();
        assert!(made.compiled && made.bytes.starts_with(b"\x7fELF"));
        let found = compiler(folder.path()).unwrap().cubin("twice", SOURCE).unwrap();
        assert!(!found.compiled);
        assert_eq!(found.bytes, made.bytes);
        first.discard(&found);
        assert!(first.cubin("twice", SOURCE).unwrap().compiled);
    }

    #[test]
    fn another_architecture_is_another_entry() {
        let folder = tempfile::tempdir().unwrap();
        let Some(hopper) = compiler(folder.path()) else { return };
        let ampere = Architecture { name: "sm_80".into(), capability: 80, ..Architecture::hopper() };
        let ampere = Compiler::with_cache(&ampere, Some(Cache::new(folder.path().to_path_buf())));
        assert!(hopper.cubin("twice", SOURCE).unwrap().compiled);
        assert!(ampere.cubin("twice", SOURCE).unwrap().compiled);
    }

    #[test]
    fn an_error_names_the_kernel_and_holds_the_compilers_log() {
        let folder = tempfile::tempdir().unwrap();
        let Some(compiler) = compiler(folder.path()) else { return };
        let error =
            compiler.cubin("broken", "extern \"C\" __global__ void broken() { nonsense }").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`broken`") && text.contains("broken.cu(1): error"), "{text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_nul_in_the_source_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let Some(compiler) = compiler(folder.path()) else { return };
        assert!(compiler.cubin("broken", "a\0b").is_err());
    }
}
