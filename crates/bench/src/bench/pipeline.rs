//! A whole pipeline, from a prompt to pixels.

use super::module::{operations, work};
use super::{About, Options, Subject};
use crate::case::Case;
use crate::save::save;
use crate::{Error, Result, What};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::Accelerator;
use tintype_pipeline::scheduler::Steps;
use tintype_pipeline::{CancelToken, Generated, Pipeline, PipelineOptions, Request};
use tintype_program::{DType, TensorType};

const PROMPT: &str = "a red heart";

/// A pipeline, its request, and what it made last.
pub(super) struct PipelineSubject {
    about: About,
    pipeline: Pipeline,
    request: Request,
    made: Generated,
}

impl PipelineSubject {
    /// Opens the folder and makes the first picture.
    pub(super) fn open(accelerator: &Arc<dyn Accelerator>, options: &Options) -> Result<Self> {
        let Some(root) = &options.model else {
            let remedy = "name a model's folder with --model: tokenizers cannot be drawn at random".into();
            return Err(Error::Request { option: "model", value: "none".into(), remedy });
        };
        let started = Instant::now();
        let (width, height) = (options.width.unwrap_or(256), options.height.unwrap_or(256));
        let text_tokens = options.text_tokens.unwrap_or(128);
        let request = Request {
            prompt: PROMPT.into(),
            steps: Some(Steps::Count(options.steps)),
            width: Some(width),
            height: Some(height),
            seed: options.seed,
            count: Some(options.count),
            batch_size: Some(options.batch_size),
            max_sequence_length: Some(text_tokens),
            ..Request::default()
        };
        let how = PipelineOptions { dtype: options.dtype, launch: options.launch };
        let mut pipeline = Pipeline::open(root, Arc::clone(accelerator), how)?;
        let made = generate(&mut pipeline, &request)?;
        let cold = started.elapsed().as_secs_f64();

        let dtype = pipeline.dtype();
        let module = |what, text_tokens| {
            let (width, height) = (Some(width), Some(height));
            let dtype = Some(dtype);
            let model = Some(root.clone());
            Case::open(&Options { what, model, dtype, width, height, text_tokens, ..Options::of(what) })
        };
        // True classifier-free guidance, which a folder may ask for by itself, is a second pass with the negative prompt.
        let passes = 1 + u64::from(made.settings.true_cfg.is_some());
        let modules = [
            (module(What::Clip, None)?, passes),
            (module(What::T5, Some(text_tokens))?, passes),
            (module(What::Transformer, Some(text_tokens))?, passes * (options.steps * options.count) as u64),
            (module(What::Vae, None)?, options.count as u64),
        ];
        let sizes = [
            ("width", width),
            ("height", height),
            ("text_tokens", text_tokens),
            ("steps", options.steps),
            ("pictures", options.count),
            ("batch_size", options.batch_size),
        ];
        let about = About {
            model: root.display().to_string(),
            dtype,
            launch: pipeline.launch(),
            sizes: sizes.iter().map(|&(name, size)| (name.to_string(), size as u64)).collect(),
            // The scheduler's and the packing's arithmetic, some operations a latent pixel, is left out, and so is what
            // fills a batch up.
            work: work(modules.iter().map(|(case, times)| (&case.program, *times))),
            operations: operations(&**accelerator, modules.iter().map(|(case, _)| &case.program)),
            planned_arena: None,
            pictures: Some(options.count as u64),
            cold,
        };
        Ok(Self { about, pipeline, request, made })
    }
}

fn generate(pipeline: &mut Pipeline, request: &Request) -> Result<Generated> {
    Ok(pipeline.generate(request, &mut |_| {}, &CancelToken::default())?)
}

impl Subject for PipelineSubject {
    fn about(&self) -> &About {
        &self.about
    }

    fn run(&mut self) -> Result<()> {
        self.made = generate(&mut self.pipeline, &self.request)?;
        Ok(())
    }

    fn save(&self, folder: &Path) -> Result<()> {
        let Some(picture) = self.made.pictures.first() else { return Ok(()) };
        let ty = TensorType::new(DType::U8, [picture.height as usize, picture.width as usize, 3]);
        save(&folder.join("outputs.safetensors"), &[("picture", &ty, &picture.rgb)])
    }

    fn check(&self) -> Result<()> {
        // The pipeline itself refuses a picture that is not finite.
        Ok(())
    }
}
