//! The driver.

use crate::accelerator::CpuAccelerator;
use crate::level::Level;
use crate::machine;
use std::env;
use std::sync::Arc;
use std::thread;
use tintype_accel::{Accelerator, Driver, Error, OpenOptions, Probe, Result};

/// The variable that chooses a [`Level`] by its name.
const LEVEL: &str = "TINTYPE_CPU_LEVEL";

/// Each thread takes memory of its own, so an absurd number would take all there is.
const MOST_THREADS: usize = 4096;

/// The CPU plugin's driver. Its one device is the machine's processors; every [`Driver::open`] makes an accelerator
/// with a queue of its own. Accelerators that are open at once and were asked for the same number of threads share
/// one pool of threads, so that two pipelines of a process do not take the processors from each other.
///
/// Kernels use the highest [`Level`] that the machine has, unless the variable `TINTYPE_CPU_LEVEL` names another when
/// the device is opened, or the driver was made for one.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuDriver {
    level: Option<Level>,
}

impl CpuDriver {
    /// A driver whose kernels use this level, whatever the environment says. Opening fails where the machine lacks it.
    pub const fn at(level: Level) -> Self {
        Self { level: Some(level) }
    }

    /// The level to open with; or why there is none.
    fn level(&self) -> std::result::Result<Level, String> {
        match (self.level, env::var_os(LEVEL)) {
            (Some(level), _) => Level::named(level.name()),
            (None, Some(name)) => {
                Level::named(&name.to_string_lossy()).map_err(|reason| format!("{LEVEL}: {reason}"))
            }
            (None, None) => Ok(Level::best()),
        }
    }
}

impl Driver for CpuDriver {
    fn name(&self) -> &'static str {
        machine::NAME
    }

    fn preference(&self) -> u32 {
        0
    }

    fn probe(&self) -> Probe {
        // A level that is not there is refused when the device is opened.
        Probe { devices: vec![machine::device(self.level().unwrap_or(Level::best()))], obstacle: None }
    }

    fn open(&self, ordinal: usize, options: &OpenOptions) -> Result<Arc<dyn Accelerator>> {
        let level = self.level().map_err(|reason| Error::Unavailable {
            backend: machine::NAME.into(),
            reason,
            remedy: format!("Unset {LEVEL}, or name a level that the machine has"),
        })?;
        let device = machine::device(level);
        if ordinal != device.ordinal {
            return Err(Error::NoSuchDevice {
                backend: machine::NAME.into(),
                device: ordinal.to_string(),
                known: device.label(),
            });
        }
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = options.threads.unwrap_or_else(cores).max(1);
        if threads > MOST_THREADS {
            return Err(Error::Unavailable {
                backend: machine::NAME.into(),
                reason: format!("{threads} threads are more than any machine has use for"),
                remedy: format!("Give --threads from 1 to {MOST_THREADS}"),
            });
        }
        Ok(Arc::new(CpuAccelerator::new(device, level, threads)?))
    }
}
