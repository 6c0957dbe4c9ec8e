//! Interrupts: the first asks the run to stop, the second ends the process.

use anyhow::{Context, Result};
use tintype::CancelToken;
use tintype::pipeline::files;

/// A token that an interrupt, or the wish of the system that the process end, cancels. A second one ends the process at
/// once and takes the files along that are being written.
pub(crate) fn cancel_on_interrupt() -> Result<CancelToken> {
    let cancel = CancelToken::default();
    let token = cancel.clone();
    ctrlc::set_handler(move || {
        if token.is_cancelled() {
            files::abandon_writes();
            std::process::exit(i32::from(crate::CANCELLED));
        }
        token.cancel();
    })
    .context("cannot listen for interrupts")?;
    Ok(cancel)
}
