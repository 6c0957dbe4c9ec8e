//! `tintype conformance`.

use crate::args::ConformanceArgs;
use crate::backends::Backends;
use crate::engine::{self, Engined};
use crate::progress::Progress;
use crate::say;
use anyhow::Result;
use std::process::ExitCode;
use tintype::conformance::suite::{self, Options};

pub(crate) fn run(args: &ConformanceArgs) -> Result<ExitCode> {
    let open = args.device.open_options();
    let backends = Backends::with(args.recipes)?;
    let registry = engine::registry(&args.engine, &backends.registry)?;
    let opened = registry.open(&args.device.backend, args.device.device.as_deref(), &open)?;
    say::note(format!("device: {}", opened.choice));
    backends.tell_options(&opened.choice.chosen, &mut Progress::new(true));
    let engined = Engined::of(&args.engine, opened.accelerator, open.tf32)?;
    let options = Options { launch: args.launch.clone(), only: args.only.clone() };
    let report = suite::run(&engined.accelerator, &options)?;
    say::line(if args.json { serde_json::to_string_pretty(&report)? } else { report.to_string() });
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
