//! What an accelerator shares with its modules and instances.

use crate::level::Level;
use crate::machine;
use crate::memory::CpuStorage;
use crate::memory::{HostMemory, Refusal};
use crate::queue::Queue;
use std::sync::Arc;
use tintype_accel::{Counters, Device, Error, MemoryAccount, Purpose, Result, Storage, raise};

/// The device, its queue, and the books on both. Lives until the last accelerator, module or instance is gone.
pub(crate) struct Context {
    pub(crate) device: Device,
    /// The instructions that kernels use.
    pub(crate) level: Level,
    pub(crate) counters: Arc<Counters>,
    pub(crate) account: Arc<MemoryAccount>,
    pub(crate) queue: Queue,
}

impl Context {
    pub(crate) fn new(device: Device, level: Level, threads: usize) -> Result<Self> {
        let counters = Arc::new(Counters::default());
        let queue = Queue::new(device.label(), threads, Arc::clone(&counters))?;
        Ok(Self { device, level, counters, account: Arc::default(), queue })
    }

    /// Memory of this queue.
    pub(crate) fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<HostMemory>> {
        // The system lends more than it has; what it never has is refused here rather than killed for later.
        let possible = self.device.memory.is_none_or(|memory| bytes as u64 <= memory);
        let allocate = || HostMemory::allocate(self.queue.owner(), bytes, purpose, Arc::clone(&self.account));
        let memory = possible.then(allocate).flatten();
        let memory = memory.ok_or_else(|| {
            let what = match purpose {
                Purpose::Weights => "a weight",
                Purpose::Derived => "a derived weight",
                Purpose::Arena => "the arena of intermediate results",
                Purpose::Data => "a buffer",
            };
            self.description().out_of_memory(what, bytes)
        })?;
        raise(&self.counters.allocations, 1);
        Ok(memory)
    }

    /// The memory behind a storage, which must be this queue's. `role` and `name` are for the message.
    pub(crate) fn own<'s>(
        &self,
        role: &'static str,
        name: &str,
        storage: &'s Arc<dyn Storage>,
    ) -> Result<&'s Arc<HostMemory>> {
        let refuse = |given: &str| Error::Binding {
            role,
            name: name.into(),
            wanted: format!("memory of this accelerator, {}", self.device.label()),
            given: given.into(),
        };
        match CpuStorage::memory(storage) {
            Some(memory) if memory.owner() == self.queue.owner() => Ok(memory),
            Some(_) => Err(refuse("memory of another accelerator of the same device")),
            None => Err(refuse("memory of another backend")),
        }
    }

    /// What jobs need to word their errors.
    pub(crate) fn description(&self) -> Description {
        Description { device: self.device.label() }
    }
}

/// The device, as errors name it.
#[derive(Clone)]
pub(crate) struct Description {
    device: String,
}

impl Description {
    pub(crate) fn out_of_memory(&self, what: &str, bytes: usize) -> Error {
        Error::OutOfMemory {
            what: what.into(),
            device: self.device.clone(),
            needed: bytes as u64,
            free: machine::free_memory().unwrap_or(0),
        }
    }

    pub(crate) fn internal(&self, reason: String) -> Error {
        Error::Internal { backend: machine::NAME.into(), reason }
    }

    pub(crate) fn explain(&self, refusal: Refusal) -> Error {
        match refusal {
            Refusal::OutOfMemory(bytes) => self.out_of_memory("a weight that is written", bytes),
            other => self.internal(other.to_string()),
        }
    }
}
