//! The threads that kernels run on, shared by the queues of a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tintype_accel::{Error, Result};

/// Pools in use, by their number of threads.
static POOLS: Mutex<Option<HashMap<usize, Weak<rayon::ThreadPool>>>> = Mutex::new(None);

/// The pool of so many threads: the one that some queue uses already, or a new one.
pub(super) fn shared(threads: usize) -> Result<Arc<rayon::ThreadPool>> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let pools = pools.get_or_insert_default();
    pools.retain(|_, pool| pool.strong_count() > 0);
    if let Some(pool) = pools.get(&threads).and_then(Weak::upgrade) {
        return Ok(pool);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("cpu-{i}"));
    let pool = Arc::new(pool.build().map_err(|error| unavailable(&error))?);
    pools.insert(threads, Arc::downgrade(&pool));
    Ok(pool)
}

/// Threads that do not start.
pub(super) fn unavailable(error: &dyn std::error::Error) -> Error {
    Error::Unavailable {
        backend: "cpu".into(),
        reason: format!("its threads do not start: {error}"),
        remedy: "Raise the limit on threads, or ask for fewer".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_shared_by_their_number_of_threads() {
        let (one, same, other) = (shared(3).unwrap(), shared(3).unwrap(), shared(4).unwrap());
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
        assert_eq!((one.current_num_threads(), other.current_num_threads()), (3, 4));
        let gone = Arc::downgrade(&one);
        drop((one, same));
        assert!(gone.upgrade().is_none(), "nobody keeps a pool that nobody uses");
    }
}
