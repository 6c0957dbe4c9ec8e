//! What this libtorch has: its version, and kinds of devices.

use std::sync::OnceLock;
use tch::{Cuda, Device, utils};
use tintype_accel::{Obstacle, ObstacleKind};

/// A kind of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// The machine's processors.
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
    /// AMD GPUs, which a libtorch for ROCm calls by CUDA's names.
    Rocm,
    /// Apple's GPU.
    Mps,
}

impl Family {
    pub(crate) const ALL: [Family; 4] = [Family::Cpu, Family::Cuda, Family::Rocm, Family::Mps];

    /// The name that the device's own plugin has.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Family::Cpu => "cpu",
            Family::Cuda => "cuda",
            Family::Rocm => "rocm",
            Family::Mps => "mps",
        }
    }

    /// libtorch's name of a device.
    pub(crate) fn device(self, ordinal: usize) -> Device {
        match self {
            Family::Cpu => Device::Cpu,
            Family::Cuda | Family::Rocm => Device::Cuda(ordinal),
            Family::Mps => Device::Mps,
        }
    }

    /// How many devices there are; or why there is none.
    pub(crate) fn count(self) -> Result<usize, Obstacle> {
        let found = match self {
            Family::Cpu => 1,
            Family::Cuda | Family::Rocm => {
                self.library()?;
                usize::try_from(Cuda::device_count()).unwrap_or_default()
            }
            Family::Mps if utils::has_mps() => 1,
            Family::Mps => return Err(self.lacking("it has no Metal")),
        };
        match found {
            0 => Err(Obstacle {
                kind: ObstacleKind::NoDevice,
                reason: format!("libtorch {} finds no device of {}", version(), self.name()),
                remedy: "`tintype devices` says what the driver lacks; `--backend cpu` runs without a GPU"
                    .into(),
            }),
            found => Ok(found),
        }
    }

    /// Opens the part of libtorch that drives the family. It is never called by name, so that a linker may leave it out.
    fn library(self) -> Result<(), Obstacle> {
        static CUDA: OnceLock<Result<(), String>> = OnceLock::new();
        static ROCM: OnceLock<Result<(), String>> = OnceLock::new();
        let (opened, name) = match self {
            Family::Cpu | Family::Mps => return Ok(()),
            Family::Cuda => (&CUDA, "torch_cuda"),
            Family::Rocm => (&ROCM, "torch_hip"),
        };
        opened.get_or_init(|| open(name)).as_ref().map_err(|reason| self.lacking(reason)).copied()
    }

    fn lacking(self, reason: &str) -> Obstacle {
        let (version, name) = (version(), self.name());
        Obstacle {
            kind: ObstacleKind::LibraryNotFound,
            reason: format!("the libtorch {version} of this build has nothing for {name}: {reason}"),
            remedy: format!(
                "Build tintype with the libtorch of a PyTorch for {name}, or run `--engine torch --backend cpu`"
            ),
        }
    }
}

/// Opens a library of libtorch's, found as libtorch itself was, for as long as the process lasts.
fn open(name: &str) -> Result<(), String> {
    // SAFETY: the library is a part of the libtorch that this program is linked with; opening it enters its kernels.
    let library = unsafe { libloading::Library::new(libloading::library_filename(name)) };
    // It has threads and tables of the process: closing it is not foreseen.
    library.map(std::mem::forget).map_err(|error| {
        // The loader's own words stand behind those of the crate.
        std::error::Error::source(&error).map_or_else(|| error.to_string(), |source| source.to_string())
    })
}

/// The version of the libtorch that was linked: `2.11.0`.
pub fn version() -> String {
    unsafe extern "C" {
        fn aoti_torch_abi_version() -> u64;
    }
    // SAFETY: a function of libtorch's C interface that takes nothing and gives a number.
    let [major, minor, patch, ..] = unsafe { aoti_torch_abi_version() }.to_be_bytes();
    format!("{major}.{minor}.{patch}")
}
