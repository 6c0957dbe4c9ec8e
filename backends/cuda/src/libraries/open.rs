//! Opening libraries, once a process, in the order in which they need each other.

use super::places::Surroundings;
use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tintype_gpu::compiler::{Compiler, Rtc};
use tintype_gpu::driver::{Missing, Opened, Search, matching, open};
use tintype_gpu::{Architecture, Dialect, KernelSource};

/// The environment variable that names another driver library than the machine's: a software double, for tests.
const DRIVER_VARIABLE: &str = "TINTYPE_CUDA_DRIVER";

/// A library of the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// The driver, `libcuda.so.1`.
    Cuda,
    /// cuBLASLt: matrix products.
    CublasLt,
    /// cuDNN: attention and convolution.
    Cudnn,
    /// NVRTC: the compiler of kernels.
    Nvrtc,
}

/// A library that is open.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its file.
    pub(crate) path: PathBuf,
    /// What it says of its version; nothing for the driver, which is asked through its table.
    pub(crate) version: Option<String>,
    /// The library, never closed.
    pub(crate) library: &'static libloading::Library,
}

/// The library, looked for and opened at the first call. Those that it needs are opened before it.
pub(crate) fn find(library: Library) -> Result<&'static Found, &'static Missing> {
    static FOUND: [OnceLock<Result<Found, Missing>>; 4] = [const { OnceLock::new() }; 4];
    match library {
        Library::Cuda | Library::Nvrtc => {}
        // They ask the loader for the driver by name.
        Library::CublasLt => {
            let _ = find(Library::Cuda);
        }
        // cuDNN ends the process if it cannot load cuBLASLt, and finds few engines without NVRTC.
        Library::Cudnn => {
            find(Library::CublasLt)?;
            let _ = find(Library::Nvrtc);
        }
    }
    FOUND[library as usize].get_or_init(|| search(library, &Surroundings::of_process())).as_ref()
}

impl Library {
    /// What people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Library::Cuda => "CUDA driver",
            Library::CublasLt => "cuBLASLt",
            Library::Cudnn => "cuDNN",
            Library::Nvrtc => "NVRTC",
        }
    }

    /// File names, best first. A driver runs libraries of its own major version and of those before it.
    fn names(self) -> &'static [&'static str] {
        // Which driver there is matters only to what runs on it, and is not yet known while it is looked for.
        let depends = matches!(self, Library::CublasLt | Library::Nvrtc);
        let old = depends && driver_major().is_some_and(|major| major < 13);
        match (self, old) {
            (Library::Cuda, _) => &["libcuda.so.1"],
            (Library::CublasLt, false) => &["libcublasLt.so.13", "libcublasLt.so.12"],
            (Library::CublasLt, true) => &["libcublasLt.so.12"],
            (Library::Cudnn, _) => &["libcudnn.so.9"],
            (Library::Nvrtc, false) => &["libnvrtc.so.13", "libnvrtc.so.12"],
            (Library::Nvrtc, true) => &["libnvrtc.so.12"],
        }
    }

    /// How it is installed.
    pub(crate) fn remedy(self) -> String {
        let major = driver_major().map_or(13, |major| major.clamp(12, 13));
        match self {
            Library::Cuda => {
                "Install NVIDIA's driver; in a container, start it with the GPUs (`--gpus all`), so that the \
                              driver's libraries are mounted"
                    .into()
            }
            Library::CublasLt if major == 12 => "Install it with `pip install nvidia-cublas-cu12`".into(),
            Library::CublasLt => "Install it with `pip install nvidia-cublas`".into(),
            Library::Cudnn => format!("Install it with `pip install nvidia-cudnn-cu{major}`"),
            Library::Nvrtc if major == 12 => "Install it with `pip install nvidia-cuda-nvrtc-cu12`".into(),
            Library::Nvrtc => "Install it with `pip install nvidia-cuda-nvrtc`".into(),
        }
    }

    /// What an open library says of its version.
    fn version(self, library: &libloading::Library) -> Option<String> {
        let number = |symbol: &[u8]| {
            // SAFETY: both functions are `size_t f(void)` in their headers.
            unsafe { library.get::<unsafe extern "C" fn() -> usize>(symbol) }.ok().map(|call| {
                // SAFETY: as above; they only return a constant.
                unsafe { call() }
            })
        };
        match self {
            Library::Cuda => None,
            Library::CublasLt => number(b"cublasLtGetVersion\0")
                .map(|n| format!("{}.{}.{}", n / 10_000, n / 100 % 100, n % 100)),
            Library::Cudnn => {
                number(b"cudnnGetVersion\0").map(|n| format!("{}.{}.{}", n / 10_000, n / 100 % 100, n % 100))
            }
            Library::Nvrtc => {
                let (mut major, mut minor) = (0, 0);
                // SAFETY: `nvrtcResult nvrtcVersion(int *, int *)`, and both may be written.
                let call = unsafe {
                    library.get::<unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int>(b"nvrtcVersion\0")
                };
                // SAFETY: as above.
                let status = unsafe { call.ok()?(&mut major, &mut minor) };
                (status == 0).then(|| format!("{major}.{minor}"))
            }
        }
    }
}

/// The driver's major version of CUDA, if there is a driver.
fn driver_major() -> Option<i32> {
    static MAJOR: OnceLock<Option<i32>> = OnceLock::new();
    *MAJOR.get_or_init(|| {
        let driver = find(Library::Cuda).ok()?;
        let mut version = 0;
        // SAFETY: `CUresult cuDriverGetVersion(int *)`, which needs no initialisation.
        let call = unsafe {
            driver.library.get::<unsafe extern "C" fn(*mut c_int) -> c_int>(b"cuDriverGetVersion\0")
        };
        // SAFETY: as above; the integer may be written.
        let status = unsafe { call.ok()?(&mut version) };
        (status == 0 && version >= 1000).then_some(version / 1000)
    })
}

fn search(library: Library, surroundings: &Surroundings) -> Result<Found, Missing> {
    let search = Search {
        title: library.title(),
        names: library.names(),
        folders: match library {
            Library::Cuda => surroundings.driver_folders(),
            _ => surroundings.library_folders(),
        },
        variable: (library == Library::Cuda).then_some(DRIVER_VARIABLE),
        folders_first: false,
        beside: if library == Library::Nvrtc { builtins } else { |_| Vec::new() },
    };
    let Opened { path, library: opened } = search.open()?;
    Ok(Found { path, version: library.version(opened), library: opened })
}

/// NVRTC asks the loader for its built-in functions by name, at the first compilation.
fn builtins(path: &Path) -> Vec<String> {
    let beside = path.parent().map(|folder| matching(folder, "libnvrtc-builtins.so.")).unwrap_or_default();
    beside.iter().filter_map(|file| open(file).err()).collect()
}

/// NVRTC's compiler, looked for at the first call, or why there is none and what to do.
pub(crate) fn nvrtc() -> Result<&'static Rtc, &'static (String, String)> {
    static NVRTC: OnceLock<Result<Rtc, (String, String)>> = OnceLock::new();
    let load = || {
        let remedy = Library::Nvrtc.remedy();
        let found = find(Library::Nvrtc).map_err(|missing| (missing.to_string(), remedy.clone()))?;
        let opened = Opened { path: found.path.clone(), library: found.library };
        Rtc::load(&opened, Library::Nvrtc.title(), Dialect::Cuda).map_err(|reason| (reason, remedy))
    };
    NVRTC.get_or_init(load).as_ref()
}

/// What NVRTC warns of in a kernel that it compiles for an architecture, device or not. For tests.
///
/// # Errors
///
/// [`tintype_accel::Error::Unavailable`] where there is no NVRTC; [`tintype_accel::Error::Internal`] with its log where the kernel
/// does not compile.
pub fn warnings(source: &KernelSource, architecture: &Architecture) -> tintype_accel::Result<String> {
    Compiler::with_folder(crate::probe::BACKEND, nvrtc, architecture, None).warnings(source, architecture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_missing_is_told_with_the_places_and_the_loaders_words() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("usr/lib64");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("libcudnn.so.9"), "no library").unwrap();
        let surroundings = Surroundings { root: temp.path().to_path_buf(), ..Surroundings::default() };
        match search(Library::Cudnn, &surroundings) {
            Ok(found) => println!("the loader's path has cuDNN: {}", found.path.display()),
            Err(missing) => {
                assert_eq!(missing.tried, [folder.join("libcudnn.so.9")]);
                let text = missing.to_string();
                assert!(text.contains("usr/lib64") && text.contains("file too short"), "{text}");
            }
        }
    }
}
