//! The denoising loop: everything it needs is on the device before it starts, and it waits only to pace itself.

use super::denoiser::{Conditioning, Denoiser, Features};
use super::step::{StepShape, capacity, coefficients};
use super::text::{Prompt, Role};
use crate::Result;
use crate::files::Picture;
use crate::generate::{Event, Given, Place, Run};
use crate::scheduler::StepTable;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::{Buffer, FlushReason, Pacer, WaitReason};
use tintype_models::flux::{self, Config, FEATURES};
use tintype_program::DType;

/// What all batches of a run share.
pub(crate) struct Denoising {
    shape: StepShape,
    steps: usize,
    /// Numbers of a token.
    channels: usize,
    /// Inputs of the step's Program, by name.
    inputs: Vec<(&'static str, Input)>,
}

/// An input that stays the same for all batches.
enum Input {
    Values(Vec<f32>),
    Buffer(Buffer),
}

impl Input {
    fn given(&self) -> Given<'_> {
        match self {
            Input::Values(values) => Given::Values(values),
            Input::Buffer(buffer) => Given::Buffer(buffer),
        }
    }
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
    /// Makes what all steps read: tables, and by a run of the denoiser's first Program what depends on the prompts.
    pub(crate) fn prepare(
        config: &Config,
        denoiser: &mut Denoiser,
        run: &mut Run<'_>,
        plan: &Plan<'_>,
    ) -> Result<Self> {
        let [_, text_tokens, _] = plan.prompt.text.ty().shape[..] else {
            return Err(crate::Error::Internal { reason: "a prompt has three axes".into() });
        };
        let (arithmetic, steps) = (run.arithmetic, plan.table.rows.len());
        let dtype = arithmetic.dtype;
        let shape = StepShape {
            batch: plan.batch,
            image_tokens: plan.grid[0] * plan.grid[1],
            text_tokens,
            true_cfg: plan.negative.is_some(),
            history: plan.history,
            preview: plan.preview,
            capacity: capacity(steps),
            arithmetic,
        };
        let angles = flux::rope_tables(config, text_tokens, plan.grid[0], plan.grid[1])?;
        let mut inputs = vec![
            ("coefficients", Input::Values(coefficients(plan.table, shape.capacity))),
            ("rope_cos", Input::Values(angles.cos)),
            ("rope_sin", Input::Values(angles.sin)),
        ];
        let times: Vec<f64> = plan
            .table
            .rows
            .iter()
            .map(|row| flux::scaled_time(model_time(row.timestep, dtype), dtype))
            .collect();
        let mut times = flux::timestep_features(&times);
        times.resize(shape.capacity * FEATURES, 0.0);
        let guidance = flux::timestep_features(&[flux::scaled_time(plan.guidance, dtype)]);
        let guidance = config.guidance_embeds.then_some(guidance.as_slice());
        let features = Features { times: &times, guidance, steps };
        let mut tell = |prompt: &Prompt, role: Role, names: [&'static str; 2]| -> Result<()> {
            let Conditioning { text, modulations } =
                denoiser.conditioning(config, run, &shape, &features, prompt, role)?;
            inputs.extend(names.into_iter().zip([text, modulations].map(Input::Buffer)));
            Ok(())
        };
        tell(plan.prompt, Role::Positive, ["text", "modulations"])?;
        if let Some((prompt, factor)) = plan.negative {
            tell(prompt, Role::Negative, ["negative_text", "negative_modulations"])?;
            inputs.push(("true_cfg", Input::Values(vec![factor as f32])));
        }
        Ok(Self { shape, steps, channels: config.in_channels, inputs })
    }

    /// Denoises the pictures `batch` from their packed `latents`. A batch that is not full is filled up with its last
    /// picture, so that it needs no Program of its own. The result's rows are the pictures', then the filling's.
    pub(crate) fn run(
        &self,
        config: &Config,
        denoiser: &mut Denoiser,
        run: &mut Run<'_>,
        batch: Range<usize>,
        latents: &[f32],
        mut previews: Option<&mut Previews<'_>>,
    ) -> Result<Buffer> {
        let _span = tracing::info_span!("denoise", pictures = ?batch, steps = self.steps).entered();
        let stage = denoiser.step(config, run, &self.shape)?;
        let place = run.place;
        let tokens = [self.shape.batch, self.shape.image_tokens, config.in_channels];
        let picture = tokens[1] * tokens[2];
        let mut filled = latents.to_vec();
        let last = latents.get(latents.len().saturating_sub(picture)..).unwrap_or_default();
        while filled.len() < self.shape.batch * picture && !last.is_empty() {
            filled.extend_from_slice(last);
        }
        for (name, input) in &self.inputs {
            stage.give(place, name, input.given())?;
        }
        let state = stage.give(place, "latents", Given::Values(&filled))?;
        stage.give(place, "step", Given::Ids(&[0]))?;
        if self.shape.history > 0 {
            let zeros = vec![0.0; filled.len()];
            for i in 0..self.shape.history {
                stage.give(place, &format!("history_{i}"), Given::Values(&zeros))?;
            }
        }
        let x0 = match self.shape.preview {
            true => Some(stage.give(place, "x0", Given::Values(&vec![0.0; filled.len()]))?),
            false => None,
        };
        run.show(|| "latents_init".into(), &state)?;
        let mut pacer = Pacer::default();
        let mut told = 0;
        let mut first_done = None;
        for i in 0..self.steps {
            run.cancel.check()?;
            stage.run()?;
            place.accelerator.flush(FlushReason::Step)?;
            pacer.step(place.accelerator.as_ref())?;
            tracing::trace!(step = i, in_flight = pacer.in_flight(), "enqueued");
            run.show(|| format!("latents_step_{i}"), &state)?;
            let done = i + 1 - pacer.in_flight();
            self.tell(run, &mut told, done, &batch);
            if let (Some(previews), Some(x0)) = (&mut previews, &x0) {
                self.preview(run, previews, x0, i + 1, &batch)?;
            }
            if done > 0 {
                first_done.get_or_insert_with(|| (Instant::now(), done));
            }
        }
        // The last steps are still in flight: progress is told when they are done, and so is their failure.
        place.accelerator.record()?.wait(WaitReason::Synchronize)?;
        self.tell(run, &mut told, self.steps, &batch);
        // The first step also does what is done once, such as packing weights, so it is not counted.
        if let Some((since, done)) = first_done.filter(|(_, done)| *done < self.steps) {
            run.step_seconds = Some(since.elapsed().as_secs_f64() / (self.steps - done) as f64);
        }
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
