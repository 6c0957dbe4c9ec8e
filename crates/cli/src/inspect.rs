//! `tintype inspect`.

mod args;
mod check;
mod print;
mod table;
mod units;

pub(crate) use args::InspectArgs;

use crate::interrupt::cancel_on_interrupt;
use crate::model;
use crate::progress::Progress;
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use tintype::accel::{Accelerator, Opened};
use tintype::pipeline::inspect::{DeviceReport, Inspection, Inspector, Known, TimedRun, Timings};
use tintype::{Arithmetic, Generated, OpenOptions, Pipeline, PipelineOptions, Request, bench};

pub(crate) fn run(args: &InspectArgs) -> Result<ExitCode> {
    let cancel = cancel_on_interrupt()?;
    let folder = model::open(&args.model, &mut Progress::new(false), &cancel)?;
    if args.check {
        return check::run(&folder, &cancel, args.json);
    }
    let inspector = Inspector::of(folder)?;
    let request = args.request();
    if let Some(component) = &args.program {
        return programs(&inspector, &request, component, args);
    }
    let options = PipelineOptions {
        dtype: args.dtype.map(Into::into),
        quantize: args.quantize.map(|asked| asked.0),
        launch: args.launch,
    };
    let dtype = options.dtype.unwrap_or_else(|| inspector.default_dtype());
    let work =
        inspector.work(&request, Arithmetic { dtype, quantize: args.quantize.and_then(|asked| asked.0) })?;
    let timings = timings();
    let report = |accelerator: &dyn Accelerator| {
        let rates = bench::rates(accelerator, dtype, args.threads);
        let known = Known { rates, timings: timings.as_ref(), threads: args.threads };
        inspector.report(&request, accelerator, &options, &known)
    };
    let inspection = Inspection { model: inspector.model(), work, devices: devices(args, &report)? };
    say(&match args.json {
        true => serde_json::to_string_pretty(&inspection)? + "\n",
        false => print::inspection(&inspection),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A report of the device that was named, or of every device there is.
fn devices(
    args: &InspectArgs,
    report: &dyn Fn(&dyn Accelerator) -> DeviceReport,
) -> Result<Vec<DeviceReport>> {
    let mut open = OpenOptions::default();
    open.threads = args.threads;
    let registry = tintype::backends();
    if args.backend.is_some() || args.device.is_some() {
        let backend = args.backend.as_deref().unwrap_or("auto");
        let Opened { accelerator, .. } = registry.open(backend, args.device.as_deref(), &open)?;
        return Ok(vec![report(&*accelerator)]);
    }
    let mut reports = Vec::new();
    for (backend, probe) in registry.probe() {
        for device in &probe.devices {
            reports.push(match registry.open(backend, Some(&device.ordinal.to_string()), &open) {
                Ok(Opened { accelerator, .. }) => report(&*accelerator),
                Err(error) => DeviceReport::obstructed(device.label(), error),
            });
        }
        if let Some(obstacle) = probe.obstacle {
            let told = format!("{}. {}", obstacle.reason, obstacle.remedy);
            reports.push(DeviceReport::obstructed(backend, told));
        }
    }
    Ok(reports)
}

/// The Programs of one component, or of all.
fn programs(
    inspector: &Inspector,
    request: &Request,
    component: &str,
    args: &InspectArgs,
) -> Result<ExitCode> {
    let dtype = args.dtype.map_or_else(|| inspector.default_dtype(), Into::into);
    let programs = inspector
        .programs(request, Arithmetic { dtype, quantize: args.quantize.and_then(|asked| asked.0) })?;
    let wanted =
        |name: &str| component.is_empty() || name == component || name.split('.').next() == Some(component);
    let known: Vec<_> = programs.iter().map(|(name, _)| *name).collect();
    if !known.iter().any(|name| wanted(name)) {
        bail!("--program {component}: there is no such component; there are {}", known.join(", "));
    }
    let chosen: BTreeMap<_, _> = programs.into_iter().filter(|(name, _)| wanted(name)).collect();
    let text = match args.json {
        true => serde_json::to_string_pretty(&chosen)? + "\n",
        false => {
            let each = chosen.iter().map(|(name, program)| format!("# {name}\n\n{program}"));
            each.collect::<Vec<_>>().join("\n")
        }
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints. Whoever stops reading early, as `head` does, has read enough.
fn say(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        told => Ok(told?),
    }
}

/// What steps took. A file that cannot be read costs nothing but the line that would say so.
fn timings() -> Option<Timings> {
    let path = Timings::path()?;
    Timings::read(&path).map_err(|error| eprintln!("warning: no measured times: {error}")).ok()
}

/// Keeps what a step took, for `inspect` to show.
pub(crate) fn remember(
    pipeline: &Pipeline,
    request: &Request,
    generated: &Generated,
    threads: Option<usize>,
) {
    let Some(path) = Timings::path() else { return };
    let run = TimedRun::made(pipeline, request, generated, threads);
    if let Err(error) = Timings::keep(&path, run, generated.step_seconds) {
        crate::say::note(crate::say::warning(format!("the time of a step is not kept: {error}")));
    }
}
