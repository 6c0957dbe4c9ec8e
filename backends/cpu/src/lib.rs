//! The CPU plugin: the embedded default, and the reference that other plugins are held against.
//!
//! ```
//! use std::sync::Arc;
//! use tintype_accel::{OpenOptions, Registry};
//! use tintype_cpu::CpuDriver;
//!
//! let mut registry = Registry::new();
//! registry.register(Arc::new(CpuDriver::default()));
//! let device = registry.open("cpu", None, &OpenOptions::default())?.accelerator;
//! println!("{}, {}", device.device().name, device.device().arch);
//! # Ok::<(), tintype_accel::Error>(())
//! ```
//!
//! An accelerator has a queue with a thread of its own, on which everything that touches memory runs in order:
//! uploads, runs and reads. Its kernels share one pool of threads. Blocks are compiled once each into plans (what to run
//! on which range of which memory) and called, never inlined; a plan holds neither weights nor memory.

mod accelerator;
mod compile;
mod context;
mod driver;
mod graph;
mod instance;
mod job;
mod kernels;
mod level;
mod machine;
mod memory;
mod module;
mod params;
mod queue;
mod run;
mod tensor;

pub use driver::CpuDriver;
pub use level::Level;
