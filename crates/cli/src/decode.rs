//! `tintype decode`: a picture from the latents of a run that failed.

use crate::args::DecodeArgs;
use crate::backends::Backends;
use crate::interrupt::cancel_on_interrupt;
use crate::model;
use crate::names;
use crate::progress::Progress;
use crate::save::Saver;
use crate::say;
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;
use tintype::pipeline::files;
use tintype::pipeline::recipe::Recipe;
use tintype::{Pipeline, PipelineOptions};

pub(crate) fn run(args: &DecodeArgs, logging: bool) -> Result<ExitCode> {
    let cancel = cancel_on_interrupt()?;
    let latents = files::read_latents(&args.latents)?;
    let first = latents.made.picture;
    let outputs = match latents.shape[0] {
        1 => vec![args.output.clone()],
        several => (first..first.saturating_add(several))
            .map(|number| names::with(&args.output, &format!("-{number}")))
            .collect(),
    };
    for path in &outputs {
        files::check_writable(path)?;
    }
    let options = args.device.open_options();
    let backends = Backends::of(&args.gaudi, args.model.model.as_deref().map(Path::new))?;
    let opened = backends.registry.open(&args.device.backend, args.device.device.as_deref(), &options)?;
    say::note(format!("device: {}", opened.choice));
    let mut saver = Saver::new(Progress::new(logging), args.quality, true, false);
    let folder = model::open(&args.model, &mut saver.progress, &cancel)?;
    let recipe = Recipe::from(latents.made.clone());
    let dtype = args.dtype.map(Into::into).or(recipe.dtype);
    let mut pipeline = Pipeline::of(
        &folder,
        opened.accelerator,
        PipelineOptions { dtype, launch: args.launch, ..Default::default() },
    )?;
    backends.tell(pipeline.accelerator().device(), pipeline.dtype(), &mut saver.progress);
    for warning in recipe.differences(&pipeline) {
        saver.progress.warn(warning);
    }
    saver.expect(&outputs, first);
    let tile = args.vae_tile.unwrap_or(recipe.request.vae_tile);
    match pipeline.decode_with(&latents, tile, &mut saver, &cancel) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        // The latents are in the file that they were read from.
        Err(tintype::Error::Unfinished { source, .. }) => Err((*source).into()),
        Err(error) => Err(error.into()),
    }
}
