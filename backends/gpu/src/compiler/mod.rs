//! From a kernel's source to code for a device: compiled by the vendor's library, or found on disk.

mod cache;
pub mod folder;
mod rtc;

use crate::{Architecture, Dialect, KernelSource};
use cache::Cache;
pub use cache::Key;
pub use rtc::Rtc;
use std::path::PathBuf;
use tintype_accel::{Error, Result};

/// A vendor's compiler, looked for at the first call, or why there is none and what to do.
pub type FindRtc = fn() -> std::result::Result<&'static Rtc, &'static (String, String)>;

/// Compiles for one architecture. Entries of the cache that do not hold what they should are made anew.
pub struct Compiler {
    backend: &'static str,
    rtc: FindRtc,
    /// As the cache knows it: a device's features tell no kernels apart.
    architecture: String,
    /// The one that names the architecture, and the others.
    target: String,
    options: Vec<String>,
    cache: Option<Cache>,
}

/// Code for a device.
#[derive(Debug)]
pub struct Code {
    /// An ELF file.
    pub bytes: Vec<u8>,
    /// Whether it was compiled now, rather than found.
    pub compiled: bool,
    key: Key,
}

impl Compiler {
    /// For an architecture, with the cache of this user if there is one.
    pub fn new(backend: &'static str, rtc: FindRtc, architecture: &Architecture) -> Self {
        Self::with_folder(backend, rtc, architecture, folder::of_user())
    }

    /// As [`Compiler::new`], with a cache in a folder, or none.
    pub fn with_folder(
        backend: &'static str,
        rtc: FindRtc,
        architecture: &Architecture,
        folder: Option<PathBuf>,
    ) -> Self {
        let name = &architecture.name;
        let (target, ending) = match architecture.dialect {
            Dialect::Cuda => (format!("--gpu-architecture={name}"), "cubin"),
            Dialect::Hip => (format!("--offload-arch={name}"), "hsaco"),
        };
        Self {
            backend,
            rtc,
            architecture: name.split(':').next().unwrap_or(name).to_owned(),
            target,
            options: vec!["--std=c++17".into()],
            cache: folder.map(|folder| Cache::new(folder, ending)),
        }
    }

    fn unavailable(&self, entry: &str, (reason, remedy): &(String, String)) -> Error {
        Error::Unavailable {
            backend: self.backend.into(),
            reason: format!("kernel `{entry}` must be compiled, and {reason}"),
            remedy: remedy.clone(),
        }
    }

    /// The code of a text, and what the compiler warns of.
    fn make(&self, rtc: &Rtc, entry: &str, text: &str) -> Result<(Vec<u8>, String)> {
        let options: Vec<_> = [&self.target].into_iter().chain(&self.options).cloned().collect();
        let made = rtc.compile(entry, text, &options);
        made.map_err(|reason| Error::Internal { backend: self.backend.into(), reason })
    }

    /// Code for `source`, prelude included. `entry` names it in messages.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] where it must be compiled and there is no compiler; [`Error::Internal`] with its log where it
    /// does not compile.
    pub fn code(&self, entry: &str, source: &str) -> Result<Code> {
        let rtc = (self.rtc)();
        let version = rtc.map(|rtc| rtc.version.as_str()).ok();
        let key = Key::new(source, &self.options, &self.architecture);
        if let Some(bytes) = self.cache.as_ref().and_then(|cache| cache.read(&key, version)) {
            return Ok(Code { bytes, compiled: false, key });
        }
        let rtc = rtc.map_err(|missing| self.unavailable(entry, missing))?;
        let (bytes, _) = self.make(rtc, entry, source)?;
        if let Some(cache) = &self.cache {
            cache.write(&key, &rtc.version, &bytes);
        }
        Ok(Code { bytes, compiled: true, key })
    }

    /// Removes what the cache holds for code that the device does not take.
    pub fn discard(&self, code: &Code) {
        if let Some(cache) = &self.cache {
            cache.remove(&code.key);
        }
    }

    /// What the compiler warns of in a kernel, device or not; nothing is looked up or kept. For tests.
    ///
    /// # Errors
    ///
    /// As of [`Compiler::code`].
    pub fn warnings(&self, source: &KernelSource, architecture: &Architecture) -> Result<String> {
        let rtc = (self.rtc)().map_err(|missing| self.unavailable(&source.entry, missing))?;
        let text = format!("{}\n{}", crate::prelude::text(architecture), source.code);
        Ok(self.make(rtc, &source.entry, &text)?.1)
    }
}
