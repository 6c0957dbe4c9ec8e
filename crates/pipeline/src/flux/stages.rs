//! The Programs of a run, traced as the run itself traces them and with nothing run: what is known before any work.

use super::denoiser::{conditioning_sizes, conditioning_trace, step_trace};
use super::model::FluxModel;
use super::run::{Flux, LATENT_SIDE, Task};
use super::step::{StepShape, capacity};
use super::text::{clip_ignores, clip_program, t5_ignores, t5_program};
use super::tiles::{Grid, asked, grids};
use super::vae::{decode_program, encode_program};
use crate::files::Checkpoint;
use crate::generate::{Request, Settings};
use crate::scheduler::Sampler;
use crate::{Arithmetic, Error, Result};
use serde::Serialize;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use tintype_program::{DType, Program};

/// A phase of making pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From prompts to what the denoiser is told.
    TextEncoding,
    /// From a picture to latents, where one is started from.
    ImageEncoding,
    /// What all steps of the loop are told: from the encoded prompts and the times to texts and modulations.
    Conditioning,
    /// The loop.
    Denoising,
    /// From latents to pictures.
    Decoding,
}

/// A Program of a run.
pub(crate) struct Stage {
    /// The component, as its folder is called; behind a point which of its Programs, where it has several.
    pub(crate) name: &'static str,
    pub(crate) phase: Phase,
    /// How often a run of the pipeline runs it.
    pub(crate) runs: usize,
    /// On how many sets of buffers: the steps of a batch share theirs.
    pub(crate) sets: usize,
    pub(crate) program: Arc<Program>,
    pub(crate) weights: Arc<Checkpoint>,
}

/// A component with weights.
pub(crate) struct Part {
    /// As its folder is called.
    pub(crate) name: &'static str,
    pub(crate) weights: Arc<Checkpoint>,
    /// Names that no Program is known to read.
    pub(crate) ignores: fn(&str) -> bool,
}

impl Flux {
    /// The components with weights, in the order in which they run.
    pub(crate) fn parts(&self) -> [Part; 4] {
        let FluxModel { clip_weights, t5_weights, transformer_weights, vae_weights, .. } = &*self.model;
        let part =
            |name, weights: &Arc<Checkpoint>, ignores| Part { name, weights: weights.clone(), ignores };
        [
            part("text_encoder", clip_weights, clip_ignores as fn(&str) -> bool),
            part("text_encoder_2", t5_weights, t5_ignores),
            part("transformer", transformer_weights, |_| false),
            part("vae", vae_weights, |_| false),
        ]
    }

    /// The settings of `request` with defaults filled in, how many pictures are made at once, and every Program that
    /// the run would compile, in the order of the run. They are traced side by side.
    pub(crate) fn stages(
        &self,
        request: &Request,
        arithmetic: Arithmetic,
    ) -> Result<(Settings, usize, Vec<Stage>)> {
        let (task, model) = (self.task(request, arithmetic)?, &*self.model);
        let grid = asked(model, &task.extents, request.vae_tile)?;
        let dtype = arithmetic.dtype;
        let stages = thread::scope(|scope| -> Result<Vec<Stage>> {
            let denoiser = scope.spawn(|| denoiser(model, &task, arithmetic));
            let t5 = scope.spawn(|| t5(model, &task, dtype));
            let decoder = scope.spawn(|| decoder(model, &task, grid.as_ref(), dtype));
            let mut stages = vec![clip(model, &task, dtype)?, traced(t5)?];
            if request.image.is_some() {
                stages.push(image_encoder(model, &task, dtype)?);
            }
            stages.extend(traced(denoiser)?);
            stages.push(traced(decoder)?);
            Ok(stages)
        })?;
        Ok((task.settings, task.batch, stages))
    }

    /// The last of [`Flux::stages`], whole or in tiles.
    pub(crate) fn decoder(
        &self,
        request: &Request,
        arithmetic: Arithmetic,
        grid: Option<&Grid>,
    ) -> Result<Stage> {
        decoder(&self.model, &self.task(request, arithmetic)?, grid, arithmetic.dtype)
    }

    /// The tiles that a request asks for by their size.
    pub(crate) fn asked_tiles(&self, request: &Request, arithmetic: Arithmetic) -> Result<Option<Grid>> {
        asked(&self.model, &self.task(request, arithmetic)?.extents, request.vae_tile)
    }

    /// The tiles of these sides, in latent pixels, that a request's pictures can be cut into.
    pub(crate) fn tiles(
        &self,
        request: &Request,
        arithmetic: Arithmetic,
        sides: &[usize],
    ) -> Result<Vec<Grid>> {
        grids(&self.model, &self.task(request, arithmetic)?.extents, sides)
    }

    /// As [`Flux::stages`], and with the encoder of pictures where `request` starts from none: every parameter of the
    /// model is read.
    pub(crate) fn every_stage(&self, request: &Request, arithmetic: Arithmetic) -> Result<Vec<Stage>> {
        let (_, _, mut stages) = self.stages(request, arithmetic)?;
        if request.image.is_none() {
            let encoder = image_encoder(&self.model, &self.task(request, arithmetic)?, arithmetic.dtype)?;
            let denoiser = stages.iter().position(|stage| stage.phase == Phase::Conditioning);
            stages.insert(denoiser.unwrap_or(stages.len()), encoder);
        }
        Ok(stages)
    }

    /// The smallest picture.
    pub(crate) fn smallest(&self) -> Request {
        let side = Some(self.model.vae.spatial_factor().saturating_mul(2));
        Request { width: side, height: side, max_sequence_length: Some(8), ..Request::default() }
    }

    /// Width and height that a request asks for, and what both must be multiples of, in pixels.
    pub(crate) fn sides(&self, request: &Request) -> [usize; 3] {
        let scale = self.model.vae.spatial_factor();
        let (side, own) = (LATENT_SIDE.saturating_mul(scale), &self.model.defaults);
        let of = |asked: Option<usize>, own: Option<usize>| asked.or(own).unwrap_or(side);
        [of(request.width, own.width), of(request.height, own.height), scale.saturating_mul(2)]
    }
}

/// What a thread traced.
fn traced<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| Error::Internal { reason: "a thread that traces ended early".into() })?
}

fn clip(model: &FluxModel, task: &Task<'_>, dtype: DType) -> Result<Stage> {
    let program = clip_program(model, dtype)?;
    Ok(text_encoder("text_encoder", task, program, &model.clip_weights))
}

fn t5(model: &FluxModel, task: &Task<'_>, dtype: DType) -> Result<Stage> {
    let program = t5_program(model, task.settings.max_sequence_length, dtype)?;
    Ok(text_encoder("text_encoder_2", task, program, &model.t5_weights))
}

fn text_encoder(
    name: &'static str,
    task: &Task<'_>,
    program: Arc<Program>,
    weights: &Arc<Checkpoint>,
) -> Stage {
    let runs = 1 + usize::from(task.settings.negative.is_some());
    Stage { name, phase: Phase::TextEncoding, runs, sets: runs, program, weights: weights.clone() }
}

fn image_encoder(model: &FluxModel, task: &Task<'_>, dtype: DType) -> Result<Stage> {
    Ok(Stage {
        name: "vae.encoder",
        phase: Phase::ImageEncoding,
        runs: 1,
        sets: 1,
        program: encode_program(model, &task.extents, dtype)?,
        weights: model.vae_weights.clone(),
    })
}

fn denoiser(model: &FluxModel, task: &Task<'_>, arithmetic: Arithmetic) -> Result<[Stage; 2]> {
    let steps = model.scheduler.table(&task.schedule)?.rows.len();
    let batches = task.pictures.len().div_ceil(task.batch.max(1));
    let shape = StepShape {
        batch: task.batch,
        image_tokens: task.extents.tokens(),
        text_tokens: task.settings.max_sequence_length,
        true_cfg: task.settings.true_cfg.is_some(),
        history: model.scheduler.history(),
        capacity: capacity(steps),
        preview: task.preview.is_some(),
        arithmetic,
    };
    let FluxModel { transformer: config, transformer_weights: weights, traces, .. } = model;
    let prompts = 1 + usize::from(shape.true_cfg);
    let conditioning = Stage {
        name: "transformer.conditioning",
        phase: Phase::Conditioning,
        runs: prompts,
        sets: prompts,
        program: conditioning_trace(traces, config, conditioning_sizes(&shape, steps), arithmetic.dtype)?,
        weights: weights.clone(),
    };
    let denoising = Stage {
        name: "transformer",
        phase: Phase::Denoising,
        runs: steps.saturating_mul(batches),
        sets: batches,
        program: step_trace(traces, config, &shape)?,
        weights: weights.clone(),
    };
    Ok([conditioning, denoising])
}

fn decoder(model: &FluxModel, task: &Task<'_>, grid: Option<&Grid>, dtype: DType) -> Result<Stage> {
    let count = task.pictures.len();
    Ok(Stage {
        name: "vae.decoder",
        phase: Phase::Decoding,
        runs: count.saturating_mul(grid.map_or(1, |grid| grid.tiles.count())),
        sets: count,
        program: decode_program(model, grid.map_or(&task.extents, |grid| &grid.tile), dtype)?,
        weights: model.vae_weights.clone(),
    })
}
