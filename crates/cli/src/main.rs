//! The `tintype` command: pictures from words, on whichever accelerator there is.

#![forbid(unsafe_code)]

mod again;
mod args;
mod backends;
mod bench;
mod conformance;
mod decode;
mod devices;
mod generate;
mod inspect;
mod interrupt;
mod jobs;
mod logging;
mod model;
mod names;
mod progress;
mod save;
mod say;
mod shell;

use anyhow::Result;
use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;
use std::time::Instant;

/// What scripts may rely on: 0 done, 1 failed, 2 wrong usage (clap's own), 130 cancelled.
const CANCELLED: u8 = 130;

fn main() -> ExitCode {
    let started = Instant::now();
    let cli = Cli::parse();
    let result = logging::start(cli.verbose).and_then(|logging| run(cli.command, logging, started));
    match result {
        Ok(code) => code,
        Err(error) if is_cancelled(&error) => {
            say::error("cancelled; nothing was left half-written");
            ExitCode::from(CANCELLED)
        }
        Err(error) => {
            say::error(told(&error));
            ExitCode::FAILURE
        }
    }
}

/// `logging` says whether log lines go to standard error, where progress bars would be; the program began when `started`
/// says.
fn run(command: Command, logging: bool, started: Instant) -> Result<ExitCode> {
    match command {
        Command::Generate(args) => generate::run(&args, logging),
        Command::Decode(args) => decode::run(&args, logging),
        Command::Devices(args) => devices::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Bench(args) => bench::run(&args, started),
        Command::Conformance(args) => conformance::run(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    }
}

/// The error and its causes, save those that it quotes itself.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if !told.contains(&cause) {
            told.push_str(if told.is_empty() { "" } else { ": " });
            told.push_str(&cause);
        }
    }
    told
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(tintype::Error::Cancelled))
}
