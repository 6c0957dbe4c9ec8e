//! The denoising loop: everything it needs is on the device before it starts, and it waits only to pace itself.

use super::model::FluxModel;
use super::step::{COEFFICIENTS, StepShape, capacity, coefficients, step_program};
use super::text::Prompt;
use crate::Result;
use crate::files::Picture;
use crate::generate::{Component, Event, Place, Run};
use crate::scheduler::StepTable;
use std::ops::Range;
use std::sync::Arc;
use tintype_accel::{Buffer, FlushReason, Pacer, WaitReason};
use tintype_models::flux::{self, FEATURES};
use tintype_program::{DType, TensorType};

/// What all batches of a run share.
pub(crate) struct Denoising {
    shape: StepShape,
    steps: usize,
    /// Numbers of a token.
    channels: usize,
    /// Inputs of the step's Program, by name.
    inputs: Vec<(&'static str, Buffer)>,
}

/// What a run's denoising is made from.
pub(crate) struct Plan<'p> {
    pub(crate) table: &'p StepTable,
    pub(crate) history: usize,
    pub(crate) batch: usize,
    /// Tokens of the picture, down and across.
    pub(crate) grid: [usize; 2],
    pub(crate) guidance: f64,
    pub(crate) preview: bool,
    pub(crate) prompt: &'p Prompt,
    /// The negative prompt and the factor of true CFG.
    pub(crate) negative: Option<(&'p Prompt, f64)>,
}

/// When previews are made, and how: from the packed latents of one picture.
pub(crate) struct Previews<'p> {
    pub(crate) every: usize,
    pub(crate) make: &'p mut dyn FnMut(&mut Run<'_>, &[f32]) -> Result<Picture>,
}

impl Denoising {
    /// Puts tables and prompts on the device.
    pub(crate) fn prepare(model: &FluxModel, place: &Place, dtype: DType, plan: &Plan<'_>) -> Result<Self> {
        let config = &model.transformer;
        let [_, text_tokens, _] = plan.prompt.text.ty().shape[..] else {
            return Err(crate::Error::Internal { reason: "a prompt has three axes".into() });
        };
        let shape = StepShape {
            batch: plan.batch,
            image_tokens: plan.grid[0] * plan.grid[1],
            text_tokens,
            true_cfg: plan.negative.is_some(),
            history: plan.history,
            preview: plan.preview,
            capacity: capacity(plan.table.rows.len()),
            dtype,
        };
        let f32 = |extents: &[usize]| TensorType::new(DType::F32, extents);
        let times: Vec<f64> = plan
            .table
            .rows
            .iter()
            .map(|row| flux::scaled_time(model_time(row.timestep, dtype), dtype))
            .collect();
        let mut features = flux::timestep_features(&times);
        features.resize(shape.capacity * FEATURES, 0.0);
        let angles = flux::rope_tables(config, text_tokens, plan.grid[0], plan.grid[1])?;
        let extents = f32(&[shape.text_tokens + shape.image_tokens, config.attention_head_dim]);
        let rows = coefficients(plan.table, shape.capacity);
        let mut inputs = vec![
            ("coefficients", place.put(f32(&[shape.capacity, COEFFICIENTS]), &rows)?),
            ("timestep_features", place.put(f32(&[shape.capacity, FEATURES]), &features)?),
            ("rope_cos", place.put(extents.clone(), &angles.cos)?),
            ("rope_sin", place.put(extents, &angles.sin)?),
            ("prompt", plan.prompt.text.clone()),
            ("pooled", plan.prompt.pooled.clone()),
        ];
        if config.guidance_embeds {
            let features = flux::timestep_features(&[flux::scaled_time(plan.guidance, dtype)]);
            inputs.push(("guidance_features", place.put(f32(&[1, FEATURES]), &features)?));
        }
        if let Some((prompt, factor)) = plan.negative {
            inputs.push(("negative_prompt", prompt.text.clone()));
            inputs.push(("negative_pooled", prompt.pooled.clone()));
            inputs.push(("true_cfg", place.put(f32(&[1, 1, 1]), &[factor as f32])?));
        }
        Ok(Self { shape, steps: plan.table.rows.len(), channels: config.in_channels, inputs })
    }

    /// Denoises the pictures `batch` from their packed `latents`. A batch that is not full is filled up with its last
    /// picture, so that it needs no Program of its own. The result's rows are the pictures', then the filling's.
    pub(crate) fn run(
        &self,
        model: &FluxModel,
        denoiser: &mut Component<StepShape>,
        run: &mut Run<'_>,
        batch: Range<usize>,
        latents: &[f32],
        mut previews: Option<&mut Previews<'_>>,
    ) -> Result<Buffer> {
        let config = &model.transformer;
        let _span = tracing::info_span!("denoise", pictures = ?batch, steps = self.steps).entered();
        let stage = denoiser.stage(&self.shape, run, || Ok(step_program(config, &self.shape)?))?;
        let place = run.place;
        let tokens = [self.shape.batch, self.shape.image_tokens, config.in_channels];
        let picture = tokens[1] * tokens[2];
        let mut filled = latents.to_vec();
        let last = latents.get(latents.len().saturating_sub(picture)..).unwrap_or_default();
        while filled.len() < self.shape.batch * picture && !last.is_empty() {
            filled.extend_from_slice(last);
        }
        let state = place.put(TensorType::new(self.shape.dtype, tokens), &filled)?;
        let step = place.put_ids(&[1], &[0])?;
        let mut bindings = stage.bindings();
        for (name, buffer) in &self.inputs {
            bindings.input(name, buffer)?;
        }
        bindings.state("latents", &state)?.state("step", &step)?;
        for i in 0..self.shape.history {
            let ty = TensorType::new(DType::F32, tokens);
            let zeros = vec![0u8; ty.bytes()];
            bindings.state(&format!("history_{i}"), &place.accelerator.buffer_from(&ty, zeros)?)?;
        }
        let x0 = TensorType::new(DType::F32, tokens);
        let x0 = match self.shape.preview {
            true => Some(place.accelerator.buffer_from(&x0, vec![0u8; x0.bytes()])?),
            false => None,
        };
        if let Some(x0) = &x0 {
            bindings.state("x0", x0)?;
        }
        run.show("latents_init", &state)?;
        let mut pacer = Pacer::default();
        let mut told = 0;
        for i in 0..self.steps {
            run.cancel.check()?;
            stage.run(&mut bindings)?;
            place.accelerator.flush(FlushReason::Step)?;
            pacer.step(place.accelerator.as_ref())?;
            tracing::trace!(step = i, in_flight = pacer.in_flight(), "enqueued");
            run.show(&format!("latents_step_{i}"), &state)?;
            let done = i + 1 - pacer.in_flight();
            self.tell(run, &mut told, done, &batch);
            if let (Some(previews), Some(x0)) = (&mut previews, &x0) {
                self.preview(run, previews, x0, i + 1, &batch)?;
            }
        }
        // The last steps are still in flight: progress is told when they are done, and so is their failure.
        place.accelerator.record()?.wait(WaitReason::Synchronize)?;
        self.tell(run, &mut told, self.steps, &batch);
        Ok(state)
    }

    /// Makes the previews that are due after `done` steps. The last step has none: the picture itself comes next.
    fn preview(
        &self,
        run: &mut Run<'_>,
        previews: &mut Previews<'_>,
        x0: &Buffer,
        done: usize,
        batch: &Range<usize>,
    ) -> Result<()> {
        if !done.is_multiple_of(previews.every) || done == self.steps {
            return Ok(());
        }
        let total = self.steps;
        let estimates = self.pictures(run.place, x0, batch.len())?;
        let size = estimates.len() / batch.len().max(1);
        for (picture, estimate) in batch.clone().zip(estimates.chunks_exact(size.max(1))) {
            run.cancel.check()?;
            let preview = Arc::new((previews.make)(run, estimate)?);
            run.watcher.event(Event::Preview { picture, done, total, preview });
        }
        Ok(())
    }

    fn tell(&self, run: &mut Run<'_>, told: &mut usize, done: usize, batch: &Range<usize>) {
        while *told < done {
            *told += 1;
            let (first, batch) = (batch.start, batch.len());
            run.watcher.event(Event::Step { done: *told, total: self.steps, first, batch });
        }
    }

    /// The shape of the packed latents of so many pictures.
    pub(crate) fn shape_of(&self, pictures: usize) -> [usize; 3] {
        [pictures, self.shape.image_tokens, self.channels]
    }

    /// The first `pictures` of a batch on the host, once the device has got there: without what fills the batch up.
    pub(crate) fn pictures(&self, place: &Place, batch: &Buffer, pictures: usize) -> Result<Vec<f32>> {
        let mut values = place.get(batch)?;
        values.truncate(self.shape_of(pictures).iter().product());
        Ok(values)
    }
}

/// A timestep of the scheduler (0 to 1000) as a fraction, rounded as diffusers rounds it on its way to the model.
fn model_time(timestep: f32, dtype: DType) -> f64 {
    let round = |value: f32| match dtype {
        DType::Bf16 => half::bf16::from_f32(value).to_f32(),
        DType::F16 => half::f16::from_f32(value).to_f32(),
        _ => value,
    };
    f64::from(round(round(timestep) / 1000.0))
}
