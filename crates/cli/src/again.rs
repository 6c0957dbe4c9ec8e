//! `--from`: the settings of a picture that is there.

use crate::jobs::Job;
use anyhow::{Result, bail};
use std::path::Path;
use tintype::Pipeline;
use tintype::pipeline::files;
use tintype::pipeline::recipe::Recipe;

/// What a picture says of how it was made.
pub(crate) fn recipe(path: &Path) -> Result<Recipe> {
    let picture = files::read_picture(path)?;
    match Recipe::of(&picture) {
        Ok(Some(recipe)) => Ok(recipe),
        Ok(None) => bail!(
            "{} does not say how it was made: it holds neither a `tintype` nor a `parameters` text; many programs drop \
             such texts when they save a picture",
            path.display()
        ),
        Err(reason) => bail!("{}: {reason}", path.display()),
    }
}

/// Why the picture may not come out the same, and what of it is not used.
pub(crate) fn warnings(recipe: &Recipe, pipeline: &Pipeline, job: Option<&Job>) -> Vec<String> {
    let mut warnings = recipe.differences(pipeline);
    if recipe.version.is_none() {
        warnings.push(
            "the picture was made by another tool, whose noise is another: it will not come out the same"
                .into(),
        );
    }
    warnings.extend(recipe.not_taken.iter().map(|what| format!("not taken from the picture: {what}")));
    let image = job.and_then(|job| job.request.image.as_ref());
    if let (Some(wanted), Some((image, _))) = (&recipe.image, image)
        && *wanted != image.digest()
    {
        warnings.push("--image is not the picture that was started from".into());
    }
    warnings
}
