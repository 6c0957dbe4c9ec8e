//! A whole pipeline, from a prompt to pixels.

use super::module::{operations, work};
use super::{About, Options, Subject};
use crate::preset::whole;
use crate::save::save;
use crate::{Error, RandomModel, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::Accelerator;
use tintype_pipeline::files::write_png;
use tintype_pipeline::folder::Location;
use tintype_pipeline::inspect::Inspector;
use tintype_pipeline::scheduler::Steps;
use tintype_pipeline::{CancelToken, Generated, Pipeline, PipelineOptions, Request};
use tintype_program::{DType, TensorType};

const PROMPT: &str = "a red heart";
/// Steps, where it is not said how many.
pub(super) const STEPS: usize = 4;

/// A pipeline, its request, and what it made last.
pub(super) struct PipelineSubject {
    about: About,
    pipeline: Pipeline,
    request: Request,
    options: Options,
    made: Generated,
}

impl PipelineSubject {
    /// Opens the folder, or draws a model, and makes the first picture.
    pub(super) fn open(accelerator: &Arc<dyn Accelerator>, options: &Options) -> Result<Self> {
        let from = source(options)?;
        let started = Instant::now();
        let request = request(options, &from);
        let steps = options.steps.unwrap_or(STEPS);
        let From { root, side, text_tokens } = from;
        let (width, height) = (request.width.unwrap_or(side), request.height.unwrap_or(side));
        let text_tokens = request.max_sequence_length.unwrap_or(text_tokens);
        let how = PipelineOptions {
            dtype: options.dtype,
            quantize: Some(options.quantize),
            launch: options.launch,
        };
        let mut pipeline = Pipeline::open(root.clone(), Arc::clone(accelerator), how)?;
        let made = generate(&mut pipeline, &request, options)?;
        let cold = started.elapsed().as_secs_f64();

        let dtype = pipeline.dtype();
        // As the run itself: true classifier-free guidance, which a folder may ask for by itself, runs some of them twice.
        // Picture by picture, though, so that what fills a batch up is not counted.
        let single = Request { batch_size: Some(1), ..request.clone() };
        let inspector = Inspector::open(&root)?;
        let arithmetic = pipeline.arithmetic();
        let stages = inspector.work(&single, arithmetic)?.stages;
        let programs = inspector.programs(&single, arithmetic)?;
        let runs = |name: &str| stages.iter().find(|stage| stage.name == name).map(|stage| stage.runs as u64);
        let programs: Vec<_> =
            programs.iter().filter_map(|(name, program)| Some((program, runs(name)?))).collect();
        let sizes = [
            ("width", width),
            ("height", height),
            ("text_tokens", text_tokens),
            ("steps", steps),
            ("pictures", options.count),
            ("batch_size", options.batch_size),
        ];
        let about = About {
            model: root.display().to_string(),
            dtype,
            launch: pipeline.launch(),
            sizes: sizes.iter().map(|&(name, size)| (name.to_string(), size as u64)).collect(),
            work: work(programs.iter().copied()),
            operations: operations(&**accelerator, programs.iter().map(|(program, _)| *program)),
            attention: pipeline.attention(),
            planned_arena: None,
            pictures: Some(options.count as u64),
            cold,
        };
        Ok(Self { about, pipeline, request, options: options.clone(), made })
    }
}

/// A folder, and the sizes of its pictures where nobody says otherwise.
pub(super) struct From {
    pub(super) root: Location,
    /// Pixels.
    pub(super) side: usize,
    pub(super) text_tokens: usize,
}

/// The folder that is named, or a model drawn into memory. Drawing is no part of a cold run.
pub(super) fn source(options: &Options) -> Result<From> {
    if let Some(folder) = &options.model {
        return Ok(From { root: Location::from(folder), side: 256, text_tokens: 128 });
    }
    let Some(tokenizers) = &options.tokenizers else {
        let remedy = "name a model's folder with --model: this build has no model in it whose tokenizers could be \
                      borrowed, and they cannot be drawn at random";
        return Err(Error::Request { option: "model", value: "none".into(), remedy: remedy.into() });
    };
    let whole = whole(options.preset.as_deref())?;
    let dtype = options.dtype.unwrap_or(DType::F32);
    let model = RandomModel::new(Some(whole.name), dtype, options.seed, tokenizers)?;
    Ok(From { root: model.in_memory(), side: whole.side, text_tokens: whole.text_tokens })
}

/// What is asked of the pipeline.
pub(super) fn request(options: &Options, from: &From) -> Request {
    Request {
        prompt: PROMPT.into(),
        steps: Some(Steps::Count(options.steps.unwrap_or(STEPS))),
        width: Some(options.width.unwrap_or(from.side)),
        height: Some(options.height.unwrap_or(from.side)),
        seed: options.seed,
        count: Some(options.count),
        batch_size: Some(options.batch_size),
        max_sequence_length: Some(options.text_tokens.unwrap_or(from.text_tokens)),
        ..Request::default()
    }
}

/// The pictures, and their file where one is wanted.
fn generate(pipeline: &mut Pipeline, request: &Request, options: &Options) -> Result<Generated> {
    let made = pipeline.generate(request, &mut |_| {}, &CancelToken::default())?;
    write(&made, options)?;
    Ok(made)
}

/// Writes the pictures, one over the other, where their file is named.
pub(super) fn write(made: &Generated, options: &Options) -> Result<()> {
    let Some(path) = &options.png else { return Ok(()) };
    made.pictures.iter().try_for_each(|picture| Ok(write_png(path, picture)?))
}

impl Subject for PipelineSubject {
    fn about(&self) -> &About {
        &self.about
    }

    fn run(&mut self) -> Result<()> {
        self.made = generate(&mut self.pipeline, &self.request, &self.options)?;
        Ok(())
    }

    fn launch(&mut self) -> Result<Option<f64>> {
        Ok(None)
    }

    fn busy(&mut self, _runs: usize) -> Result<Option<f64>> {
        Ok(None)
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
