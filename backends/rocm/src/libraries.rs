//! Where ROCm's libraries are.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;
use tintype_gpu::Dialect;
use tintype_gpu::compiler::Rtc;
use tintype_gpu::driver::{Missing, Opened, Search, existing, matching};

/// The environment variable that names a library that stands for all of them: a software double, for tests.
pub(crate) const DRIVER_VARIABLE: &str = "TINTYPE_ROCM_DRIVER";

/// What to do where one is missing.
pub(crate) const REMEDY: &str =
    "Install ROCm 6.2 or later (https://rocm.docs.amd.com), or set ROCM_PATH to where it is";

/// A library of ROCm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// HIP's runtime.
    Hip,
    /// hiprtc: the compiler of kernels. Until ROCm 6 it was in HIP's runtime too.
    Hiprtc,
    /// hipBLASLt: matrix products. It asks the loader for HIP's runtime by name, which is open by then.
    HipblasLt,
}

impl Library {
    /// What people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Library::Hip => "the HIP runtime",
            Library::Hiprtc => "hiprtc",
            Library::HipblasLt => "hipBLASLt",
        }
    }

    /// File names, newest first. The plain one is a link that development packages bring.
    fn names(self) -> &'static [&'static str] {
        match self {
            Library::Hip => &["libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so"],
            Library::Hiprtc => &["libhiprtc.so.7", "libhiprtc.so.6", "libhiprtc.so"],
            Library::HipblasLt => &["libhipblaslt.so.1", "libhipblaslt.so.0", "libhipblaslt.so"],
        }
    }
}

/// `$ROCM_PATH/lib`, `/opt/rocm/lib`, and the folders of versions beside it, newest first.
fn folders(rocm: Option<PathBuf>, opt: PathBuf) -> Vec<PathBuf> {
    let mut versions = matching(&opt, "rocm-");
    versions.reverse();
    let roots = rocm.into_iter().chain([opt.join("rocm")]).chain(versions);
    existing(roots.flat_map(|root| [root.join("lib"), root.join("lib64")]).collect())
}

/// The library, looked for and opened at the first call.
pub(crate) fn find(library: Library) -> Result<&'static Opened, &'static Missing> {
    static FOUND: [OnceLock<Result<Opened, Missing>>; 3] = [const { OnceLock::new() }; 3];
    let search = || {
        let rocm = env::var_os("ROCM_PATH").map(PathBuf::from).filter(|path| path.is_absolute());
        let search = Search {
            title: library.title(),
            names: library.names(),
            folders: folders(rocm, "/opt".into()),
            variable: Some(DRIVER_VARIABLE),
            folders_first: true,
            beside: |_| Vec::new(),
        };
        search.open()
    };
    FOUND[library as usize].get_or_init(search).as_ref()
}

/// hiprtc, looked for at the first call, or why there is none and what to do.
pub(crate) fn hiprtc() -> Result<&'static Rtc, &'static (String, String)> {
    static HIPRTC: OnceLock<Result<Rtc, (String, String)>> = OnceLock::new();
    let load = || {
        let found = find(Library::Hiprtc).map_err(|missing| (missing.to_string(), REMEDY.into()))?;
        Rtc::load(found, Library::Hiprtc.title(), Dialect::Hip).map_err(|reason| (reason, REMEDY.into()))
    };
    HIPRTC.get_or_init(load).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_the_user_points_at_comes_before_the_machines_own_and_the_newest_version_first() {
        let temp = tempfile::tempdir().unwrap();
        let folder = |path: &str| {
            let path = temp.path().join(path);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let expected = [
            folder("mine/lib"),
            folder("opt/rocm/lib"),
            folder("opt/rocm-7.0.1/lib"),
            folder("opt/rocm-6.4.0/lib"),
        ];
        assert_eq!(folders(Some(temp.path().join("mine")), temp.path().join("opt")), expected);
    }
}
