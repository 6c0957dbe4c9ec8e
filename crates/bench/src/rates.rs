//! What a device does in a second at most, as far as it can be found out quickly.

use crate::{bandwidth, peak};
use std::thread;
use tintype_accel::Accelerator;
use tintype_pipeline::inspect::Rates;
use tintype_program::DType;

/// The best counts: others on the machine make a sample worse, never better.
const SAMPLES: usize = 5;

/// The rates of a device that works in host memory on the host's processors, measured in a fraction of a second: fused
/// multiply-adds in `dtype`, or in f32 where the processor has none in that, and the bandwidth of memory. None for any
/// other device: those are to state theirs.
pub fn rates(accelerator: &dyn Accelerator, dtype: DType, threads: Option<usize>) -> Option<Rates> {
    if accelerator.device().backend != "cpu" {
        return None;
    }
    let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let (measured, used) = match peak(accelerator, dtype, threads, SAMPLES) {
        Ok(measured) => (measured, dtype),
        Err(_) => (peak(accelerator, DType::F32, threads, SAMPLES).ok()?, DType::F32),
    };
    let best = measured.seconds.steady.iter().copied().fold(f64::INFINITY, f64::min);
    Some(Rates {
        flops_per_second: measured.work.flops as f64 / best,
        bytes_per_second: bandwidth(threads, SAMPLES),
        basis: format!("estimate: multiply-adds in {used} ({}) and a triad, measured now", measured.model),
    })
}
