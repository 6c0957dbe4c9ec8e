//! What an accelerator shares with its modules, instances and buffers.

use crate::device::{Acquired, Event, Stream};
use crate::fault::Fault;
use crate::lazy::Pending;
use crate::options::Options;
use crate::recipe::Recipes;
use crate::recorded::Graphs;
use crate::scratch::Scratch;
use crate::staging::Staging;
use crate::storage::{GaudiStorage, Memory};
use crate::sys::Status;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Counters, Device, Error, FlushReason, MemoryAccount, Purpose, Result, Storage, raise};

/// The device, its stream, and the books on both. Lives until the last accelerator, module, instance or buffer is gone.
pub(crate) struct Context {
    pub(crate) info: Device,
    pub(crate) device: Arc<Acquired>,
    pub(crate) stream: Stream,
    pub(crate) options: Options,
    pub(crate) counters: Arc<Counters>,
    pub(crate) account: Arc<MemoryAccount>,
    pub(crate) staging: Mutex<Staging>,
    pub(crate) recipes: Mutex<Recipes>,
    /// Held while something is enqueued, so that what one thread enqueues stays together.
    queue: Mutex<Queue>,
    /// Memory that nobody holds any more, and the point from which the stream does not use it.
    retired: Mutex<Vec<(u64, Option<Event>)>>,
}

/// What is in use by whoever enqueues.
pub(crate) struct Queue {
    pub(crate) scratch: Scratch,
    pub(crate) pending: Pending,
    pub(crate) graphs: Graphs,
}

impl Context {
    pub(crate) fn new(
        info: Device,
        device: Arc<Acquired>,
        options: Options,
        recipes: Recipes,
    ) -> Result<Self> {
        let stream = device.stream().map_err(|fault| fault.on(&info.label()))?;
        let queue = Queue {
            scratch: Scratch::default(),
            pending: Pending::default(),
            graphs: Graphs::new(options.max_graphs),
        };
        Ok(Self {
            info,
            device,
            stream,
            options,
            counters: Arc::default(),
            account: Arc::default(),
            staging: Mutex::default(),
            recipes: Mutex::new(recipes),
            queue: Mutex::new(queue),
            retired: Mutex::default(),
        })
    }

    /// A fault as an error of this device.
    pub(crate) fn fault(&self, fault: Fault) -> Error {
        fault.on(&self.info.label())
    }

    /// The right to enqueue behind what has accumulated, which stays accumulated.
    pub(crate) fn accumulate(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to enqueue, after what has accumulated was handed to the device.
    pub(crate) fn queue(self: &Arc<Self>, reason: FlushReason) -> Result<MutexGuard<'_, Queue>> {
        let mut queue = self.accumulate();
        crate::lazy::flush(self, &mut queue, reason)?;
        Ok(queue)
    }

    /// Device memory, address 0 for no bytes. Where there is none left, memory that is no longer used is waited for.
    pub(crate) fn take(&self, bytes: usize, what: &str) -> Result<u64> {
        if bytes == 0 {
            return Ok(0);
        }
        self.sweep();
        let first = self.device.allocate(bytes as u64);
        let fault = match first {
            Ok(address) => return Ok(address),
            Err(fault) => fault,
        };
        let full = matches!(
            fault.status,
            Status::FAIL | Status::OUT_OF_DEVICE_MEMORY | Status::FAILED_TO_ALLOCATE_DEVICE_MEMORY
        );
        if !full {
            return Err(self.fault(fault));
        }
        if !self.retired.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            raise(&self.counters.host_synchronizations, 1);
            self.device.synchronize(&self.stream).map_err(|fault| self.fault(fault))?;
            self.sweep();
            if let Ok(address) = self.device.allocate(bytes as u64) {
                return Ok(address);
            }
        }
        let (free, _) = self.device.memory_info().map_err(|fault| self.fault(fault))?;
        if free >= bytes as u64 {
            // There is room: the call failed for another reason, and says which call it was.
            return Err(self.fault(fault));
        }
        Err(Error::OutOfMemory { what: what.into(), device: self.info.label(), needed: bytes as u64, free })
    }

    pub(crate) fn allocate(self: &Arc<Self>, bytes: usize, purpose: Purpose) -> Result<Arc<Memory>> {
        let what = match purpose {
            Purpose::Weights => "a weight",
            Purpose::Derived => "a derived weight",
            Purpose::Arena => "the arena of intermediate results",
            Purpose::Data => "a buffer",
        };
        let address = self.take(bytes, what)?;
        raise(&self.counters.allocations, 1);
        Ok(Arc::new(Memory::new(Arc::clone(self), address, bytes, purpose)))
    }

    /// Gives memory back once the stream has passed this point.
    pub(crate) fn release(&self, address: u64) {
        if address == 0 {
            return;
        }
        let event = self.device.record(&self.stream);
        let event = event.inspect_err(|fault| tracing::warn!("{fault}")).ok();
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push((address, event));
        self.sweep();
    }

    /// Frees what the stream no longer uses.
    fn sweep(&self) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = Vec::new();
        for (address, event) in retired.drain(..) {
            match event {
                Some(event) if matches!(self.device.poll(&event), Ok(true)) => {
                    self.device.forget(event);
                    self.device.free(address);
                }
                event => kept.push((address, event)),
            }
        }
        *retired = kept;
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
            wanted: format!("memory of this accelerator, {}", self.info.label()),
            given: given.into(),
        };
        match storage.as_any().downcast_ref::<GaudiStorage>() {
            Some(GaudiStorage(memory)) if std::ptr::eq(Arc::as_ptr(memory.context()), self) => Ok(memory),
            Some(_) => Err(refuse("memory of another accelerator")),
            None => Err(refuse("memory of another backend")),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Err(fault) = self.device.synchronize(&self.stream) {
            tracing::warn!("{fault}");
        }
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        let scratch = queue.scratch.addresses();
        let retired = std::mem::take(self.retired.get_mut().unwrap_or_else(PoisonError::into_inner));
        for (address, event) in scratch.map(|address| (address, None)).into_iter().chain(retired) {
            if let Some(event) = event {
                self.device.forget(event);
            }
            if address != 0 {
                self.device.free(address);
            }
        }
        self.staging.get_mut().unwrap_or_else(PoisonError::into_inner).clear(&self.device);
        self.device.end_stream(&self.stream);
    }
}
