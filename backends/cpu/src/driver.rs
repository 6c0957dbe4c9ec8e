//! The driver.

use crate::accelerator::CpuAccelerator;
use crate::machine;
use std::sync::Arc;
use std::thread;
use tintype_accel::{Accelerator, Driver, Error, OpenOptions, Probe, Result};

/// The CPU plugin's driver. Its one device is the machine's processors; every [`Driver::open`] makes an accelerator
/// with threads and a queue of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuDriver;

impl Driver for CpuDriver {
    fn name(&self) -> &'static str {
        machine::NAME
    }

    fn preference(&self) -> u32 {
        0
    }

    fn probe(&self) -> Probe {
        Probe { devices: vec![machine::device()], obstacle: None }
    }

    fn open(&self, ordinal: usize, options: &OpenOptions) -> Result<Arc<dyn Accelerator>> {
        let device = machine::device();
        if ordinal != device.ordinal {
            return Err(Error::NoSuchDevice {
                backend: machine::NAME.into(),
                device: ordinal.to_string(),
                known: device.label(),
            });
        }
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = options.threads.unwrap_or_else(cores).max(1);
        Ok(Arc::new(CpuAccelerator::new(device, threads)?))
    }
}
