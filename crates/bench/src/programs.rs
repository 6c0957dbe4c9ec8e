//! The Programs that a benchmark of the denoiser runs.

use crate::case::{Case, GUIDANCE, Source};
use crate::{Options, Result};
use tintype_models::flux;
use tintype_pipeline::scheduler::FlowMatchEulerDiscrete;
use tintype_pipeline::{Arithmetic, DenoisingLoop, DenoisingTask};
use tintype_program::Program;

/// FLUX.1-dev's shift, where the schedule does not depend on the size.
const SHIFT: f64 = 3.0;

/// The Programs that a benchmark runs: of a module, or of the transformer's steps where these are asked for. Traced, with no weight
/// read.
///
/// # Errors
///
/// As a benchmark's.
pub fn programs(options: &Options) -> Result<Vec<Program>> {
    let Some(steps) = options.steps else {
        return Ok(vec![Case::open(options)?.program]);
    };
    let task = task(&Source::open(options)?, steps)?;
    Ok(DenoisingLoop::programs(&task)?.into_iter().map(|(program, _)| program).collect())
}

/// So many steps of a denoiser.
pub(crate) fn task(source: &Source, steps: usize) -> Result<DenoisingTask> {
    Ok(DenoisingTask {
        config: flux::Config::from_json(&source.config)?,
        arithmetic: Arithmetic { dtype: source.dtype, quantize: source.quantize },
        grid: source.grid()?,
        text_tokens: source.text_tokens,
        scheduler: FlowMatchEulerDiscrete { shift: SHIFT, ..Default::default() }.into(),
        steps,
        guidance: GUIDANCE,
    })
}
