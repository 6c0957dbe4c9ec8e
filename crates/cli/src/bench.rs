//! `tintype bench`.

use crate::args::{BenchArgs, BenchWhat};
use anyhow::{Context, Result};
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use tintype::DType;
use tintype::bench::{Bench, BenchResult, Options, What, peak};

pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode> {
    let open = args.device.open_options();
    let opened = tintype::backends().open(&args.device.backend, args.device.device.as_deref(), &open)?;
    eprintln!("device: {}", opened.choice);
    let accelerator = opened.accelerator;
    let Some(options) = options(args) else {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = args.device.threads.unwrap_or_else(cores);
        let dtype = args.dtype.map_or(DType::F32, Into::into);
        show(&peak(&*accelerator, dtype, threads, args.repeats)?, args.json)?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut bench = Bench::open(accelerator, options)?;
    let result = if args.rounds_on_stdin { rounds(&mut bench)? } else { bench.run()? };
    if let Some(folder) = &args.save {
        bench.save(folder)?;
    }
    show(&result, args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// What is to be measured; none for the processor's peak.
fn options(args: &BenchArgs) -> Option<Options> {
    let what = match args.what {
        BenchWhat::Transformer => What::Transformer,
        BenchWhat::Vae => What::Vae,
        BenchWhat::T5 => What::T5,
        BenchWhat::Clip => What::Clip,
        BenchWhat::Pipeline => What::Pipeline,
        BenchWhat::Fma => return None,
    };
    Some(Options {
        what,
        preset: args.preset.clone(),
        model: args.model.clone(),
        tokenizers: tintype::bundled(),
        dtype: args.dtype.map(Into::into),
        launch: args.launch,
        threads: args.device.threads,
        width: args.width,
        height: args.height,
        text_tokens: args.text_tokens,
        steps: args.steps,
        seed: args.seed,
        warmup: args.warmup,
        repeats: args.repeats,
    })
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
    if json {
        println!("{}", serde_json::to_string_pretty(result)?);
    } else {
        print!("{result}");
    }
    Ok(())
}
