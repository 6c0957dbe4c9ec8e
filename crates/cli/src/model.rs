//! Which model a command runs: a folder, a repository of the Hub, single files, or the one that is built in.

use crate::args::ModelArgs;
use crate::progress::Progress;
use anyhow::{Result, bail};
use tintype::CancelToken;
use tintype::pipeline::folder::{ModelFolder, find};

/// Opens it, downloaded first where it must be.
pub(crate) fn open(args: &ModelArgs, progress: &mut Progress, cancel: &CancelToken) -> Result<ModelFolder> {
    let built_in = args.model.as_deref().is_none_or(|name| name == tintype::BUNDLED);
    if let Some(model) = tintype::bundled().filter(|_| built_in) {
        if args.model.is_none() {
            eprintln!("model: {}, the small one that is built in; --model takes another", model.display());
        }
        return Ok(with_files(ModelFolder::open(model)?, args));
    }
    let Some(name) = args.model.as_deref() else {
        bail!(
            "no --model was given, and this build has no model in it; give a folder in the diffusers layout, or a \
             repository of the Hub such as black-forest-labs/FLUX.1-schnell"
        );
    };
    let files = [("transformer", &args.transformer), ("vae", &args.vae)];
    let without: Vec<&str> =
        files.iter().filter(|(_, file)| file.is_some()).map(|(component, _)| *component).collect();
    let root = find(name, &without, progress, cancel);
    progress.finish();
    Ok(with_files(ModelFolder::open(&root?)?, args))
}

fn with_files(mut folder: ModelFolder, args: &ModelArgs) -> ModelFolder {
    if let Some(file) = &args.transformer {
        folder = folder.with_transformer(file);
    }
    if let Some(file) = &args.vae {
        folder = folder.with_vae(file);
    }
    folder
}
