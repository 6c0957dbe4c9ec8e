//! The `tintype` command: pictures from words, on whichever accelerator there is.

#![forbid(unsafe_code)]

mod args;
mod bench;
mod conformance;
mod devices;
mod generate;
mod model;
mod progress;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// What scripts may rely on: 0 done, 1 failed, 2 wrong usage (clap's own), 130 cancelled.
const CANCELLED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Generate(args) => generate::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Conformance(args) => conformance::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_cancelled(&error) => {
            eprintln!("tintype: cancelled; nothing was left half-written");
            ExitCode::from(CANCELLED)
        }
        Err(error) => {
            eprintln!("tintype: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(tintype::Error::Cancelled))
}
