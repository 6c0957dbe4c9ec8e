//! A whole run: prompts, first latents, denoising, decoding.

use super::denoise::{Denoising, Plan, Previews};
use super::denoiser::Denoiser;
use super::draw::{Start, first_latents};
use super::model::FluxModel;
use super::preview::preview;
use super::sizes::Extents;
use super::text::{Role, TextEncoders};
use super::tiles::{Decoding, asked};
use super::vae::Vae;
use crate::files::{Latents, Picture};
use crate::folder::ModelFolder;
use crate::generate::{Event, Request, Run, Settings};
use crate::random::NoiseDtype;
use crate::recipe::Made;
use crate::scheduler::{Sampler, ScheduleRequest, Steps};
use crate::{Arithmetic, Error, Result};
use std::ops::Range;
use std::sync::Arc;
use tintype_accel::Weights;
use tintype_program::DType;

const STEPS: usize = 28;
const GUIDANCE: f64 = 3.5;
const GUIDANCE_FROM_IMAGE: f64 = 7.0;
const STRENGTH: f64 = 0.6;
const SEQUENCE: usize = 512;
/// Latent pixels of a side, where no size is asked for.
pub(super) const LATENT_SIDE: usize = 128;
/// More pictures than anyone asks for in one run.
const MOST_PICTURES: usize = 10_000;

/// A Flux model on a device.
pub(crate) struct Flux {
    pub(super) model: Arc<FluxModel>,
    text: TextEncoders,
    denoiser: Denoiser,
    pub(super) vae: Vae,
}

/// What a run is asked to do, checked and with its defaults.
pub(super) struct Task<'t> {
    pub(super) settings: Settings,
    pub(super) extents: Extents,
    pub(super) schedule: ScheduleRequest,
    image: Option<&'t Picture>,
    given: Option<&'t [f32]>,
    noise_dtype: NoiseDtype,
    /// A generator each; never none.
    seeds: Vec<u64>,
    /// Which of the run's pictures are made.
    pub(super) pictures: Range<usize>,
    /// The size of every batch.
    pub(super) batch: usize,
    pub(super) preview: Option<usize>,
}

impl Flux {
    pub(crate) fn open(folder: &ModelFolder) -> Result<Self> {
        let model = FluxModel::open(folder)?;
        Ok(Self {
            text: TextEncoders::new(&model),
            denoiser: Denoiser::new(model.transformer_weights.clone(), Arc::clone(&model.traces)),
            vae: Vae::new(&model),
            model: Arc::new(model),
        })
    }

    /// The same model for another pipeline on the same device: configs, tokenizers, files and weights are shared.
    pub(crate) fn share(&self) -> Self {
        let (model, denoiser) = (Arc::clone(&self.model), self.denoiser.share());
        Self { model, text: self.text.share(), denoiser, vae: self.vae.share() }
    }

    /// The dtype that the model's own defaults ask for.
    pub(crate) fn default_dtype(&self) -> Option<DType> {
        self.model.defaults.dtype
    }

    pub(crate) fn stored_dtype(&self) -> DType {
        self.model.stored_dtype()
    }

    /// What attention became in the denoiser that ran last.
    pub(crate) fn attention(&self) -> Vec<String> {
        self.denoiser.attention()
    }

    pub(crate) fn fingerprint(&self) -> &str {
        &self.model.fingerprint
    }

    pub(crate) fn scheduler(&self) -> &'static str {
        self.model.scheduler.name()
    }

    /// The weights of each component that is on the device, by the name of its folder.
    pub(crate) fn weights(&self) -> Vec<(&'static str, Arc<Weights>)> {
        let [clip, t5] = self.text.components();
        let [decoder, encoder] = self.vae.components();
        let all = [
            ("text_encoder", clip.weights()),
            ("text_encoder_2", t5.weights()),
            ("transformer", self.denoiser.weights()),
            ("vae.decoder", decoder.weights()),
            ("vae.encoder", encoder.weights()),
        ];
        all.into_iter().filter_map(|(name, weights)| Some((name, Arc::clone(weights?)))).collect()
    }

    pub(crate) fn generate(
        &mut self,
        request: &Request,
        run: &mut Run<'_>,
    ) -> Result<(Settings, Vec<Picture>)> {
        let task = self.task(request, run.arithmetic)?;
        let settings = &task.settings;
        let table = self.model.scheduler.table(&task.schedule)?;
        if table.draws_noise() {
            let value = "one that draws fresh noise in every step (stochastic_sampling or sde)".into();
            let remedy = "set it off in scheduler_config.json: such steps are not made yet".into();
            return Err(Error::Request { option: "scheduler", value, remedy });
        }
        run.watcher.event(Event::Encoding);
        run.cancel.check()?;
        let length = settings.max_sequence_length;
        let prompt = self.text.encode(&self.model, run, &settings.prompt, length, Role::Positive)?;
        let negative = match (&settings.negative, settings.true_cfg) {
            (Some(text), Some(factor)) => {
                Some((self.text.encode(&self.model, run, text, length, Role::Negative)?, factor))
            }
            _ => None,
        };
        run.cancel.check()?;
        let start = Start {
            seeds: &task.seeds,
            noise_dtype: task.noise_dtype,
            count: settings.count,
            image: task.image.map(|picture| (picture, table.initial_sigma())),
            given: task.given,
        };
        let latents = first_latents(&self.model, &mut self.vae, run, &task.extents, &start)?;
        let plan = Plan {
            table: &table,
            history: self.model.scheduler.history(),
            batch: task.batch,
            grid: [task.extents.latent_height / 2, task.extents.latent_width / 2],
            guidance: settings.guidance.unwrap_or_default(),
            preview: task.preview.is_some(),
            prompt: &prompt,
            negative: negative.as_ref().map(|(prompt, factor)| (prompt, *factor)),
        };
        let denoising = Denoising::prepare(&self.model.transformer, &mut self.denoiser, run, &plan)?;
        let picture = latents.len() / (settings.count * task.seeds.len());
        let wanted = task.pictures.start * picture..task.pictures.end * picture;
        let latents = latents.get(wanted).unwrap_or_default();
        let seeds = if task.seeds.len() > 1 { task.seeds.clone() } else { Vec::new() };
        let made = Made { settings: task.settings.clone(), seeds, ..run.made.clone() };
        let mut pictures = Vec::with_capacity(task.pictures.len());
        let (mut settings, mut decoding) = (task.settings.clone(), Decoding::Asked(request.vae_tile));
        for (i, latents) in latents.chunks(task.batch * picture).enumerate() {
            let first = task.pictures.start + i * task.batch;
            let batch = first..first + latents.len() / picture;
            let Self { model, vae, denoiser, .. } = self;
            let mut show =
                |run: &mut Run<'_>, latents: &[f32]| preview(model, vae, run, &task.extents, latents);
            let mut previews = task.preview.map(|every| Previews { every, make: &mut show });
            let denoised = denoising.run(
                &model.transformer,
                denoiser,
                run,
                batch.clone(),
                latents,
                previews.as_mut(),
            )?;
            let mut latents = Latents {
                made: Made { attention: self.attention(), ..made.from_picture(first) },
                shape: denoising.shape_of(batch.len()),
                values: denoising.pictures(run.place, &denoised, batch.len())?,
            };
            self.finish(run, &task.extents, &mut latents, &mut decoding, &mut pictures)?;
            settings = latents.made.settings;
            run.pace.batch(batch.len(), run.place.accelerator.stats());
        }
        Ok((settings, pictures))
    }

    /// Fills in defaults and refuses what cannot be done, before anything runs.
    pub(super) fn task<'t>(&self, request: &'t Request, arithmetic: Arithmetic) -> Result<Task<'t>> {
        let Arithmetic { dtype, quantize } = arithmetic;
        let scale = self.model.vae.spatial_factor();
        let side = LATENT_SIDE * scale;
        let own = &self.model.defaults;
        let width = request.width.or(own.width).unwrap_or(side);
        let height = request.height.or(own.height).unwrap_or(side);
        let extents = Extents::new(width, height, scale)?;
        let count = request.count.unwrap_or(1);
        within("count", count, MOST_PICTURES)?;
        let seeds = match request.seeds.is_empty() {
            true => vec![request.seed],
            false => request.seeds.clone(),
        };
        let total = count.saturating_mul(seeds.len());
        within("count", total, MOST_PICTURES)?;
        let batch = request.batch_size.unwrap_or(1);
        within("batch-size", batch, MOST_PICTURES)?;
        let max_sequence_length = request.max_sequence_length.or(own.max_sequence_length).unwrap_or(SEQUENCE);
        within("max-sequence-length", max_sequence_length, SEQUENCE)?;
        let strength = request.image.as_ref().map(|(_, strength)| strength.unwrap_or(STRENGTH));
        let usual = if request.image.is_some() { GUIDANCE_FROM_IMAGE } else { GUIDANCE };
        let guidance = request.guidance.or(own.guidance).unwrap_or(usual);
        finite("guidance", guidance)?;
        let true_cfg = request.true_cfg.or(own.true_cfg).unwrap_or(1.0);
        finite("true-cfg", true_cfg)?;
        let negative = request.negative.as_ref().or(own.negative.as_ref());
        let true_cfg = (true_cfg > 1.0 && negative.is_some()).then_some(true_cfg);
        let steps = request.steps.clone().unwrap_or(Steps::Count(own.steps.unwrap_or(STEPS)));
        let noise_dtype = request.noise_dtype.unwrap_or(match dtype {
            DType::Bf16 => NoiseDtype::BF16,
            DType::F16 => NoiseDtype::F16,
            _ => NoiseDtype::F32,
        });
        let settings = Settings {
            prompt: request.prompt.clone(),
            negative: true_cfg.and(negative.cloned()),
            true_cfg,
            guidance: self.model.transformer.guidance_embeds.then_some(guidance),
            steps: match &steps {
                Steps::Count(count) => *count,
                Steps::Sigmas(sigmas) => sigmas.len(),
            },
            sigmas: match &steps {
                Steps::Count(_) => None,
                Steps::Sigmas(sigmas) => Some(sigmas.clone()),
            },
            width,
            height,
            seed: seeds.first().copied().unwrap_or_default(),
            count,
            max_sequence_length,
            strength,
            image: request.image.as_ref().map(|(picture, _)| picture.digest()),
            latents: request.latents.is_some(),
            // Where tiles are chosen by what is free, it is known when the first picture is decoded.
            vae_tile: asked(&self.model, &extents, request.vae_tile)?.map(|grid| grid.tiles.side),
            dtype: dtype.name().into(),
            quantize: quantize.map(|quantization| quantization.name().into()),
            noise_dtype: noise_dtype.name().into(),
        };
        let schedule = ScheduleRequest { steps, image_tokens: extents.tokens(), strength };
        let image = request.image.as_ref().map(|(picture, _)| picture);
        if let Some(picture) = image {
            picture.check()?;
        }
        let given = request.latents.as_deref();
        let pictures = match request.only {
            Some(only) if seeds.len() > 1 => {
                let remedy = "ask for one picture of one seed at a time".into();
                return Err(Error::Request { option: "only", value: only.to_string(), remedy });
            }
            Some(only) if only < count => only..only + 1,
            Some(only) => {
                let remedy = format!("give a number below {count}, the number of pictures");
                return Err(Error::Request { option: "only", value: only.to_string(), remedy });
            }
            None => 0..total,
        };
        if let Some(every) = request.preview {
            within("preview", every, usize::MAX)?;
        }
        let preview = request.preview;
        Ok(Task { settings, extents, schedule, image, given, noise_dtype, seeds, pictures, batch, preview })
    }
}

fn within(option: &'static str, value: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::Request {
        option,
        value: value.to_string(),
        remedy: format!("give a number from 1 to {most}"),
    })
}

fn finite(option: &'static str, value: f64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Error::Request { option, value: value.to_string(), remedy: "give a finite number".into() })
}
