//! The steps of a picture, as a pipeline runs them.

use super::module::{operations, work};
use super::{About, Options, Subject, launch};
use crate::case::{Input, Source, normals};
use crate::programs::task;
use crate::random::RandomWeights;
use crate::save::save;
use crate::{Error, Result, Summary};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tintype_accel::{Accelerator, Buffer, Signature, TensorSource, to_f32};
use tintype_pipeline::DenoisingLoop;

/// A denoising loop, its inputs, and what it gave last.
pub(super) struct StepsSubject {
    about: About,
    accelerator: Arc<dyn Accelerator>,
    denoising: DenoisingLoop,
    steps: usize,
    inputs: Vec<Input>,
    latents: Vec<f32>,
    denoised: Buffer,
}

impl StepsSubject {
    /// Traces, compiles, loads, binds, and denoises once.
    pub(super) fn open(accelerator: &Arc<dyn Accelerator>, options: &Options, steps: usize) -> Result<Self> {
        let started = Instant::now();
        let source = Source::open(options)?;
        let task = task(&source, steps)?;
        let (config, grid) = (&task.config, task.grid);
        let Source { model, weights, text_tokens, dtype, .. } = source;
        let image_tokens = grid.iter().product();
        let of = |name, shape: &[usize]| normals(name, dtype, shape, options.seed);
        let inputs = vec![
            of("hidden_states", &[1, image_tokens, config.in_channels]),
            of("encoder_hidden_states", &[1, text_tokens, config.joint_attention_dim]),
            of("pooled_projections", &[1, config.pooled_projection_dim]),
        ];
        let programs = DenoisingLoop::programs(&task)?;
        let params: Vec<_> = programs.iter().flat_map(|(program, _)| Signature::of(program).params).collect();
        let mut drawn = None;
        let weights: Arc<dyn TensorSource + Send + Sync> = match weights {
            Some(checkpoint) => Arc::new(checkpoint),
            None => {
                let drawing = RandomWeights::of(&params, options.seed);
                let refuse = |remedy| Error::Request { option: "model", value: model.clone(), remedy };
                Arc::clone(drawn.insert(Arc::new(drawing.map_err(refuse)?))) as _
            }
        };
        let launch = launch(&**accelerator, options);
        let values: Vec<Vec<f32>> = inputs.iter().map(|input| to_f32(dtype, &input.bytes)).collect();
        let [latents, text, pooled] = <[_; 3]>::try_from(values).unwrap_or_default();
        let mut denoising = DenoisingLoop::new(accelerator, launch, weights, task, [&text, &pooled])?;
        let denoised = denoising.run(&latents)?;
        let spent = drawn.map_or(Duration::ZERO, |drawn| drawn.spent());
        let cold = started.elapsed().saturating_sub(spent).as_secs_f64();
        let sizes = [("image_tokens", image_tokens), ("text_tokens", text_tokens), ("steps", steps)];
        let about = About {
            model,
            dtype,
            launch,
            sizes: sizes.iter().map(|&(name, size)| (name.to_string(), size as u64)).collect(),
            work: work(programs.iter().map(|(program, times)| (program, *times as u64))),
            operations: operations(&**accelerator, programs.iter().map(|(program, _)| program)),
            attention: denoising.attention(),
            planned_arena: None,
            pictures: None,
            cold,
        };
        let accelerator = Arc::clone(accelerator);
        Ok(Self { about, accelerator, denoising, steps, inputs, latents, denoised })
    }
}

impl Subject for StepsSubject {
    fn about(&self) -> &About {
        &self.about
    }

    fn run(&mut self) -> Result<()> {
        self.denoised = self.denoising.run(&self.latents)?;
        Ok(())
    }

    fn launch(&mut self) -> Result<Option<f64>> {
        Ok(None)
    }

    fn busy(&mut self, _runs: usize) -> Result<Option<f64>> {
        Ok(None)
    }

    fn before_steps(&mut self) -> Result<Option<(usize, f64)>> {
        let mut seconds = Vec::with_capacity(3);
        for _ in 0..3 {
            let started = Instant::now();
            self.denoising.prepare()?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        Ok(Summary::of(&seconds).map(|summary| (self.steps, summary.median)))
    }

    fn save(&self, folder: &Path) -> Result<()> {
        let inputs: Vec<_> =
            self.inputs.iter().map(|input| (input.name, &input.ty, input.bytes.as_slice())).collect();
        save(&folder.join("inputs.safetensors"), &inputs)?;
        let bytes = self.accelerator.download(&self.denoised)?;
        save(&folder.join("outputs.safetensors"), &[("latents", self.denoised.ty(), &bytes)])
    }

    fn check(&self) -> Result<()> {
        let values = to_f32(self.about.dtype, &self.accelerator.download(&self.denoised)?);
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err(Error::NotFinite { what: "transformer", output: "latents".into() }),
        }
    }
}
