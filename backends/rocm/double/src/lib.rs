//! A software double of HIP: `libamdhip64.so`, `libhiprtc.so` and `libhipblaslt.so` in one file.
//!
//! It stands behind HIP's C interface and nowhere else. Every call is counted, logged, checked for what HIP asks and CUDA does
//! not, failed when told to, and then laid on a CUDA driver: the software double of one, which keeps device memory in the host's
//! and computes nothing, or a real one, on which kernels run. `README.md` says how it is driven.

#![allow(non_snake_case, reason = "the vendor's names")]

mod beneath;
mod blaslt;
mod config;
mod control;
mod device;
mod entry;
mod errors;
mod hip;
mod hiprtc;
mod launch;
mod state;
