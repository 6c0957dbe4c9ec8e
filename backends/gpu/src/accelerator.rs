//! The accelerator over a vendor's runtime.

use crate::compile;
use crate::context::Context;
use crate::fence::{Arrival, EventFence};
use crate::lend::Borrowed;
use crate::maker::Maker;
use crate::module::GpuModule;
use crate::storage::GpuStorage;
use crate::{Joins, Runtime};
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Buffer, CompileOptions, Coverage, Device, Error, Fence, FlushReason, Footprint, HostBytes,
    Lease, LentWork, MemoryReport, Module, OpenOptions, Purpose, Readback, Replay, Result, Stats, Storage,
    raise,
};
use tintype_program::Program;

/// An open GPU.
pub struct GpuAccelerator {
    context: Arc<Context>,
    maker: Arc<Maker>,
}

impl GpuAccelerator {
    /// The device of a runtime.
    pub fn new(runtime: Arc<dyn Runtime>, options: &OpenOptions, joins: Joins) -> Self {
        let context = Arc::new(Context::new(runtime, options.strict));
        Self { maker: Arc::new(Maker::new(&context, options.tf32, joins)), context }
    }
}

impl Accelerator for GpuAccelerator {
    fn device(&self) -> &Device {
        self.context.runtime.device()
    }

    fn coverage(&self, program: &Program) -> Coverage {
        compile::coverage(program)
    }

    fn footprint(&self, program: &Program, options: &CompileOptions) -> Result<Footprint> {
        program.check()?;
        let plan = self.maker.plan_afresh(program, options.launch)?;
        Ok(Footprint { arena: plan.arena as u64, derived: 0, in_place: false, exact: true })
    }

    fn free_memory(&self) -> Option<u64> {
        self.context.runtime.free_memory().ok()
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        let known = &self.device().capabilities.launch;
        if !known.contains(&options.launch) {
            let names: Vec<_> = known.iter().map(|mode| mode.name()).collect();
            return Err(Error::LaunchMode {
                backend: self.context.backend().into(),
                mode: options.launch,
                known: names.join(", "),
            });
        }
        program.check()?;
        Ok(Arc::new(GpuModule::new(&self.context, &self.maker, program, options.launch)?))
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(GpuStorage(self.context.allocate(bytes, purpose)?)))
    }

    fn adopt_all(&self, all: Vec<HostBytes>, purpose: Purpose) -> Result<Vec<Arc<dyn Storage>>> {
        let storages =
            all.iter().map(|bytes| self.allocate(bytes.len(), purpose)).collect::<Result<Vec<_>>>()?;
        let uploads = storages.iter().zip(all).map(|(storage, bytes)| (Arc::clone(storage), 0, bytes));
        self.upload_all(uploads.collect())?;
        Ok(storages)
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        self.upload_all(vec![(Arc::clone(storage), offset, bytes)])
    }

    fn upload_all(&self, all: Vec<(Arc<dyn Storage>, usize, HostBytes)>) -> Result<()> {
        let mut uploads = Vec::with_capacity(all.len());
        // Held until the copies are enqueued, behind which their memory is given back.
        let mut held = Vec::with_capacity(all.len());
        for (storage, offset, bytes) in all {
            let memory = self.context.own("storage", "of an upload", &storage)?;
            let length = bytes.len();
            if offset.checked_add(length).is_none_or(|end| end > memory.bytes()) {
                return Err(Error::Binding {
                    role: "storage",
                    name: "of an upload".into(),
                    wanted: format!("{} bytes", memory.bytes()),
                    given: format!("{length} bytes for byte {offset} on"),
                });
            }
            if length > 0 {
                raise(&self.context.counters.bytes_uploaded, length as u64);
                uploads.push((memory.address() + offset as u64, bytes));
                held.push(storage);
            }
        }
        let _stream = self.context.stream()?;
        match &uploads[..] {
            [] => Ok(()),
            [(to, bytes)] => self.context.runtime.upload(*to, bytes),
            many => self.context.runtime.upload_all(many),
        }
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        let memory = self.context.own("buffer", "to read", buffer.storage())?;
        let range = buffer.range();
        raise(&self.context.counters.bytes_downloaded, range.len() as u64);
        let _stream = self.context.stream()?;
        let incoming = self.context.runtime.download(memory.address() + range.start as u64, range.len())?;
        let bytes = Arc::default();
        let arrival = Arrival { context: Arc::clone(&self.context), incoming, bytes: Arc::clone(&bytes) };
        Ok(Readback::new(Fence::new(arrival), bytes))
    }

    fn lend(&self, reads: &[Lease], writes: &[Lease], mut work: LentWork) -> Result<()> {
        let borrowed = Borrowed::of(&self.context, reads, writes)?;
        let _stream = self.context.stream()?;
        borrowed.run(&mut work)
    }

    fn capture(&self, reads: &[Lease], writes: &[Lease], work: LentWork) -> Result<Box<dyn Replay>> {
        Ok(Box::new(Borrowed::of(&self.context, reads, writes)?.repeat(work)))
    }

    fn record(&self) -> Result<Fence> {
        let _stream = self.context.stream()?;
        let event = self.context.runtime.record()?;
        Ok(Fence::new(EventFence::new(Arc::clone(&self.context), event)))
    }

    fn flush(&self, _reason: FlushReason) -> Result<()> {
        self.context.stream().map(drop)
    }

    fn synchronize(&self) -> Result<()> {
        raise(&self.context.counters.host_synchronizations, 1);
        drop(self.context.stream()?);
        self.context.runtime.synchronize()
    }

    fn memory(&self) -> MemoryReport {
        self.context.account.report()
    }

    fn stats(&self) -> Stats {
        let counted = self.context.counters.snapshot();
        Stats { fallbacks: counted.fallbacks + self.context.runtime.detours(), ..counted }
    }

    fn fallbacks(&self) -> Vec<String> {
        self.context.refusals.take()
    }
}
