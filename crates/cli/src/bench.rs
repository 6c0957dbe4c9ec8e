//! `tintype bench`.

use crate::args::{BenchArgs, BenchWhat, Engine};
use crate::backends::Backends;
use crate::engine::{self, Engined};
use crate::progress::Progress;
use crate::say;
use anyhow::{Context, Result, bail};
use std::io::{self, BufRead, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Instant;
use tintype::DType;
use tintype::accel::{Accelerator, Bare, Device};
use tintype::bench::{Bench, BenchResult, Options, RandomModel, What, cold, peak, sizes, upload};

pub(crate) fn run(args: &BenchArgs, started: Instant) -> Result<ExitCode> {
    if let (Some(_), BenchWhat::Bare | BenchWhat::Folder | BenchWhat::Fma | BenchWhat::Upload) =
        (args.quantize, args.what)
    {
        bail!("--quantize has no effect on this benchmark; transformer, pipeline, cold and sizes take it");
    }
    match args.what {
        BenchWhat::Bare => return bare(args),
        BenchWhat::Folder => return folder(args),
        _ => {}
    }
    let open = args.device.open_options();
    let backends = Backends::of(&args.gaudi, args.model.as_deref())?;
    let registry = engine::registry(&args.engine, &backends.registry)?;
    let opened = registry.open(&args.device.backend, args.device.device.as_deref(), &open)?;
    say::note(format!("device: {}", opened.choice));
    let engined = Engined::of(&args.engine, opened.accelerator, open.tf32)?;
    let accelerator = Arc::clone(&engined.accelerator);
    let mut engined = Some(engined);
    let choice = opened.choice.chosen;
    let tell = |dtype: &str| {
        if let Some(dtype) = DType::ALL.into_iter().find(|known| known.name() == dtype) {
            backends.tell(&choice, dtype, &mut Progress::new(true));
        }
    };
    let mut result = match args.what {
        BenchWhat::Cold => {
            let mut result = cold(started, &accelerator, &options(args, What::Pipeline))?;
            let device = accelerator.device().clone();
            // What this process holds, another need not wait for or share the device with.
            drop(accelerator);
            drop(engined.take());
            if let Some(startup) = &mut result.startup
                && args.engine.engine != Engine::Torch
            {
                startup.bare = bare_of(&device)?;
            }
            tell(&result.dtype);
            result
        }
        BenchWhat::Upload => upload(&accelerator, &options(args, What::Pipeline))?,
        BenchWhat::Sizes => {
            let result = sizes(&accelerator, &options(args, What::Transformer))?;
            tell(&result.dtype);
            result
        }
        BenchWhat::Fma => {
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            let threads = args.device.threads.unwrap_or_else(cores);
            peak(&*accelerator, args.dtype.map_or(DType::F32, Into::into), threads, args.repeats)?
        }
        BenchWhat::Transformer => again(args, accelerator, What::Transformer, tell)?,
        BenchWhat::Vae => again(args, accelerator, What::Vae, tell)?,
        BenchWhat::T5 => again(args, accelerator, What::T5, tell)?,
        BenchWhat::Clip => again(args, accelerator, What::Clip, tell)?,
        BenchWhat::Pipeline => again(args, accelerator, What::Pipeline, tell)?,
        BenchWhat::Bare | BenchWhat::Folder => bail!("it was done before a device was opened"),
    };
    if let Some(engined) = engined {
        engined.tell();
        if let Some((engine, libtorch)) = engined.name() {
            result.engine = engine;
            result.versions.insert("libtorch".into(), libtorch);
            result.packages = engined.ready();
        }
    }
    show(&result, args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Once cold, once warm, then again and again. `tell` is given the dtype of the arithmetic as soon as that is known.
fn again(
    args: &BenchArgs,
    accelerator: Arc<dyn Accelerator>,
    what: What,
    tell: impl Fn(&str),
) -> Result<BenchResult> {
    let mut bench = Bench::open(accelerator, options(args, what))?;
    tell(bench.dtype().name());
    let result = if args.rounds_on_stdin { rounds(&mut bench)? } else { bench.run()? };
    if let Some(folder) = &args.save {
        bench.save(folder)?;
    }
    Ok(result)
}

/// What the vendor's own parts take, in this process, which has not touched them.
fn bare(args: &BenchArgs) -> Result<ExitCode> {
    let bare = tintype::backends().bare(&args.device.backend, args.device.device.as_deref())?;
    if args.json {
        say::line(serde_json::to_string_pretty(&bare)?);
        return Ok(ExitCode::SUCCESS);
    }
    let Some(bare) = bare else {
        say::line(format!("backend `{}` has no vendor's parts", args.device.backend));
        return Ok(ExitCode::SUCCESS);
    };
    for (name, seconds) in &bare.made {
        say::line(format!("{name:14} {seconds:.3} s"));
    }
    say::line(format!("{:14} {:.3} s", "together", bare.seconds()));
    if let Some(upload) = bare.upload {
        say::line(format!("{:14} {:.1} GB/s from page-locked memory", "upload", upload / 1e9));
    }
    Ok(ExitCode::SUCCESS)
}

/// The same by a process of its own.
fn bare_of(device: &Device) -> Result<Option<Bare>> {
    let program = std::env::current_exe().context("cannot find this program to start it again")?;
    let ordinal = device.ordinal.to_string();
    let mut process = Command::new(program);
    process.args(["bench", "bare", "--backend", device.backend, "--device", &ordinal, "--json"]);
    let output = process.stderr(Stdio::inherit()).output().context("cannot start this program again")?;
    if !output.status.success() {
        bail!("`tintype bench bare` ended with {}; what it said stands above", output.status);
    }
    serde_json::from_slice(&output.stdout).context("`tintype bench bare` did not print its JSON")
}

/// Writes a model with random weights.
fn folder(args: &BenchArgs) -> Result<ExitCode> {
    let Some(folder) = &args.save else { bail!("name the folder to write with --save DIR") };
    let Some(tokenizers) = tintype::bundled() else {
        bail!(
            "this build has no model in it whose tokenizers could be borrowed; build it with the feature `bundled`"
        )
    };
    let dtype = args.dtype.map_or(DType::Bf16, Into::into);
    let model = RandomModel::new(args.preset.as_deref(), dtype, args.seed, &tokenizers)?;
    say::note(format!("{}: {:.1} GB of random weights", model.name(), model.bytes() as f64 / 1e9));
    model.write(folder)?;
    say::line(folder.display());
    Ok(ExitCode::SUCCESS)
}

/// What is to be measured, and how.
fn options(args: &BenchArgs, what: What) -> Options {
    let usual = Options::of(what);
    Options {
        what,
        preset: args.preset.clone(),
        model: args.model.clone(),
        tokenizers: tintype::bundled(),
        dtype: args.dtype.map(Into::into),
        quantize: args.quantize.and_then(|asked| asked.0),
        launch: args.launch,
        threads: args.device.threads,
        width: args.width,
        height: args.height,
        text_tokens: args.text_tokens,
        sizes: if args.sizes.is_empty() { usual.sizes } else { args.sizes.clone() },
        mapped: args.mapped,
        png: args.png.clone(),
        steps: args.steps,
        count: args.count.unwrap_or(args.batch_size),
        batch_size: args.batch_size,
        seed: args.seed,
        warmup: args.warmup,
        repeats: args.repeats,
    }
}

/// One run for each line that comes in. Says `ready` once warm, then each run's seconds.
fn rounds(bench: &mut Bench) -> Result<BenchResult> {
    let mut out = io::stdout().lock();
    writeln!(out, "ready")?;
    out.flush()?;
    let mut steady = Vec::new();
    for line in io::stdin().lock().lines() {
        line.context("cannot read rounds")?;
        let seconds = bench.once()?;
        steady.push(seconds);
        writeln!(out, "{seconds}")?;
        out.flush()?;
    }
    Ok(bench.result(steady))
}

fn show(result: &BenchResult, json: bool) -> Result<()> {
    match json {
        true => say::all(format!("{}\n", serde_json::to_string_pretty(result)?).as_bytes()),
        false => say::all(result.to_string().as_bytes()),
    }
}
