//! The engine for ahead-of-time Inductor packages: PyTorch's compiler, without Python where pictures are made.
//!
//! Three steps. [`capture`] writes the Programs of a call to a folder. [`compile()`] has Python make a package of each: native code
//! and a manifest. [`InductorAccelerator`] puts a folder of packages on a device: a Program whose hash, device, architecture and
//! libtorch match a package's runs as that package, on memory of the device, with weights where they lie.
//!
//! ```no_run
//! use std::{path::Path, sync::Arc};
//! use tintype_inductor::{InductorAccelerator, Packages};
//! # fn example(device: Arc<dyn tintype_accel::Accelerator>) -> tintype_inductor::Result<()> {
//! let packages = Packages::open(Path::new("packages"))?;
//! let device = Arc::new(InductorAccelerator::new(device, packages, true)?);
//! // To be used as any other; afterwards:
//! for used in device.used() {
//!     println!("{}: {} ({})", used.program, used.engine, used.why);
//! }
//! # Ok(()) }
//! ```
//!
//! A package is native code, and whoever loads one trusts whoever made it. What is checked is that it is the one that was made:
//! every file is held against the manifest's SHA-256, and the code is loaded from the very bytes that were checked.

mod aot;
mod chain;
mod choice;
mod code;
mod engine;
mod error;
mod exporter;
mod instance;
mod jobs;
mod libtorch;
mod manifest;
mod packages;
mod python;
mod ready;
mod tensor;

pub use aot::{AotOptions, Progress, capture, compile};
pub use engine::{InductorAccelerator, Used};
pub use error::{Error, Result};
pub use libtorch::{LIBTORCH, Libtorch};
pub use manifest::{Described, MANIFEST, MANIFEST_VERSION, Manifest, Slot, TEMPLATE};
pub use packages::{Package, Packages, Target, hash_of};
pub use python::{PYTHON, Python};
pub use ready::Ready;
