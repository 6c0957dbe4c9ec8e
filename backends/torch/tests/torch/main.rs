//! Programs through libtorch on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod memory;

use std::sync::Arc;
use tintype_accel::{Accelerator, OpenOptions};
use tintype_cpu::CpuDriver;

/// libtorch's CPU, described as its own plugin does.
fn device() -> Arc<dyn Accelerator> {
    let mut options = OpenOptions::default();
    options.threads = Some(2);
    let registry = tintype_torch::registry([Arc::new(CpuDriver::default()) as _]);
    registry.open("cpu", None, &options).unwrap().accelerator
}
