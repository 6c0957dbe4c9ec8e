//! A whole pipeline, from a prompt to pixels.

use super::module::{operations, work};
use super::{About, Options, Subject};
use crate::save::save;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::Accelerator;
use tintype_pipeline::inspect::Inspector;
use tintype_pipeline::scheduler::Steps;
use tintype_pipeline::{CancelToken, Generated, Pipeline, PipelineOptions, Request};
use tintype_program::{DType, TensorType};

const PROMPT: &str = "a red heart";
const STEPS: usize = 4;

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
        let steps = options.steps.unwrap_or(STEPS);
        let request = Request {
            prompt: PROMPT.into(),
            steps: Some(Steps::Count(steps)),
            width: Some(width),
            height: Some(height),
            seed: options.seed,
            max_sequence_length: Some(text_tokens),
            ..Request::default()
        };
        let how = PipelineOptions { dtype: options.dtype, launch: options.launch };
        let mut pipeline = Pipeline::open(root, Arc::clone(accelerator), how)?;
        let made = generate(&mut pipeline, &request)?;
        let cold = started.elapsed().as_secs_f64();

        let dtype = pipeline.dtype();
        // As the run itself: true classifier-free guidance, which a folder may ask for by itself, runs some of them twice.
        let inspector = Inspector::open(root.as_path())?;
        let stages = inspector.work(&request, dtype)?.stages;
        let programs = inspector.programs(&request, dtype)?;
        let runs = |name: &str| stages.iter().find(|stage| stage.name == name).map(|stage| stage.runs as u64);
        let programs: Vec<_> =
            programs.iter().filter_map(|(name, program)| Some((program, runs(name)?))).collect();
        let sizes = [("width", width), ("height", height), ("text_tokens", text_tokens), ("steps", steps)];
        let about = About {
            model: root.display().to_string(),
            dtype,
            launch: pipeline.launch(),
            sizes: sizes.iter().map(|&(name, size)| (name.to_string(), size as u64)).collect(),
            work: work(programs.iter().copied()),
            operations: operations(&**accelerator, programs.iter().map(|(program, _)| *program)),
            planned_arena: None,
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
