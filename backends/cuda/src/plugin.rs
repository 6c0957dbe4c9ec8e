//! The driver, as a program registers it.

use crate::probe::BACKEND;
use crate::{bare, open, probe};
use std::sync::Arc;
use tintype_accel::{Accelerator, Bare, Driver, OpenOptions, Probe, Result};
use tintype_gpu::GpuAccelerator;
use tintype_gpu::driver::setting;

/// The CUDA plugin's driver: NVIDIA GPUs of compute capability 8.0 and above. Every [`Driver::open`] makes an accelerator with
/// a stream of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct CudaDriver;

impl Driver for CudaDriver {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn preference(&self) -> u32 {
        100
    }

    fn probe(&self) -> Probe {
        probe()
    }

    fn open(&self, ordinal: usize, options: &OpenOptions) -> Result<Arc<dyn Accelerator>> {
        let joins = setting(BACKEND, "TINTYPE_CUDA_JOIN")?;
        let runtime = open(ordinal, options.threads)?;
        Ok(Arc::new(GpuAccelerator::new(Arc::new(runtime), options, joins)))
    }

    fn bare(&self, ordinal: usize) -> Result<Option<Bare>> {
        bare::bare(ordinal).map(Some)
    }
}
