//! Opening libraries, once a process, in the order in which they need each other.

use super::places::{Surroundings, matching};
use std::env;
use std::ffi::c_int;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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

/// A library that is not there or cannot be opened.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    /// Which.
    pub(crate) library: Library,
    /// The files that were tried.
    pub(crate) tried: Vec<PathBuf>,
    /// What the loader said of those that exist.
    pub(crate) refused: Vec<String>,
    /// Whether the environment names the only file that was tried.
    pub(crate) named: bool,
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

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not here: ", self.library.title())?;
        let mut folders: Vec<_> = match (self.named, &self.tried[..]) {
            (true, [path]) => {
                write!(f, "{DRIVER_VARIABLE} names {}, which cannot be opened", path.display())?;
                Vec::new()
            }
            _ => {
                write!(f, "the loader's path has no {}", self.library.names()[0])?;
                self.tried.iter().filter_map(|path| Some(path.parent()?.display().to_string())).collect()
            }
        };
        folders.sort();
        folders.dedup();
        if !folders.is_empty() {
            write!(f, ", nor has {}", folders.join(", "))?;
        }
        if !self.refused.is_empty() {
            write!(f, "; {}", self.refused.join("; "))?;
        }
        Ok(())
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
    let mut missing = Missing { library, tried: Vec::new(), refused: Vec::new(), named: false };
    if library == Library::Cuda
        && let Some(path) = env::var_os(DRIVER_VARIABLE).filter(|path| !path.is_empty())
    {
        missing.named = true;
        return attempt(library, Path::new(&path), &mut missing).ok_or(missing);
    }
    let folders = match library {
        Library::Cuda => surroundings.driver_folders(),
        _ => surroundings.library_folders(),
    };
    for name in library.names() {
        if let Ok(opened) = open(Path::new(name)) {
            return Ok(Found {
                path: loaded_from(name).unwrap_or_else(|| name.into()),
                version: library.version(opened),
                library: opened,
            });
        }
        for folder in &folders {
            if let Some(found) = attempt(library, &folder.join(name), &mut missing) {
                return Ok(found);
            }
        }
    }
    Err(missing)
}

/// Opens a file if there is one.
fn attempt(library: Library, path: &Path, missing: &mut Missing) -> Option<Found> {
    missing.tried.push(path.to_path_buf());
    if !path.exists() {
        return None;
    }
    if let (Library::Nvrtc, Some(folder)) = (library, path.parent()) {
        // NVRTC asks the loader for its built-in functions by name, at the first compilation.
        for builtins in matching(folder, "libnvrtc-builtins.so.") {
            if let Err(reason) = open(&builtins) {
                missing.refused.push(reason);
            }
        }
    }
    match open(path) {
        Ok(opened) => {
            let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
            Some(Found { path, version: library.version(opened), library: opened })
        }
        Err(reason) => {
            missing.refused.push(reason);
            None
        }
    }
}

/// Opens a library for the rest of the process.
fn open(path: &Path) -> Result<&'static libloading::Library, String> {
    #[cfg(unix)]
    // SAFETY: the vendor's libraries may be initialised on any thread at any time.
    let opened = unsafe {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
        Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL).map(libloading::Library::from)
    };
    #[cfg(not(unix))]
    // SAFETY: as above.
    let opened = unsafe { libloading::Library::new(path) };
    match opened {
        Ok(library) => Ok(Box::leak(Box::new(library))),
        Err(error) => Err(with_sources(&error)),
    }
}

/// libloading keeps what the loader said in the error's source.
fn with_sources(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => with_sources(source),
        None => error.to_string(),
    }
}

/// The file behind a library that the loader found by name.
fn loaded_from(name: &str) -> Option<PathBuf> {
    let stem = name.split(".so").next()?;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let paths = maps.lines().filter_map(|line| Some(&line[line.find('/')?..]));
    paths
        .map(Path::new)
        .find(|path| {
            let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
            file.strip_prefix(stem).is_some_and(|rest| rest.starts_with(".so"))
        })
        .map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

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
