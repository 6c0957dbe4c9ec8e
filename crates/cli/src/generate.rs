//! `tintype generate`.

use crate::again;
use crate::args::{Engine, GenerateArgs};
use crate::backends::Backends;
use crate::engine::{self, Engined};
use crate::inspect;
use crate::interrupt::cancel_on_interrupt;
use crate::jobs::{Job, jobs};
use crate::model;
use crate::names;
use crate::progress::Progress;
use crate::save::{self, Saver};
use crate::say;
use anyhow::Result;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tintype::accel::{Choice, Stats};
use tintype::pipeline::files::{self, PictureFormat};
use tintype::{CancelToken, Generated, Pipeline, PipelineOptions, Settings, Throughput};

/// Pixels between the pictures of a sheet.
const GAP: usize = 8;

/// What a run came to, its pictures aside: they are written.
struct Done {
    settings: Settings,
    /// The seeds, where there are several.
    seeds: Vec<u64>,
    stats: Stats,
    throughput: Option<Throughput>,
    pictures: Vec<PathBuf>,
}

pub(crate) fn run(args: &GenerateArgs, logging: bool) -> Result<ExitCode> {
    let started = Instant::now();
    let recipe = args.from.as_deref().map(again::recipe).transpose()?;
    let jobs = jobs(args, recipe.as_ref())?;
    // From here on there may be files to tidy up; before, an interrupt may end the process at once.
    let cancel = cancel_on_interrupt()?;
    let grid = args.grid.then(|| names::with(&args.output, "-grid"));
    for path in jobs.iter().flat_map(|job| &job.outputs).chain(&grid) {
        // Minutes of work are not to be lost to a folder that cannot be written.
        files::check_writable(path)?;
    }
    let options = args.device.open_options();
    let backends = Backends::of(&args.gaudi, args.model.model.as_deref().map(Path::new))?;
    let registry = engine::registry(&args.engine, &backends.registry)?;
    let opened = registry.open(&args.device.backend, args.device.device.as_deref(), &options)?;
    say::note(format!("device: {}", opened.choice));
    let engined = Engined::of(&args.engine, opened.accelerator, options.tf32)?;
    let mut saver = Saver::new(Progress::new(logging), args.quality, !args.json, args.grid);
    let folder = model::open(&args.model, &mut saver.progress, &cancel)?;
    let dtype = args.dtype.map(Into::into).or(recipe.as_ref().and_then(|recipe| recipe.dtype));
    let asked = args.quantize.map(|asked| asked.0);
    let quantize = asked.or(recipe.as_ref().map(|recipe| recipe.quantize));
    let pipeline_options = PipelineOptions { dtype, quantize, launch: args.launch };
    let mut pipeline = Pipeline::of(&folder, engined.accelerator.clone(), pipeline_options)?;

    backends.tell(&opened.choice.chosen, pipeline.dtype(), &mut saver.progress);
    if let Some(recipe) = &recipe {
        for warning in again::warnings(recipe, &pipeline, jobs.first()) {
            saver.progress.warn(warning);
        }
    }
    let mut done = Vec::with_capacity(jobs.len());
    for (number, job) in jobs.iter().enumerate() {
        saver.progress.run = (jobs.len() > 1).then_some((number + 1, jobs.len()));
        done.push(one(args, job, &mut pipeline, &mut saver, &cancel)?);
    }
    engined.tell();
    without_effect(args, &done, &mut saver.progress);
    if let (Some(path), Some(pictures)) = (&grid, saver.sheet.take()) {
        let mut sheet = files::contact_sheet(&pictures, columns(args, &jobs, pictures.len()), GAP)?;
        sheet.text = vec![("Software".into(), "tintype".into())];
        saver.write(path, &sheet)?;
    }
    if args.json {
        let mut report = report(&pipeline, &opened.choice, &done, &saver.progress.warnings);
        report["seconds"] = started.elapsed().as_secs_f64().into();
        report["grid"] = json!(grid);
        report["engine"] = engined.report();
        say::all(format!("{}\n", serde_json::to_string_pretty(&report)?).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One run: its pictures are written when it returns, and those that were done when it fails.
fn one(
    args: &GenerateArgs,
    job: &Job,
    pipeline: &mut Pipeline,
    saver: &mut Saver,
    cancel: &CancelToken,
) -> Result<Done> {
    let before = saver.written.len();
    saver.expect(&job.outputs, job.request.only.unwrap_or(0));
    let generated = pipeline.generate(&job.request, saver, cancel);
    saver.progress.finish();
    let generated = generated.map_err(|error| saver.failed(error, &job.base, &args.model))?;
    // A forecast is of the device's own engine.
    if args.engine.engine != Engine::Torch {
        inspect::remember(pipeline, &job.request, &generated, args.device.threads);
    }
    let Generated { settings, stats, throughput, .. } = generated;
    if let Some(told) = throughput.filter(|_| args.batch_size.is_some()) {
        say::note(format!(
            "throughput: {:.3} pictures a second ({} in {:.2} s), after {} in {:.2} s to warm up",
            told.pictures_per_second, told.pictures, told.seconds, told.warmup_pictures, told.warmup_seconds
        ));
    }
    let pictures = saver.written.get(before..).unwrap_or_default().to_vec();
    Ok(Done { settings, seeds: job.request.seeds.clone(), stats, throughput, pictures })
}

/// Pictures in a row of the sheet: those of one prompt, where there are several of each; else as many as make a square.
fn columns(args: &GenerateArgs, jobs: &[Job], pictures: usize) -> usize {
    let square = (1..=pictures).find(|side| side * side >= pictures).unwrap_or(1);
    let prompts = jobs.last().map_or(1, |job| job.prompt + 1);
    match pictures / prompts {
        of_one if args.prompts.is_some() && of_one > 1 => of_one,
        _ => square,
    }
}

/// Options that changed nothing are told.
fn without_effect(args: &GenerateArgs, done: &[Done], progress: &mut Progress) {
    let Some(Done { settings, .. }) = done.first() else { return };
    if args.negative.is_some() && settings.true_cfg.is_none() {
        progress.warn("--negative has no effect without --true-cfg above 1".into());
    }
    if args.guidance.is_some() && settings.guidance.is_none() {
        progress.warn("--guidance has no effect: this model is not told a guidance".into());
    }
    if let Some(batch) = args.batch_size
        && let Some(few) = done.iter().map(|run| run.pictures.len()).min().filter(|few| *few < batch)
    {
        progress.warn(format!(
            "--batch-size {batch} is more than the {few} pictures of a run: a batch that is not full takes as long as a \
             full one"
        ));
    }
    if args.quality.is_some() && !matches!(save::format(&args.output, None), PictureFormat::Jpeg { .. }) {
        progress.warn("--quality has no effect: PNG and WebP are written without loss".into());
    }
}

fn report(pipeline: &Pipeline, choice: &Choice, done: &[Done], warnings: &[String]) -> serde_json::Value {
    let passed_over: Vec<_> =
        choice.passed_over.iter().map(|(backend, why)| json!({ "backend": backend, "why": why })).collect();
    let run = |run: &Done| {
        let mut told = json!({ "pictures": run.pictures, "settings": run.settings, "stats": run.stats });
        told["throughput"] = json!(run.throughput);
        if !run.seeds.is_empty() {
            told["seeds"] = json!(run.seeds);
        }
        told
    };
    let pictures: Vec<_> = done.iter().flat_map(|run| &run.pictures).collect();
    json!({
        "pictures": pictures,
        "settings": done.first().map(|run| &run.settings),
        "runs": done.iter().map(run).collect::<Vec<_>>(),
        "model": pipeline.root(),
        "model_fingerprint": pipeline.fingerprint(),
        "device": choice.chosen,
        "passed_over": passed_over,
        "launch": pipeline.launch(),
        "attention": pipeline.attention(),
        "stats": done.first().map(|run| &run.stats),
        "memory": pipeline.accelerator().memory(),
        "warnings": warnings,
        "version": env!("CARGO_PKG_VERSION"),
    })
}
