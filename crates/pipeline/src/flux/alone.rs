//! The denoising of a picture by itself, without the text encoders before it and the autoencoder behind it.

use super::denoise::{Denoising, Plan};
use super::denoiser::{Denoiser, conditioning_sizes};
use super::step::{StepShape, capacity, step_program};
use super::text::Prompt;
use crate::generate::{Ahead, CancelToken, Pace, Place, Run};
use crate::recipe::Made;
use crate::scheduler::{Sampler, ScheduleRequest, Scheduler, StepTable};
use crate::{Arithmetic, Error, Result};
use std::sync::Arc;
use tintype_accel::{Accelerator, Buffer, LaunchMode, TensorSource, WaitReason, from_f32};
use tintype_models::flux::{Config, conditioning_program};
use tintype_program::{Program, TensorType};

/// What a [`DenoisingLoop`] denoises.
#[derive(Clone, Debug)]
pub struct DenoisingTask {
    /// The transformer's config.
    pub config: Config,
    /// In what it computes.
    pub arithmetic: Arithmetic,
    /// Tokens of the picture, down and across: 16 by 16 pixels each in Flux.1.
    pub grid: [usize; 2],
    /// Tokens of text.
    pub text_tokens: usize,
    /// How noise is taken away.
    pub scheduler: Scheduler,
    /// In how many steps.
    pub steps: usize,
    /// The guidance; not read by a model without.
    pub guidance: f64,
}

/// All that a run of a Flux pipeline does for one picture between its encoded prompt and its latents, by the code that
/// a run goes through: to be measured, or to be built upon by who has embeddings of their own.
///
/// Weights are loaded and Programs compiled by the first run, and kept.
pub struct DenoisingLoop {
    task: DenoisingTask,
    table: StepTable,
    place: Place,
    prompt: Prompt,
    denoiser: Denoiser,
    made: Made,
}

impl DenoisingLoop {
    /// On a device, with the transformer's weights from `weights`. `text` is T5's output, `[text_tokens,
    /// joint_attention_dim]`, `pooled` CLIP's, `[pooled_projection_dim]`.
    ///
    /// # Errors
    ///
    /// [`Error::Schedule`] for steps that cannot be made, [`Error::Request`] for embeddings of another length; whatever
    /// the device reports.
    pub fn new(
        accelerator: &Arc<dyn Accelerator>,
        launch: LaunchMode,
        weights: Arc<dyn TensorSource + Send + Sync>,
        task: DenoisingTask,
        [text, pooled]: [&[f32]; 2],
    ) -> Result<Self> {
        let config = &task.config;
        config.validate()?;
        let table = table(&task)?;
        let tensor = |option: &'static str, shape: &[usize], values: &[f32]| {
            let ty = TensorType::new(task.arithmetic.dtype, shape);
            if ty.elements() != values.len() {
                let value = format!("{} numbers", values.len());
                return Err(Error::Request { option, value, remedy: format!("give those of {ty}") });
            }
            Ok(accelerator.buffer_from(&ty, from_f32(task.arithmetic.dtype, values))?)
        };
        let prompt = Prompt {
            text: tensor("text", &[1, task.text_tokens, config.joint_attention_dim], text)?,
            pooled: tensor("pooled", &[1, config.pooled_projection_dim], pooled)?,
        };
        let place = Place { accelerator: Arc::clone(accelerator), launch };
        let denoiser = Denoiser::new(weights, Arc::default());
        Ok(Self { task, table, place, prompt, denoiser, made: Made::default() })
    }

    /// The Programs, with how often a picture runs each: what is computed once, and the step.
    ///
    /// # Errors
    ///
    /// A config that makes no model; steps that cannot be made.
    pub fn programs(task: &DenoisingTask) -> Result<[(Program, usize); 2]> {
        let steps = table(task)?.rows.len();
        let shape = StepShape {
            batch: 1,
            image_tokens: task.grid.iter().product(),
            text_tokens: task.text_tokens,
            true_cfg: false,
            history: task.scheduler.history(),
            preview: false,
            capacity: capacity(steps),
            arithmetic: task.arithmetic,
        };
        let once =
            conditioning_program(&task.config, conditioning_sizes(&shape, steps), task.arithmetic.dtype)?;
        Ok([(once, 1), (step_program(&task.config, &shape)?, steps)])
    }

    /// What attention became in the step, once it was run: [`tintype_accel::Module::attention`].
    pub fn attention(&self) -> Vec<String> {
        self.denoiser.attention()
    }

    /// Computes what no step changes, and waits for it: the part of [`DenoisingLoop::run`] that comes before the loop.
    ///
    /// # Errors
    ///
    /// Whatever the device reports.
    pub fn prepare(&mut self) -> Result<()> {
        self.with(|_, _, _, _| Ok(()))?;
        Ok(self.place.accelerator.record()?.wait(WaitReason::Synchronize)?)
    }

    /// Denoises packed latents `[tokens, in_channels]`, and waits for the last step. The result lies on the device until
    /// the next run.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for latents of another length; whatever the device reports.
    pub fn run(&mut self, latents: &[f32]) -> Result<Buffer> {
        let wanted = self.task.grid.iter().product::<usize>().saturating_mul(self.task.config.in_channels);
        if latents.len() != wanted {
            let value = format!("{} numbers", latents.len());
            return Err(Error::Request { option: "latents", value, remedy: format!("give {wanted}") });
        }
        self.with(|denoising, config, denoiser, run| {
            denoising.run(config, denoiser, run, 0..1, latents, None)
        })
    }

    /// Does what comes before the loop, then `work`.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&Denoising, &Config, &mut Denoiser, &mut Run<'_>) -> Result<T>,
    ) -> Result<T> {
        let Self { task, table, place, prompt, denoiser, made } = self;
        let plan = Plan {
            table,
            history: task.scheduler.history(),
            batch: 1,
            grid: task.grid,
            guidance: task.guidance,
            preview: false,
            prompt,
            negative: None,
        };
        let (watcher, cancel) = (&mut |_| {}, &CancelToken::default());
        let pace = Pace::start();
        let mut run = Run {
            place,
            arithmetic: task.arithmetic,
            watcher,
            cancel,
            made,
            step_seconds: None,
            pace,
            ahead: Ahead::default(),
        };
        let denoising = Denoising::prepare(&task.config, denoiser, &mut run, &plan)?;
        work(&denoising, &task.config, denoiser, &mut run)
    }
}

fn table(task: &DenoisingTask) -> Result<StepTable> {
    let tokens = task.grid.iter().product();
    task.scheduler.table(&ScheduleRequest::text_to_image(task.steps, tokens))
}
