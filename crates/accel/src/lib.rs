//! The accelerator layer: what a plugin implements and what a pipeline drives.
//!
//! A plugin is four traits, each made from the one before: a [`Driver`] finds devices, an [`Accelerator`] is an open
//! device that compiles Programs, a [`Module`] is a compiled Program without weights, and an [`Instance`] is a module
//! bound to [`Weights`]. Only an instance runs, so running without weights cannot be written.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tintype_accel::{Bindings, CompileOptions, LaunchMode, OpenOptions, Purpose, Registry, TensorSource, Weights};
//! # fn example(registry: Registry, program: tintype_program::Program, checkpoint: &dyn TensorSource, x: Vec<u8>)
//! #     -> tintype_accel::Result<()> {
//! let device = registry.open("auto", None, &OpenOptions::default())?.accelerator;
//! let module = device.compile(&program, &CompileOptions { launch: LaunchMode::Compiled })?;
//! let signature = module.signature();
//! let weights = Weights::load(&device, &signature.params, checkpoint, &|_| false, &mut |_, _| {})?;
//! let mut instance = module.bind(&weights)?;
//!
//! let input = device.buffer_from(&signature.inputs[0].ty, x)?;
//! let output = device.buffer(&signature.outputs[0].ty, Purpose::Data)?;
//! let mut bindings = Bindings::new(Arc::clone(signature));
//! bindings.input("x", &input)?.output("y", &output)?;
//! instance.run(&mut bindings)?; // enqueued
//! let y = device.download(&output)?; // waited for
//! # Ok(()) }
//! ```
//!
//! Work on a device runs in the order in which it was enqueued, uploads, runs and reads alike. An error of enqueued
//! work comes out of the next wait.

#![forbid(unsafe_code)]

mod bare;
mod buffer;
mod coverage;
mod device;
pub mod encode;
mod error;
mod evaluate;
mod fence;
mod footprint;
mod host;
mod joined;
mod kept;
mod launch;
mod lend;
mod loading;
mod memory;
mod plugin;
mod registry;
mod signature;
mod stats;
mod weights;

pub use bare::Bare;
pub use buffer::{Buffer, FileBytes, HostBytes, Storage};
pub use coverage::{Coverage, OpCoverage, Support};
pub use device::{Capabilities, Device, Obstacle, ObstacleKind, Probe};
pub use error::{Error, Result};
pub use fence::{Fence, FencePoint, Pacer, Readback, Timeline, WaitReason};
pub use footprint::Footprint;
pub use host::{HostTensor, TensorSource, from_f32, to_f32};
pub use joined::{Joined, first_parts};
pub use kept::Kept;
pub use launch::{FlushReason, LaunchMode};
pub use lend::{DeviceCopy, Lease, Lent, LentWork, Replay, Replayed};
pub use memory::{MemoryAccount, MemoryReport, Purpose};
pub use plugin::{Accelerator, CompileOptions, Driver, Instance, Module, OpenOptions};
pub use registry::{Choice, Opened, Registry};
pub use signature::{Bindings, CompleteBindings, ParamSlot, Signature, Slot, Within};
pub use stats::{Counters, Stats, raise};
pub use weights::{MayIgnore, Weights};
