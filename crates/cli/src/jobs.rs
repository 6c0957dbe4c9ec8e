//! What a command line asks for, run by run: a run is one prompt and one seed, or all seeds that share batches.

use crate::args::GenerateArgs;
use crate::names;
use anyhow::{Context, Result, bail, ensure};
use std::io::Read;
use std::path::{Path, PathBuf};
use tintype::pipeline::files;
use tintype::pipeline::recipe::Recipe;
use tintype::{Request, Steps};

/// More pictures than anyone asks for in one run.
const MOST_PICTURES: usize = 10_000;

/// One run of the pipeline.
pub(crate) struct Job {
    pub(crate) request: Request,
    /// The number of its prompt among all.
    pub(crate) prompt: usize,
    /// The name that its pictures' names are made of.
    pub(crate) base: PathBuf,
    /// Where its pictures go.
    pub(crate) outputs: Vec<PathBuf>,
}

/// All runs, prompts first.
pub(crate) fn jobs(args: &GenerateArgs, recipe: Option<&Recipe>) -> Result<Vec<Job>> {
    let request = request(args, recipe)?;
    let prompts = args.prompts.as_deref().map(prompts).transpose()?;
    let listed = prompts.is_some();
    let prompts = prompts.unwrap_or_else(|| vec![request.prompt.clone()]);
    let pictures = if request.only.is_some() { 1 } else { request.count.unwrap_or(1) };
    let one = [request.seed];
    let seeds = args.seeds.as_ref().map_or(&one[..], |seeds| &seeds.0);
    // Before anything is sized by it. The pipeline says the same of it.
    ensure!(
        (1..=MOST_PICTURES).contains(&pictures),
        "count is {pictures}: give a number from 1 to {MOST_PICTURES}"
    );
    // One picture of a run is made by itself.
    let together = request.batch_size.unwrap_or(1) > 1 && request.only.is_none();
    let mut jobs = Vec::new();
    for (number, prompt) in prompts.iter().enumerate() {
        let base = match listed {
            true => names::with(&args.output, &format!("-{number}")),
            false => args.output.clone(),
        };
        let of = |seed: u64| match &args.seeds {
            Some(_) => names::with(&base, &format!("-seed{seed}")),
            None => base.clone(),
        };
        let job = |base: &Path, seeds: &[u64]| Job {
            request: Request {
                prompt: prompt.clone(),
                seed: seeds.first().copied().unwrap_or(request.seed),
                seeds: if seeds.len() > 1 { seeds.to_vec() } else { Vec::new() },
                ..request.clone()
            },
            prompt: number,
            base: base.to_path_buf(),
            outputs: seeds.iter().flat_map(|&seed| names::numbered(&of(seed), pictures)).collect(),
        };
        match together && seeds.len() > 1 {
            true => jobs.push(job(&base, seeds)),
            false => jobs.extend(seeds.iter().map(|&seed| job(&of(seed), &[seed]))),
        }
    }
    Ok(jobs)
}

/// What all runs share. Options come before the recipe, the recipe before defaults.
fn request(args: &GenerateArgs, recipe: Option<&Recipe>) -> Result<Request> {
    let from = recipe.map(|recipe| recipe.request.clone()).unwrap_or_default();
    let strength = args.strength.or(recipe.and_then(|recipe| recipe.strength));
    let image = match &args.image {
        Some(path) => Some((files::read_picture(path)?, strength)),
        None => None,
    };
    if let (None, Some(strength)) = (&image, strength) {
        bail!("the picture was made from another one at strength {strength}; give that one with --image");
    }
    let steps = args.sigmas.clone().map(Steps::Sigmas).or(args.steps.map(Steps::Count));
    Ok(Request {
        prompt: args.prompt.clone().unwrap_or(from.prompt),
        negative: args.negative.clone().or(from.negative),
        true_cfg: args.true_cfg.or(from.true_cfg),
        guidance: args.guidance.or(from.guidance),
        steps: steps.or(from.steps),
        width: args.width.or(from.width),
        height: args.height.or(from.height),
        seed: args.seed.unwrap_or(from.seed),
        seeds: Vec::new(),
        count: args.count.or(from.count),
        // Another number of pictures is another run, of which all are wanted.
        only: if args.count.is_some() { None } else { from.only },
        batch_size: args.batch_size,
        max_sequence_length: args.max_sequence_length.or(from.max_sequence_length),
        noise_dtype: args.noise_dtype.map(Into::into).or(from.noise_dtype),
        image,
        latents: None,
        preview: args.preview.map(Into::into),
        vae_tile: args.vae_tile.unwrap_or(from.vae_tile),
    })
}

/// The prompts of a file, or of standard input.
fn prompts(path: &Path) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(path).map(|content| bytes = content),
    };
    read.with_context(|| format!("cannot read prompts from {}", path.display()))?;
    let Ok(text) = String::from_utf8(bytes) else {
        bail!("{} is not UTF-8 text; write the prompts in UTF-8", path.display())
    };
    let prompts = lines(&text);
    if prompts.is_empty() {
        bail!("{} holds no prompt; write one a line", path.display());
    }
    Ok(prompts)
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_lines() {
        let text = "\u{feff}a heart\r\n\n  # not this\n  a spade \nwith # inside\n";
        assert_eq!(lines(text), ["a heart", "a spade", "with # inside"]);
        assert!(lines("#\n\n").is_empty());
    }
}
