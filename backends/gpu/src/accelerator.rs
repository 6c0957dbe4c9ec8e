//! The accelerator over a vendor's runtime.

use crate::Runtime;
use crate::compile::{self, Cache};
use crate::context::Context;
use crate::fence::{Arrival, EventFence};
use crate::lower::Target;
use crate::module::GpuModule;
use crate::ready::Preparations;
use crate::storage::GpuStorage;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{
    Accelerator, Buffer, CompileOptions, Counters, Coverage, Device, Error, Fence, FlushReason, Footprint,
    HostBytes, MemoryReport, Module, Purpose, Readback, Result, Signature, Stats, Storage, raise,
};
use tintype_program::Program;

/// How many compiled blocks are kept. A pipeline has some dozens; each is some kilobytes.
const KEPT_BLOCKS: usize = 1024;

/// An open GPU.
pub struct GpuAccelerator {
    context: Arc<Context>,
    target: Target,
    cache: Mutex<Cache>,
    preparations: Mutex<Preparations>,
}

impl GpuAccelerator {
    /// The device of a runtime. `tf32`: whether factors of f32 products may be rounded to tf32.
    pub fn new(runtime: Arc<dyn Runtime>, tf32: bool) -> Self {
        let target = Target { architecture: runtime.architecture().clone(), tf32, fitted: true };
        Self {
            context: Arc::new(Context::new(runtime)),
            target,
            cache: Mutex::new(Cache::new(KEPT_BLOCKS)),
            preparations: Mutex::default(),
        }
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
        let (mut cache, counters) = (Cache::new(KEPT_BLOCKS), Counters::default());
        let backend = self.context.backend();
        let plan = compile::compile(backend, program, options.launch, &self.target, &mut cache, &counters)?;
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
        let plan = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            let counters = &self.context.counters;
            compile::compile(
                self.context.backend(),
                program,
                options.launch,
                &self.target,
                &mut cache,
                counters,
            )?
        };
        let mut preparations = self.preparations.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = preparations.ready(self.context.runtime.as_ref(), &plan)?;
        Ok(Arc::new(GpuModule::new(Arc::clone(&self.context), Signature::of(program), ready, options.launch)))
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(GpuStorage(self.context.allocate(bytes, purpose)?)))
    }

    fn adopt_all(&self, all: Vec<HostBytes>, purpose: Purpose) -> Result<Vec<Arc<dyn Storage>>> {
        let (mut storages, mut uploads) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        for bytes in all {
            let memory = self.context.allocate(bytes.len(), purpose)?;
            raise(&self.context.counters.bytes_uploaded, bytes.len() as u64);
            uploads.push((memory.address(), bytes));
            storages.push(Arc::new(GpuStorage(memory)) as Arc<dyn Storage>);
        }
        let _stream = self.context.stream()?;
        self.context.runtime.upload_all(&uploads)?;
        Ok(storages)
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        let memory = self.context.own("storage", "of an upload", storage)?;
        let length = bytes.len();
        if offset.checked_add(length).is_none_or(|end| end > memory.bytes()) {
            return Err(Error::Binding {
                role: "storage",
                name: "of an upload".into(),
                wanted: format!("{} bytes", memory.bytes()),
                given: format!("{length} bytes for byte {offset} on"),
            });
        }
        if length == 0 {
            return Ok(());
        }
        raise(&self.context.counters.bytes_uploaded, length as u64);
        let _stream = self.context.stream()?;
        self.context.runtime.upload(memory.address() + offset as u64, &bytes)
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
}
