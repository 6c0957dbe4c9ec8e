//! The accelerator: memory, the queue, and compiling.

use crate::compile::{self, Cache};
use crate::context::Context;
use crate::level::Level;
use crate::machine;
use crate::memory::{Access, CpuStorage, HostMemory};
use crate::module::CpuModule;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{
    Accelerator, Buffer, CompileOptions, Counters, Coverage, Device, Error, Fence, FlushReason, Footprint,
    HostBytes, Lease, Lent, LentWork, MemoryReport, Module, Purpose, Readback, Result, Signature, Stats,
    Storage, raise,
};
use tintype_program::Program;

/// How many compiled blocks are kept. A pipeline has some dozens; each is some kilobytes.
const KEPT_BLOCKS: usize = 1024;

/// The machine's processors, open.
pub(crate) struct CpuAccelerator {
    context: Arc<Context>,
    cache: Mutex<Cache>,
}

impl CpuAccelerator {
    pub(crate) fn new(device: Device, level: Level, threads: usize) -> Result<Self> {
        let context = Arc::new(Context::new(device, level, threads)?);
        Ok(Self { context, cache: Mutex::new(Cache::new(KEPT_BLOCKS)) })
    }
}

impl Accelerator for CpuAccelerator {
    fn device(&self) -> &Device {
        &self.context.device
    }

    fn coverage(&self, program: &Program) -> Coverage {
        compile::coverage(program)
    }

    fn footprint(&self, program: &Program, options: &CompileOptions) -> Result<Footprint> {
        // Compiling takes milliseconds and no weights. Into a cache and counters of its own: nothing was asked to run.
        program.check()?;
        let (mut cache, counters) = (Cache::new(KEPT_BLOCKS), Counters::default());
        let plan = compile::compile(program, options.launch, self.context.level, &mut cache, &counters)?;
        let entry = program.entry();
        let packed = entry.params.iter().zip(&plan.packs).map(|(param, packing)| {
            packing.map_or(0, |packing| packing.bytes(self.context.level, entry.ty(param.value)) as u64)
        });
        let (arena, derived) = (plan.arena as u64, packed.sum());
        Ok(Footprint { arena, derived, in_place: true, exact: true })
    }

    fn free_memory(&self) -> Option<u64> {
        machine::free_memory()
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        let known = &self.context.device.capabilities.launch;
        if !known.contains(&options.launch) {
            let names: Vec<_> = known.iter().map(|mode| mode.name()).collect();
            return Err(Error::LaunchMode {
                backend: self.context.device.backend.into(),
                mode: options.launch,
                known: names.join(", "),
            });
        }
        program.check()?;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = compile::compile(
            program,
            options.launch,
            self.context.level,
            &mut cache,
            &self.context.counters,
        )?;
        Ok(Arc::new(CpuModule::new(Arc::clone(&self.context), Signature::of(program), plan, options.launch)))
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        self.context.allocate(bytes, purpose).map(CpuStorage::of)
    }

    fn adopt(&self, bytes: HostBytes, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        let account = Arc::clone(&self.context.account);
        if let Some(memory) = HostMemory::adopt(self.context.queue.owner(), bytes.clone(), purpose, account) {
            return Ok(CpuStorage::of(memory));
        }
        let storage = self.allocate(bytes.len(), purpose)?;
        self.upload(&storage, 0, bytes)?;
        Ok(storage)
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        let memory = Arc::clone(self.context.own("storage", "of an upload", storage)?);
        let length = bytes.len();
        let end = offset.checked_add(length).filter(|&end| end <= memory.bytes());
        let Some(end) = end else {
            return Err(Error::Binding {
                role: "storage",
                name: "of an upload".into(),
                wanted: format!("{} bytes", memory.bytes()),
                given: format!("{length} bytes for byte {offset} on"),
            });
        };
        raise(&self.context.counters.bytes_uploaded, length as u64);
        let context = self.context.description();
        self.context.queue.enqueue_move(Box::new(move |owner| {
            let opened = Access::open(owner, &[(&memory, offset..end)], &[]);
            let (mut access, target, _) = opened.map_err(|refusal| context.explain(refusal))?;
            let (_, mut slices) = access.slices(&[], &target).map_err(|refusal| context.explain(refusal))?;
            // The bytes are the caller's, and so is their number: it may have changed since.
            match (slices.first_mut(), bytes.as_slice()) {
                (Some(target), source) if target.len() == source.len() => target.copy_from_slice(source),
                _ => return Err(context.internal("the bytes of an upload changed their number".into())),
            }
            Ok(())
        }));
        Ok(())
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        let memory = Arc::clone(self.context.own("buffer", "to read", buffer.storage())?);
        let range = buffer.range();
        raise(&self.context.counters.bytes_downloaded, range.len() as u64);
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (target, context) = (Arc::clone(&bytes), self.context.description());
        let fence = self.context.queue.enqueue_move(Box::new(move |owner| {
            let opened = Access::open(owner, &[], &[(&memory, range.clone())]);
            let (access, _, spans) = opened.map_err(|refusal| context.explain(refusal))?;
            let mut copy = Vec::with_capacity(range.len());
            for span in spans {
                copy.extend_from_slice(access.slice(span).map_err(|refusal| context.explain(refusal))?);
            }
            *target.lock().unwrap_or_else(PoisonError::into_inner) = copy;
            Ok(())
        }));
        Ok(Readback::new(Fence::new(fence), bytes))
    }

    fn lend(&self, reads: &[Lease], writes: &[Lease], mut work: LentWork) -> Result<()> {
        let own = |lease: &Lease| {
            let memory = Arc::clone(self.context.own("storage", "that is lent", &lease.storage)?);
            Ok::<(Arc<HostMemory>, Range<usize>), Error>((memory, lease.range.clone()))
        };
        let reads = reads.iter().map(own).collect::<Result<Vec<_>>>()?;
        let writes = writes.iter().map(own).collect::<Result<Vec<_>>>()?;
        let context = self.context.description();
        self.context.queue.enqueue(Box::new(move |owner| {
            let read: Vec<_> = reads.iter().map(|(memory, range)| (memory, range.clone())).collect();
            let write: Vec<_> = writes.iter().map(|(memory, range)| (memory, range.clone())).collect();
            let explain = |refusal| context.explain(refusal);
            let (mut access, write, read) = Access::open(owner, &write, &read).map_err(explain)?;
            let (read, mut write) = access.slices(&read, &write).map_err(explain)?;
            let reads: Vec<_> = read.iter().map(|slice| slice.as_ptr().cast()).collect();
            let writes: Vec<_> = write.iter_mut().map(|slice| slice.as_mut_ptr().cast()).collect();
            work(&Lent { reads: &reads, writes: &writes, stream: std::ptr::null_mut(), copy: None })
        }));
        Ok(())
    }

    fn record(&self) -> Result<Fence> {
        Ok(self.context.queue.mark())
    }

    fn flush(&self, _reason: FlushReason) -> Result<()> {
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        self.context.queue.synchronize()
    }

    fn memory(&self) -> MemoryReport {
        self.context.account.report()
    }

    fn stats(&self) -> Stats {
        self.context.counters.snapshot()
    }
}
