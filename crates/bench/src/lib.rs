//! Benchmarks whose results can be compared: across machines, backends, versions and with other programs.
//!
//! ```
//! use tintype_bench::{Bench, Options, What};
//! # use tintype_accel::{Driver, OpenOptions};
//!
//! # let accelerator = tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default())?;
//! let options = Options { preset: Some("tiny".into()), repeats: 3, ..Options::of(What::Clip) };
//! let result = Bench::open(accelerator, options)?.run()?;
//! assert_eq!(result.seconds.steady.len(), 3);
//! assert_eq!(result.counters.steady.compiles, 0);
//! println!("{result}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`BenchResult`] is the one schema, versioned by [`SCHEMA`]; `docs/benchmarks.md` says how to read it. Weights are
//! random and never constant, or a folder's; a folder in the diffusers layout lets PyTorch run the very same model.

#![deny(unsafe_code)]

mod bench;
mod case;
mod environment;
mod error;
mod model;
mod peak;
mod preset;
mod process;
mod programs;
mod random;
mod rates;
mod result;
mod save;
mod summary;
mod table;
mod triad;

pub use bench::{Bench, Options, What, cold, sizes, upload};
pub use error::{Error, Result};
pub use model::RandomModel;
pub use peak::peak;
pub use programs::programs;
pub use rates::rates;
pub use result::{
    AtSize, BenchResult, Counters, Counts, DeviceUsed, Mark, Memory, OperationCount, PackagesReady,
    ProcessMemory, SCHEMA, Seconds, Startup, StepSeconds, Throughput, Work,
};
pub use summary::Summary;
pub use triad::bandwidth;
