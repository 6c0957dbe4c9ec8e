//! Weights that several pipelines bind, and loading that can be stopped.

use super::watch::CancelToken;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tintype_accel::{HostTensor, ParamSlot, Result, TensorSource, Weights};

/// The weights that pipelines have loaded for one component of one opened model on one device. Clones see the same.
/// They are held weakly: weights go when the last pipeline that bound them goes.
#[derive(Clone, Default)]
pub(crate) struct SharedWeights(Arc<Mutex<Vec<Weak<Weights>>>>);

impl SharedWeights {
    /// Weights that hold every parameter exactly as it is declared, dtype, encoding and source alike; else those that `load`
    /// gives. Whoever comes while others load waits for them.
    pub(crate) fn find_or_load<'p>(
        &self,
        params: impl Iterator<Item = &'p ParamSlot> + Clone,
        load: impl FnOnce() -> Result<Arc<Weights>>,
    ) -> Result<Arc<Weights>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|weights| weights.strong_count() > 0);
        let fits = |weights: &Arc<Weights>| params.clone().all(|slot| weights.place(slot).is_ok());
        if let Some(weights) = known.iter().filter_map(Weak::upgrade).find(fits) {
            return Ok(weights);
        }
        let weights = load()?;
        known.push(Arc::downgrade(&weights));
        Ok(weights)
    }
}

/// A checkpoint that gives nothing more once the run is cancelled, so that loading stops at the next tensor.
pub(crate) struct Stoppable<'s> {
    pub(crate) source: &'s (dyn TensorSource + Send + Sync),
    pub(crate) cancel: &'s CancelToken,
}

impl TensorSource for Stoppable<'_> {
    fn origin(&self) -> String {
        self.source.origin()
    }

    fn names(&self) -> Vec<String> {
        self.source.names()
    }

    fn get(&self, name: &str) -> std::result::Result<Option<HostTensor>, String> {
        if self.cancel.is_cancelled() {
            return Err("loading was cancelled".into());
        }
        self.source.get(name)
    }
}
