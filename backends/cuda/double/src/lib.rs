//! A software double of the CUDA driver: `libcuda.so.1`.
//!
//! It stands behind the driver's C interface and nowhere else. On a machine without a GPU it keeps device memory
//! in the host's, moves bytes for real, computes nothing, and checks every call more strictly than the vendor
//! does. On a machine with one it passes every call on and is the witness of what was asked. Both ways it keeps a
//! log, counts, and fails calls when told to. `README.md` says what it checks and how it is driven.

pub mod abi;
pub mod book;
pub mod capture;
pub mod condition;
mod config;
pub mod context;
#[macro_use]
pub mod entry;
pub mod event;
pub mod exports;
pub mod faults;
pub mod forward;
pub mod gate;
pub mod graph;
pub mod host;
pub mod image;
pub mod launch;
pub mod log;
pub mod memory;
pub mod module;
pub mod pool;
pub mod state;
pub mod status;
pub mod stream;
pub mod thread;
pub mod transfer;
pub mod work;
