//! Matrix products by cuBLASLt: what it does in its own way. All else is `tintype_gpu::blas`.

mod cublaslt;
mod search;

use crate::libraries::Found;
use cublaslt::CublasLt;
pub(crate) use search::Search;
use search::Searches;
use std::path::Path;
use std::sync::Arc;
use tintype_gpu::driver::{Opened, Queue};
use tintype_gpu::{MatMul, Offer, blas};

/// cuBLASLt on one device. Algorithms are chosen when a product is prepared, and kept: its own first choice, or the fastest on
/// the device.
pub(crate) struct Blas {
    blas: blas::Blas,
    queue: Arc<Queue>,
    searches: Searches,
}

impl Blas {
    /// A handle of the library, whose context is current. Algorithms are tried on the device as `search` says; what is found
    /// holds for `device`, and is kept in `folder`.
    pub(crate) fn open(
        found: &Found,
        queue: &Arc<Queue>,
        search: Search,
        folder: Option<&Path>,
        device: &str,
    ) -> Result<Self, String> {
        let opened = Opened { path: found.path.clone(), library: found.library };
        let blas = blas::Blas::open(&opened, Box::new(CublasLt::of(found.library)))?;
        let setting = format!("cuBLASLt {} {device}", blas.version());
        Ok(Self { blas, queue: Arc::clone(queue), searches: Searches::new(search, queue, folder, &setting) })
    }

    /// Chooses an algorithm for a product, or says why the library does not take it.
    pub(crate) fn prepare(&self, op: &MatMul) -> Offer {
        self.blas.prepare(op, &self.queue, |product, list, reach| {
            self.searches.choose(product, op, list, reach);
        })
    }
}

#[cfg(test)]
mod tests;
