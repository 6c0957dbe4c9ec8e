//! What is done and how long it takes, for those who ask: `-v`, or `RUST_LOG`.

use crate::say;
use anyhow::{Context, Result};
use std::io;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Starts logging to standard error, if anyone asked for it, and says whether.
pub(crate) fn start(verbose: u8) -> Result<bool> {
    let asked = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let level = match verbose {
        0 => None,
        1 => Some("info"),
        2 => Some("debug"),
        _ => Some("trace"),
    };
    let Some(filter) = asked.as_deref().or(level) else { return Ok(false) };
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("RUST_LOG is `{filter}`; give levels, as in tintype_pipeline=debug"))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(say::in_colour())
        .with_span_events(FmtSpan::CLOSE);
    subscriber.try_init().map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok(true)
}
