//! A device of libtorch: memory, one queue in order, and Programs that are run as they are.

use crate::context::{Context, Mark};
use crate::family::Family;
use crate::instance::TorchModule;
use crate::ops;
use crate::plan::Plan;
use crate::storage::TorchStorage;
use std::sync::{Arc, Mutex};
use tch::Kind;
use tintype_accel::{
    Accelerator, Buffer, CompileOptions, Coverage, Device, Error, Fence, FlushReason, Footprint, HostBytes,
    MemoryReport, Module, Purpose, Readback, Result, Signature, Stats, Storage, Support, raise,
};
use tintype_program::{Node, Op, Program};

/// An open device.
pub(crate) struct TorchAccelerator {
    pub(crate) context: Arc<Context>,
}

impl TorchAccelerator {
    /// A point of the queue, and everything before it.
    fn mark(&self) -> Mark {
        Mark { mark: self.context.mark(), context: Arc::clone(&self.context) }
    }
}

impl Accelerator for TorchAccelerator {
    fn device(&self) -> &Device {
        &self.context.device
    }

    fn coverage(&self, program: &Program) -> Coverage {
        Coverage::of(program, |block, node| match &node.op {
            Op::Custom { .. } => Support::Decomposed,
            _ if self.context.family == Family::Mps && ops::needs_float8(block, node) => {
                Support::Unsupported("libtorch has no floating point of 8 bits on MPS".into())
            }
            _ => Support::Native,
        })
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        let known = &self.context.device.capabilities.launch;
        if !known.contains(&options.launch) {
            let names: Vec<_> = known.iter().map(|mode| mode.name()).collect();
            return Err(Error::LaunchMode {
                backend: format!("{} (engine torch)", self.context.device.backend),
                mode: options.launch,
                known: names.join(", "),
            });
        }
        program.check()?;
        self.coverage(program).refuse_unsupported("torch")?;
        Ok(Arc::new(TorchModule {
            context: Arc::clone(&self.context),
            plan: Arc::new(Plan::of(program)),
            signature: Arc::new(Signature::of(program)),
        }))
    }

    fn roundings(&self, node: &Node) -> u32 {
        match node.op {
            _ if self.context.is_host() => 0,
            // On GPUs ATen adds the bias to what it has rounded.
            Op::Convolution { .. } if node.inputs.len() > 2 => 1,
            _ => 0,
        }
    }

    fn footprint(&self, program: &Program, _: &CompileOptions) -> Result<Footprint> {
        Ok(Footprint { in_place: self.context.is_host(), ..Footprint::cautious(program)? })
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        Ok(TorchStorage::allocate(&self.context, bytes, purpose)?)
    }

    fn adopt(&self, bytes: HostBytes, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        if let Some(storage) = TorchStorage::adopt(&self.context, &bytes, purpose) {
            return Ok(storage);
        }
        let storage = self.allocate(bytes.len(), purpose)?;
        self.upload(&storage, 0, bytes)?;
        Ok(storage)
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        let memory = TorchStorage::own(&self.context, "storage", "of an upload", storage)?;
        let end = offset.checked_add(bytes.len());
        if end.is_none_or(|end| end > storage.bytes()) {
            return Err(Error::Binding {
                role: "storage",
                name: "of an upload".into(),
                wanted: format!("{} bytes", storage.bytes()),
                given: format!("{} bytes for byte {offset} on", bytes.len()),
            });
        }
        memory.write(offset, &bytes)?;
        self.context.mark();
        raise(&self.context.counters.bytes_uploaded, bytes.len() as u64);
        Ok(())
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        let memory = TorchStorage::own(&self.context, "buffer", "to read", buffer.storage())?;
        let (mark, length) = (self.mark(), buffer.ty().bytes());
        let mut bytes = vec![0; length];
        if length > 0 {
            let told = |error| self.context.told(error);
            let part = memory.part(buffer.offset(), length).map_err(told)?;
            // Waits, where the device has a queue.
            part.f_to_device_(tch::Device::Cpu, Kind::Uint8, false, false)
                .and_then(|host| host.f_copy_data_u8(&mut bytes, length))
                .map_err(told)?;
            self.context.was_read(mark.mark);
        }
        raise(&self.context.counters.bytes_downloaded, length as u64);
        Ok(Readback::new(Fence::new(mark), Arc::new(Mutex::new(bytes))))
    }

    fn record(&self) -> Result<Fence> {
        Ok(Fence::new(self.mark()))
    }

    fn flush(&self, _: FlushReason) -> Result<()> {
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        raise(&self.context.counters.host_synchronizations, 1);
        self.context.drain()
    }

    fn memory(&self) -> MemoryReport {
        self.context.account.report()
    }

    fn stats(&self) -> Stats {
        self.context.counters.snapshot()
    }
}
