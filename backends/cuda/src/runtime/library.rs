//! Work that cuBLASLt and cuDNN take.

use crate::driver::Queue;
use std::sync::Arc;
use tintype_gpu::{LibraryOp, Offer};

/// The libraries of a runtime, opened at the first offer.
pub(super) struct Libraries {
    _queue: Arc<Queue>,
}

impl Libraries {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { _queue: queue }
    }

    /// See [`tintype_gpu::Runtime::prepare`].
    pub(super) fn prepare(&self, _op: &LibraryOp) -> Offer {
        Err("no vendor library yet".into())
    }
}
