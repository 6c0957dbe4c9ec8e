//! One set of weights at several sizes.

use super::module::{connect, weights};
use super::{Options, blank, launch};
use crate::case::Case;
use crate::result::{AtSize, BenchResult, Memory};
use crate::{Error, Result, Summary};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tintype_accel::{Accelerator, CompileOptions, Weights};

/// Compiles and runs a module at several sizes in turn, all of which stay, with the weights of the first. What the device
/// holds is told after each: from one to the next it may grow by the arena that was planned, what libraries work in, and
/// inputs and outputs.
///
/// # Errors
///
/// As [`super::Bench::open`], and [`Error::Grown`] where memory grows by anything else.
pub fn sizes(accelerator: &Arc<dyn Accelerator>, options: &Options) -> Result<BenchResult> {
    let launch = launch(&**accelerator, options);
    let mut kept = Vec::new();
    let mut shared: Option<Arc<Weights>> = None;
    let mut result = blank(&**accelerator, "sizes", options.threads);
    result.quantize = options.quantize.map(|quantization| quantization.name().into());
    let (mut start, mut drawing) = (Instant::now(), Duration::ZERO);
    for &[width, height] in &options.sizes {
        let before = accelerator.memory();
        let options = Options { width: Some(width), height: Some(height), ..options.clone() };
        let case = Case::open(&options)?;
        let module = accelerator.compile(&case.program, &CompileOptions { launch })?;
        (result.model, result.dtype) = (case.model.clone(), case.dtype.name().into());
        let first = shared.is_none();
        let bound = match &shared {
            Some(weights) => Arc::clone(weights),
            None => {
                let (loaded, spent) = weights(accelerator, &*module, &case, &options)?;
                drawing += spent;
                Arc::clone(shared.insert(loaded))
            }
        };
        let (mut bindings, outputs) = connect(accelerator, &*module, &case.inputs)?;
        let mut instance = module.bind(&bound)?;
        let mut seconds = Vec::new();
        for _ in 0..=options.repeats {
            let begun = Instant::now();
            instance.run(&mut bindings)?;
            accelerator.synchronize()?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
        if first {
            // From nothing but an open device to the first result of the first size, and all runs of it.
            result.seconds.cold = start.elapsed().saturating_sub(drawing).as_secs_f64();
            start = Instant::now();
        }
        let after = accelerator.memory();
        let at = AtSize {
            width: width as u64,
            height: height as u64,
            seconds: Summary::of(seconds.get(1..).unwrap_or_default()),
            planned_arena: module.arena_bytes() as u64,
            workspace: module.workspace_bytes() as u64,
            grown_arenas: after.arenas - before.arenas.min(after.arenas),
            memory: Memory::from(after),
            free: accelerator.free_memory(),
        };
        at.check(first, before.weights + before.mapped, before.derived)?;
        result.at_sizes.push(at);
        kept.push((instance, bindings, outputs));
    }
    result.memory = accelerator.memory().into();
    result.launch = launch.name().into();
    result.counters.start = accelerator.stats().into();
    Ok(result)
}

impl AtSize {
    /// Refuses growth that nobody planned. What a device derives from weights may be made by the first size only.
    fn check(&self, first: bool, weights: u64, derived: u64) -> Result<()> {
        let grown = |what, grown: u64, planned| {
            let (width, height) = (self.width, self.height);
            if grown == planned { Ok(()) } else { Err(Error::Grown { width, height, what, grown, planned }) }
        };
        grown("arenas", self.grown_arenas, self.planned_arena + self.workspace)?;
        if !first {
            let memory = &self.memory;
            grown("weights", (memory.weights + memory.mapped).saturating_sub(weights), 0)?;
            grown("what is derived from weights", memory.derived.saturating_sub(derived), 0)?;
        }
        Ok(())
    }
}
