//! `tintype aot`: packages of PyTorch's compiler.

use crate::args::{AotApplyArgs, AotCaptureArgs, AotCommand, AotCompileArgs};
use crate::interrupt::cancel_on_interrupt;
use crate::model;
use crate::progress::Progress;
use crate::say;
use anyhow::{Context, Result};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Instant;
use tintype::inductor::{self, AotOptions, Libtorch, Packages, Python, Target};
use tintype::pipeline::inspect::Inspector;
use tintype::{Arithmetic, Request, Steps};

/// So many cores keep one compile busy.
const CORES_OF_A_COMPILE: usize = 4;
/// Each compile is a Python with torch, of several GiB.
const MOST_COMPILES: usize = 8;

pub(crate) fn run(command: AotCommand) -> Result<ExitCode> {
    match command {
        AotCommand::Capture(args) => capture(&args),
        AotCommand::Compile(args) => compile(&args),
        AotCommand::Apply(args) => apply(&args),
    }
}

fn capture(args: &AotCaptureArgs) -> Result<ExitCode> {
    if let Some(preset) = &args.preset {
        return capture_preset(args, preset);
    }
    let cancel = cancel_on_interrupt()?;
    let folder = model::open(&args.model, &mut Progress::new(false), &cancel)?;
    let inspector = Inspector::of(folder)?;
    let dtype = args.dtype.map_or_else(|| inspector.default_dtype(), Into::into);
    let request = Request {
        steps: args.steps.map(Steps::Count),
        width: args.width,
        height: args.height,
        max_sequence_length: args.max_sequence_length,
        true_cfg: args.true_cfg,
        negative: args.true_cfg.map(|_| String::new()),
        ..Request::default()
    };
    let programs = inspector
        .programs_of_run(&request, Arithmetic { dtype, quantize: args.quantize.and_then(|asked| asked.0) })?;
    let named = programs.iter().map(|(name, program)| (*name, program));
    for path in inductor::capture(named, &args.output)? {
        say::all(format!("{}\n", path.display()).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The denoiser of a preset: as a module, or as the Programs of so many steps.
fn capture_preset(args: &AotCaptureArgs, preset: &str) -> Result<ExitCode> {
    let options = tintype::bench::Options {
        preset: Some(preset.into()),
        dtype: args.dtype.map(Into::into),
        quantize: args.quantize.and_then(|asked| asked.0),
        width: args.width,
        height: args.height,
        text_tokens: args.max_sequence_length,
        steps: args.steps,
        ..tintype::bench::Options::of(tintype::bench::What::Transformer)
    };
    let programs = tintype::bench::programs(&options)?;
    let named = programs.iter().map(|program| (program.entry().name.as_str(), program));
    for path in inductor::capture(named, &args.output)? {
        say::all(format!("{}\n", path.display()).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn compile(args: &AotCompileArgs) -> Result<ExitCode> {
    let cancel = cancel_on_interrupt()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = AotOptions {
        device: args.device.clone(),
        blocks: args.blocks,
        fuse_qkv: args.fuse_qkv,
        jobs: args.jobs.unwrap_or((cores / CORES_OF_A_COMPILE).clamp(1, MOST_COMPILES)),
        dynamic: args.dynamic.as_deref().map(sizes).transpose()?,
        ..AotOptions::default()
    };
    for option in &args.option {
        let (name, value) =
            option.split_once('=').with_context(|| format!("--option {option}: NAME=VALUE is meant"))?;
        let value = serde_json::from_str(value)
            .with_context(|| format!("--option {option}: the value is no JSON; quote a text"))?;
        options.inductor.insert(name.into(), value);
    }
    let python = Python::find()?;
    say::note(format!("python: {}, torch {}", python.program().display(), python.torch()));
    let started = Instant::now();
    let mut tell = |progress: inductor::Progress<'_>| {
        let inductor::Progress { number, total, name, doing } = progress;
        say::note(format!("{number}/{total} {name}: {doing} ({:.0} s)", started.elapsed().as_secs_f64()));
    };
    let made = inductor::compile(&python, &args.captured, &args.output, &options, &mut tell);
    // The interrupt ends the exporter too, whose failure is then no news.
    if cancel.is_cancelled() {
        return Err(tintype::Error::Cancelled.into());
    }
    for path in made? {
        say::all(format!("{}\n", path.display()).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `LEAST:MOST`
fn sizes(text: &str) -> Result<RangeInclusive<usize>> {
    let ends = text.split_once(':').and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
    let sizes = ends.map(|(least, most): (usize, usize)| least..=most).filter(|sizes| !sizes.is_empty());
    sizes.with_context(|| {
        format!("--dynamic {text}: LEAST:MOST is meant, two whole numbers, such as 256:8192")
    })
}

/// The device that packages are held against: the host's processors, or the one that is named.
fn target(args: &AotApplyArgs, torch: &str) -> Result<Target> {
    if args.backend == "cpu" {
        return Ok(Target::of_host(torch));
    }
    let opened = tintype::backends().open(&args.backend, None, &tintype::accel::OpenOptions::default())?;
    let device = opened.accelerator.device().clone();
    Target::of_device(&device, torch).with_context(|| {
        format!("packages run on cpu and cuda, not on {}, nor on what is emulated", device.label())
    })
}

fn apply(args: &AotApplyArgs) -> Result<ExitCode> {
    let packages = Packages::open(&args.packages)?;
    let torch = Libtorch::open()?;
    let target = target(args, torch.version())?;
    let mut told = Vec::new();
    for package in packages.list() {
        let why = target
            .mismatch(&package.manifest)
            .or_else(|| package.manifest.checked_code(&package.path).err().map(|error| error.to_string()));
        told.push((package, why));
    }
    let fit = told.iter().filter(|(_, why)| why.is_none()).count();
    if args.json {
        let list: Vec<_> = told
            .iter()
            .map(|(package, why)| {
                let manifest = &package.manifest;
                serde_json::json!({ "package": package.path, "name": manifest.name, "block": manifest.block, "mismatch": why })
            })
            .collect();
        say::all(format!("{}\n", serde_json::to_string_pretty(&list)?).as_bytes())?;
    } else {
        for (package, why) in &told {
            let verdict = why.as_deref().unwrap_or("fits");
            say::all(format!("{}: {verdict}\n", package.path.display()).as_bytes())?;
        }
        say::note(format!("{fit} of {} packages run here, with libtorch {}", told.len(), torch.version()));
    }
    Ok(if fit == told.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
