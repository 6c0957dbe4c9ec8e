//! Tintype runs diffusion models unchanged on any accelerator.
//!
//! ```
//! use tintype::{CancelToken, Event, Pipeline, PipelineOptions, Request, Steps};
//!
//! # let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/flux-base");
//! let device = tintype::backends().open("cpu", None, &Default::default())?.accelerator;
//! let mut pipeline = Pipeline::open(&model, device, PipelineOptions::default())?;
//! let request = Request {
//!     prompt: "a red heart".into(),
//!     width: Some(48),
//!     height: Some(32),
//!     steps: Some(Steps::Count(2)),
//!     max_sequence_length: Some(24),
//!     ..Request::default()
//! };
//! let mut steps = 0;
//! let mut watch = |event| steps += usize::from(matches!(event, Event::Step { .. }));
//! let made = pipeline.generate(&request, &mut watch, &CancelToken::default())?;
//! assert_eq!((made.pictures[0].width, made.pictures[0].height), (48, 32));
//! assert_eq!(steps, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! A feature is a backend: `cpu` (default), `cuda`, `rocm`, `gaudi`. Each builds on any machine and finds its vendor's libraries at run time.
//! `inductor` is an engine for the devices of others: packages of PyTorch's compiler. `torch` is another, PyTorch's library run eagerly
//! (`torch_backends`); it alone needs something to build, libtorch 2.11. Two more are about models, both default:
//! `hub` downloads them from the Hugging Face Hub, `bundled` has a small one in the
//! program ([`bundled`]).
//!
//! # Layers
//!
//! [`program`] is the intermediate representation, [`accel`] what a plugin implements, [`models`] the models,
//! [`pipeline`] all that lies between a folder and a picture, [`conformance`] the suite that a plugin must pass, [`mod@bench`]
//! the benchmarks that all backends are compared by.

#![forbid(unsafe_code)]

pub use tintype_accel as accel;
pub use tintype_bench as bench;
pub use tintype_conformance as conformance;
/// The CPU plugin itself, to be wrapped or opened with kernels of a chosen level.
#[cfg(feature = "cpu")]
pub use tintype_cpu as cpu;
/// The CUDA plugin itself.
#[cfg(feature = "cuda")]
pub use tintype_cuda as cuda;
/// The Gaudi plugin itself, to be opened with options of its own or kernels for custom operations.
#[cfg(feature = "gaudi")]
pub use tintype_gaudi as gaudi;
/// The engine for ahead-of-time Inductor packages, to be put on a device.
#[cfg(feature = "inductor")]
pub use tintype_inductor as inductor;
pub use tintype_models as models;
pub use tintype_pipeline as pipeline;
pub use tintype_program as program;
/// The ROCm plugin itself.
#[cfg(feature = "rocm")]
pub use tintype_rocm as rocm;
/// The engine that runs Programs eagerly by libtorch.
#[cfg(feature = "torch")]
pub use tintype_torch as torch;

pub use tintype_accel::{LaunchMode, OpenOptions, Registry};
pub use tintype_pipeline::files::Picture;
pub use tintype_pipeline::random::NoiseDtype;
pub use tintype_pipeline::scheduler::Steps;
pub use tintype_pipeline::{
    Arithmetic, CancelToken, Error, Event, Generated, Moment, Pipeline, PipelineOptions, Quantization,
    Request, Result, Settings, Shortage, Throughput, Tiles, VaeTile, Watcher,
};
pub use tintype_program::DType;

/// What stands for the model of [`bundled`] where a path would stand.
pub const BUNDLED: &str = "built-in:emoji";

/// The model that this build has in it, to be opened as a folder on disk is: a small one that draws emoji. None without
/// the feature `bundled`, or where the tree that was built had no such model.
///
/// ```no_run
/// use tintype::{Pipeline, PipelineOptions};
///
/// let device = tintype::backends().open("auto", None, &Default::default())?.accelerator;
/// if let Some(model) = tintype::bundled() {
///     let pipeline = Pipeline::open(model, device, PipelineOptions::default())?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bundled() -> Option<pipeline::folder::Location> {
    #[cfg(feature = "bundled")]
    let files = tintype_emoji::FILES;
    #[cfg(not(feature = "bundled"))]
    let files: &[pipeline::folder::EmbeddedFile] = &[];
    (!files.is_empty()).then(|| pipeline::folder::Location::embedded(BUNDLED, files))
}

/// The guide's programs, compiled and run with the documentation's tests.
#[cfg(all(doctest, feature = "cpu"))]
#[doc = include_str!("../../../docs/library.md")]
struct Guide;

/// The backends that this build has. Others may be registered beside them.
pub fn backends() -> Registry {
    let mut registry = Registry::new();
    for driver in drivers() {
        registry.register(driver);
    }
    registry
}

/// The devices that the libtorch of this build has, under the names that they have as backends: `cpu`, `cuda`, `rocm`, `mps`.
/// Backends whose devices libtorch does not have are there too, to say so.
#[cfg(feature = "torch")]
pub fn torch_backends() -> Registry {
    tintype_torch::registry(drivers())
}

#[allow(unused_mut, clippy::vec_init_then_push, reason = "each is there in builds with its feature")]
fn drivers() -> Vec<std::sync::Arc<dyn accel::Driver>> {
    let mut drivers: Vec<std::sync::Arc<dyn accel::Driver>> = Vec::new();
    #[cfg(feature = "cpu")]
    drivers.push(std::sync::Arc::new(tintype_cpu::CpuDriver::default()));
    #[cfg(feature = "cuda")]
    drivers.push(std::sync::Arc::new(tintype_cuda::CudaDriver));
    #[cfg(feature = "rocm")]
    drivers.push(std::sync::Arc::new(tintype_rocm::RocmDriver));
    #[cfg(feature = "gaudi")]
    drivers.push(std::sync::Arc::new(tintype_gaudi::GaudiDriver::default()));
    drivers
}
