//! What an accelerator shares with its modules, instances and buffers.

use crate::Runtime;
use crate::capture::Refusals;
use crate::lazy::Pending;
use crate::storage::{GpuStorage, Memory};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Counters, Error, MemoryAccount, Purpose, Result, Storage, raise};

/// The device, and the books on it. Lives until the last accelerator, module, instance or buffer is gone.
pub(crate) struct Context {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) account: Arc<MemoryAccount>,
    pub(crate) refusals: Refusals,
    /// Held while something is enqueued or captured: what one thread captures must not take in what another enqueues.
    /// In it, what waits for a flush.
    stream: Mutex<Pending>,
}

/// The right to enqueue.
pub(crate) struct Stream<'c> {
    context: &'c Context,
    pub(crate) pending: MutexGuard<'c, Pending>,
}

impl Context {
    /// `strict`: whether a capture that the device refuses is an error.
    pub(crate) fn new(runtime: Arc<dyn Runtime>, strict: bool) -> Self {
        let (counters, account, refusals) = (Arc::default(), Arc::default(), Refusals::new(strict));
        let stream = Mutex::new(Pending::new(Arc::clone(&runtime)));
        Self { runtime, counters, account, refusals, stream }
    }

    /// The backend's name.
    pub(crate) fn backend(&self) -> &'static str {
        self.runtime.device().backend
    }

    /// The right to enqueue behind whatever has accumulated, which stays accumulated.
    pub(crate) fn accumulate(&self) -> Stream<'_> {
        Stream { context: self, pending: self.stream.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// The right to enqueue, after what has accumulated was handed to the device.
    pub(crate) fn stream(&self) -> Result<Stream<'_>> {
        let mut stream = self.accumulate();
        stream.flush()?;
        Ok(stream)
    }

    pub(crate) fn allocate(self: &Arc<Self>, bytes: usize, purpose: Purpose) -> Result<Arc<Memory>> {
        let what = match purpose {
            Purpose::Weights => "a weight",
            Purpose::Derived => "a derived weight",
            Purpose::Arena => "the arena of intermediate results",
            Purpose::Data => "a buffer",
        };
        let address = self.runtime.allocate(bytes, what)?;
        raise(&self.counters.allocations, 1);
        Ok(Arc::new(Memory::new(Arc::clone(self), address, bytes, purpose)))
    }

    /// The memory behind a storage, which must be this accelerator's. `role` and `name` are for the message.
    pub(crate) fn own<'s>(
        &self,
        role: &'static str,
        name: &str,
        storage: &'s Arc<dyn Storage>,
    ) -> Result<&'s Arc<Memory>> {
        let refuse = |given: &str| Error::Binding {
            role,
            name: name.into(),
            wanted: format!("memory of this accelerator, {}", self.runtime.device().label()),
            given: given.into(),
        };
        match storage.as_any().downcast_ref::<GpuStorage>() {
            Some(GpuStorage(memory)) if std::ptr::eq(Arc::as_ptr(memory.context()), self) => Ok(memory),
            Some(_) => Err(refuse("memory of another accelerator")),
            None => Err(refuse("memory of another backend")),
        }
    }
}

impl Stream<'_> {
    /// Hands accumulated work to the device.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.pending.flush(&self.context.refusals)? {
            raise(&self.context.counters.flushes, 1);
        }
        Ok(())
    }
}
