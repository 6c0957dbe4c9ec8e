//! `tintype generate`.

use crate::args::GenerateArgs;
use crate::progress::Progress;
use anyhow::{Context, Result};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tintype::accel::Choice;
use tintype::pipeline::{files, folder};
use tintype::{CancelToken, Generated, OpenOptions, Pipeline, PipelineOptions, Request, Steps};

/// More pictures than anyone asks for in one run.
const MOST_PICTURES: usize = 10_000;

pub(crate) fn run(args: &GenerateArgs) -> Result<ExitCode> {
    let started = Instant::now();
    // Before anything is sized by it. The pipeline says the same of it.
    anyhow::ensure!(
        (1..=MOST_PICTURES).contains(&args.count),
        "count is {}: give a number from 1 to {MOST_PICTURES}",
        args.count
    );
    let outputs = outputs(&args.output, args.count);
    for path in &outputs {
        // Minutes of work are not to be lost to a folder that cannot be written.
        files::check_writable(path)?;
    }
    let request = request(args)?;
    let cancel = cancel_on_interrupt()?;
    let mut options = OpenOptions::default();
    options.threads = args.device.threads;
    let opened = tintype::backends().open(&args.device.backend, args.device.device.as_deref(), &options)?;
    eprintln!("device: {}", opened.choice);
    let root = folder::resolve(&args.model)?;
    let pipeline_options = PipelineOptions { dtype: args.dtype.map(Into::into), launch: args.launch };
    let mut pipeline = Pipeline::open(&root, opened.accelerator, pipeline_options)?;

    let mut progress = Progress::new();
    let generated = pipeline.generate(&request, &mut progress, &cancel);
    progress.finish();
    let generated = generated?;
    if args.negative.is_some() && generated.settings.true_cfg.is_none() {
        progress.warn("--negative has no effect without --true-cfg above 1".into());
    }
    if args.guidance.is_some() && generated.settings.guidance.is_none() {
        progress.warn("--guidance has no effect: this model is not told a guidance".into());
    }
    for (path, picture) in outputs.iter().zip(&generated.pictures) {
        files::write_png(path, picture)?;
        if !args.json {
            println!("{}", path.display());
        }
    }
    if args.json {
        let seconds = started.elapsed().as_secs_f64();
        let report = report(&outputs, &pipeline, &opened.choice, &generated, &progress.warnings, seconds);
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn request(args: &GenerateArgs) -> Result<Request> {
    let image = match &args.image {
        Some(path) => Some((files::read_png(path)?, args.strength)),
        None => None,
    };
    Ok(Request {
        prompt: args.prompt.clone(),
        negative: args.negative.clone(),
        true_cfg: args.true_cfg,
        guidance: args.guidance,
        steps: args.sigmas.clone().map(Steps::Sigmas).or(args.steps.map(Steps::Count)),
        width: args.width,
        height: args.height,
        seed: args.seed,
        count: Some(args.count),
        batch_size: Some(args.batch_size),
        max_sequence_length: args.max_sequence_length,
        noise_dtype: args.noise_dtype.map(Into::into),
        image,
        latents: None,
    })
}

/// `out.png`, or `out-0.png`, `out-1.png` and so on for several.
fn outputs(path: &Path, count: usize) -> Vec<PathBuf> {
    if count <= 1 {
        return vec![path.to_path_buf()];
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    (0..count).map(|i| path.with_file_name(format!("{stem}-{i}{extension}"))).collect()
}

/// The first interrupt asks the run to stop, the second ends the process.
fn cancel_on_interrupt() -> Result<CancelToken> {
    let cancel = CancelToken::default();
    let token = cancel.clone();
    ctrlc::set_handler(move || {
        if token.is_cancelled() {
            std::process::exit(130);
        }
        token.cancel();
    })
    .context("cannot listen for interrupts")?;
    Ok(cancel)
}

fn report(
    outputs: &[PathBuf],
    pipeline: &Pipeline,
    choice: &Choice,
    generated: &Generated,
    warnings: &[String],
    seconds: f64,
) -> serde_json::Value {
    let passed_over: Vec<_> =
        choice.passed_over.iter().map(|(backend, why)| json!({ "backend": backend, "why": why })).collect();
    json!({
        "pictures": outputs,
        "settings": generated.settings,
        "model": pipeline.root(),
        "model_fingerprint": pipeline.fingerprint(),
        "device": choice.chosen,
        "passed_over": passed_over,
        "launch": pipeline.launch(),
        "seconds": seconds,
        "stats": generated.stats,
        "memory": pipeline.accelerator().memory(),
        "warnings": warnings,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_pictures_get_numbers() {
        let names = |path, count| outputs(Path::new(path), count);
        assert_eq!(names("a/out.png", 1), [Path::new("a/out.png")]);
        assert_eq!(names("a/out.png", 2), [Path::new("a/out-0.png"), Path::new("a/out-1.png")]);
        assert_eq!(names("out", 2)[1], Path::new("out-1"));
    }
}
