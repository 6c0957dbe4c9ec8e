//! libtorch as an engine: Programs run eagerly through ATen, an operation at a time, on whatever device the libtorch that was
//! linked has. It is the baseline that other plugins are measured beside, in the same process, and an oracle that shares no
//! kernel with them.
//!
//! The crate is empty without its feature `libtorch`, which needs libtorch to build: `LIBTORCH_USE_PYTORCH=1` takes that of the
//! Python on the path, `LIBTORCH` names a folder. `registry` gives devices under the names of the plugins that drive them too:
//!
//! ```no_run
//! # #[cfg(feature = "libtorch")] {
//! use std::sync::Arc;
//! use tintype_accel::OpenOptions;
//! use tintype_cpu::CpuDriver;
//!
//! let devices = tintype_torch::registry([Arc::new(CpuDriver::default()) as _]);
//! let device = devices.open("cpu", None, &OpenOptions::default())?.accelerator;
//! println!("{}, libtorch {}", device.device().name, tintype_torch::version());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "libtorch")]
mod accelerator;
#[cfg(feature = "libtorch")]
mod context;
#[cfg(feature = "libtorch")]
mod driver;
#[cfg(feature = "libtorch")]
mod family;
#[cfg(feature = "libtorch")]
mod instance;
#[cfg(feature = "libtorch")]
mod ops;
#[cfg(feature = "libtorch")]
mod plan;
#[cfg(feature = "libtorch")]
mod run;
#[cfg(feature = "libtorch")]
mod storage;

#[cfg(feature = "libtorch")]
pub use driver::{TorchDriver, registry};
#[cfg(feature = "libtorch")]
pub use family::version;
