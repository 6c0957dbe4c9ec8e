//! The driver, as a program registers it.

use crate::probe::BACKEND;
use crate::{open, probe};
use std::sync::Arc;
use tintype_accel::{Accelerator, Driver, OpenOptions, Probe, Result};
use tintype_gpu::GpuAccelerator;
use tintype_gpu::driver::setting;

/// The ROCm plugin's driver: AMD GPUs of CDNA 2 and RDNA 2 and later. Every [`Driver::open`] makes an accelerator with a stream of
/// its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct RocmDriver;

impl Driver for RocmDriver {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn preference(&self) -> u32 {
        90
    }

    fn probe(&self) -> Probe {
        probe()
    }

    fn open(&self, ordinal: usize, options: &OpenOptions) -> Result<Arc<dyn Accelerator>> {
        let joins = setting(BACKEND, "TINTYPE_ROCM_JOIN")?;
        let runtime = open(ordinal, options.threads)?;
        Ok(Arc::new(GpuAccelerator::new(Arc::new(runtime), options, joins)))
    }
}
