//! The Gaudi plugin: Programs as Synapse recipes.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tintype_accel::{OpenOptions, Registry};
//! use tintype_gaudi::GaudiDriver;
//!
//! let mut registry = Registry::new();
//! registry.register(Arc::new(GaudiDriver::default()));
//! let device = registry.open("gaudi", None, &OpenOptions::default())?.accelerator;
//! println!("{}, {}", device.device().name, device.device().arch);
//! # Ok::<(), tintype_accel::Error>(())
//! ```
//!
//! A Program is cut into regions ([`Region`]); each becomes a graph, and the graph compiler makes a recipe of it, once a
//! block, device type and library. A run is a list of launches on one stream. `libSynapse.so` is opened at run time; without
//! it the crate builds, and says what it looked for.

mod accelerator;
mod acquire;
mod autocast;
mod commands;
mod compile;
mod config;
mod context;
mod coverage;
mod device;
mod driver;
mod enqueue;
mod fault;
mod fence;
mod graph;
mod instance;
mod kernels;
mod lazy;
mod lower;
mod module;
mod obstacle;
mod options;
mod recipe;
mod recorded;
mod regions;
mod runtime;
mod scratch;
mod staging;
mod storage;
mod sys;

pub use autocast::Autocast;
pub use compile::outline;
pub use config::GaudiConfig;
pub use coverage::coverage;
pub use driver::GaudiDriver;
pub use kernels::KernelParams;
pub use options::{AttentionKind, Options, Region};

/// The backend's name.
pub(crate) const NAME: &str = "gaudi";
