//! What libraries prepare, used with the device current.

use super::Queue;
use crate::{Offer, Prepared};
use std::sync::Arc;
use tintype_accel::Result;

/// What a library prepared, with the device made current on whichever thread uses it.
struct Entered {
    prepared: Option<Arc<dyn Prepared>>,
    queue: Arc<Queue>,
}

/// Has a library prepare something, the device current now and whenever what it gives is used or let go. Waits while another
/// thread captures, and is refused while this one does: a capture would record what the library does.
///
/// # Errors
///
/// Why the library does not take it.
pub fn entered(queue: &Arc<Queue>, prepare: impl FnOnce() -> Offer) -> Offer {
    let enter = || -> Result<()> {
        queue.after_captures("a library's plan")?;
        queue.enter()
    };
    enter().map_err(|error| error.to_string())?;
    Ok(Arc::new(Entered { prepared: Some(prepare()?), queue: Arc::clone(queue) }))
}

impl Prepared for Entered {
    fn describe(&self) -> String {
        self.prepared.as_ref().map_or_else(String::new, |prepared| prepared.describe())
    }

    fn workspace(&self) -> usize {
        self.prepared.as_ref().map_or(0, |prepared| prepared.workspace())
    }

    fn enqueue(&self, addresses: &[u64], workspace: u64) -> Result<()> {
        self.queue.enter()?;
        self.prepared.as_ref().map_or(Ok(()), |prepared| prepared.enqueue(addresses, workspace))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Whether or not the device could be made current, this is the time to let it go.
        let _ = self.queue.enter();
        self.prepared = None;
    }
}
