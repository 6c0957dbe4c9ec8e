//! The suite that any plugin must pass, and the float64 interpreter that it is held against.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tintype_conformance::suite::{Options, run};
//! # fn example(accelerator: Arc<dyn tintype_accel::Accelerator>) -> tintype_conformance::Result<()> {
//! let report = run(&accelerator, &Options::default())?;
//! println!("{report}");
//! assert!(report.passed());
//! # Ok(()) }
//! ```
//!
//! [`interpreter`] runs Programs in float64, each operation written from its definition; [`cases`] holds every
//! operation and dtype at odd shapes; [`suite`] runs them on a device and says what is wrong with it. A plugin outside
//! this repository is examined in the same way.

#![forbid(unsafe_code)]

pub mod cases;
mod error;
pub mod interpreter;
pub mod suite;

pub use error::{Error, Result};
