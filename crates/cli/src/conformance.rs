//! `tintype conformance`.

use crate::args::ConformanceArgs;
use anyhow::Result;
use std::process::ExitCode;
use tintype::OpenOptions;

pub(crate) fn run(args: &ConformanceArgs) -> Result<ExitCode> {
    let mut options = OpenOptions::default();
    options.threads = args.device.threads;
    let opened = tintype::backends().open(&args.device.backend, args.device.device.as_deref(), &options)?;
    eprintln!("device: {}", opened.choice);
    let report = tintype::conformance::suite::run(&opened.accelerator, &Default::default())?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
