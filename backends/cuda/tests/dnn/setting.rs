//! cuDNN on a machine without a GPU: its libraries from where pip puts them, a stand-in for the driver, and devices on paper.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tintype_cuda::dnn::{Companions, Dnn};

/// Names the folder `nvidia` of a Python's site-packages with nvidia-cudnn-cu13, nvidia-cublas and nvidia-cuda-nvrtc.
pub const VARIABLE: &str = "TINTYPE_NVIDIA_PACKAGES";

/// Everything that cuDNN needs, opened once.
static CUDNN: LazyLock<Result<(&'static libloading::Library, PathBuf), String>> = LazyLock::new(open);

/// A device that cuDNN is told of.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    pub name: &'static str,
    /// Compute capability times a hundred.
    pub version: u32,
    pub multiprocessors: u32,
    /// Shared memory that a block may ask for, in bytes.
    pub shared: u32,
}

pub const H100: Paper = Paper { name: "NVIDIA H100", version: 900, multiprocessors: 132, shared: 232_448 };
pub const A100: Paper = Paper { name: "NVIDIA A100", version: 800, multiprocessors: 108, shared: 166_912 };
pub const RTX5090: Paper =
    Paper { name: "NVIDIA RTX 5090", version: 1200, multiprocessors: 170, shared: 101_376 };

/// cuDNN for a device on paper; nothing, and a line that says so, where the libraries are not there.
pub fn cudnn(test: &str, paper: Paper, cache: Option<&Path>) -> Option<Dnn> {
    let (library, path) = match &*CUDNN {
        Ok((library, path)) => (*library, path),
        Err(reason) => {
            println!("test {test} ... not run: {reason}");
            return None;
        }
    };
    let companions = Companions { blas: true, compiler: true };
    Some(Dnn::deviceless(library, path, companions, &paper.json(), cache).unwrap())
}

fn open() -> Result<(&'static libloading::Library, PathBuf), String> {
    let packages = std::env::var_os(VARIABLE).ok_or_else(|| format!("{VARIABLE} names no folder"))?;
    let packages = PathBuf::from(packages);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    load(&stand_in(folder.path())?)?;
    for name in ["libcublasLt.so.13", "libnvrtc-builtins.so.13.0", "libnvrtc.so.13"] {
        load(&packages.join("cu13/lib").join(name))?;
    }
    let path = packages.join("cudnn/lib/libcudnn.so.9");
    Ok((load(&path)?, path))
}

fn load(path: &Path) -> Result<&'static libloading::Library, String> {
    // SAFETY: what NVIDIA's libraries do when they are loaded, and the stand-in does nothing.
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| error.to_string())?;
    Ok(Box::leak(Box::new(library)))
}

/// Builds the driver's stand-in, which may go once it is loaded: after that, cuDNN finds it by its name.
fn stand_in(folder: &Path) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dnn/libcuda.rs");
    let made = folder.join("libcuda.so.1");
    let out = Command::new("rustc")
        .args(["--edition", "2024", "--crate-type", "cdylib", "--crate-name", "libcuda"])
        .args(["-C", "panic=abort", "-C", "link-arg=-Wl,-soname,libcuda.so.1", "-A", "warnings", "-o"])
        .args([&made, &source])
        .output()
        .map_err(|error| format!("rustc: {error}"))?;
    if out.status.success() { Ok(made) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}

impl Paper {
    fn json(self) -> String {
        let Paper { name, version, multiprocessors, shared } = self;
        format!(
            r#"{{"deviceName":"{name}","cudaDeviceId":0,"deviceVer":{version},"driverVer":13000,
"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,
"multiProcessorCount":{multiprocessors},"smClockRateKHz":1755000,"memClockRateKHz":2619000,"l2CacheSize":52428800,
"warpSize":32,"maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":{shared},"reservedSharedMemoryPerBlock":1024,
"maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"pciDeviceId":0,
"isTccDriver":0,"supportCoopLaunch":1,"totalGlobalMem":85000000000,"memoryBusWidth":5120,
"oversizedSharedMemoryPerBlock":0}}"#
        )
    }
}
