//! A device with as much free memory as a test wants.
#![allow(dead_code, reason = "no test uses all of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tintype::accel::{
    Accelerator, Buffer, CompileOptions, Coverage, Device, Fence, FlushReason, Footprint, HostBytes,
    MemoryReport, Module, Purpose, Readback, Result, Stats, Storage,
};
use tintype::program::Program;

/// Another device, but for what it says is free.
pub struct Small {
    inner: Arc<dyn Accelerator>,
    free: AtomicU64,
    /// Whether what is held is taken from it.
    shrinks: bool,
}

impl Small {
    pub fn new(inner: Arc<dyn Accelerator>, free: u64) -> Arc<Self> {
        Arc::new(Self { inner, free: AtomicU64::new(free), shrinks: false })
    }

    /// A device with so much memory, less of it free the more is held.
    pub fn of_size(inner: Arc<dyn Accelerator>, bytes: u64) -> Arc<Self> {
        Arc::new(Self { inner, free: AtomicU64::new(bytes), shrinks: true })
    }

    pub fn set_free(&self, free: u64) {
        self.free.store(free, Ordering::Relaxed);
    }
}

impl Accelerator for Small {
    fn device(&self) -> &Device {
        self.inner.device()
    }

    fn coverage(&self, program: &Program) -> Coverage {
        self.inner.coverage(program)
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        self.inner.compile(program, options)
    }

    fn footprint(&self, program: &Program, options: &CompileOptions) -> Result<Footprint> {
        self.inner.footprint(program, options)
    }

    fn free_memory(&self) -> Option<u64> {
        let held = if self.shrinks { self.inner.memory().held() } else { 0 };
        Some(self.free.load(Ordering::Relaxed).saturating_sub(held))
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        self.inner.allocate(bytes, purpose)
    }

    fn adopt(&self, bytes: HostBytes, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        self.inner.adopt(bytes, purpose)
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        self.inner.upload(storage, offset, bytes)
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        self.inner.read(buffer)
    }

    fn record(&self) -> Result<Fence> {
        self.inner.record()
    }

    fn flush(&self, reason: FlushReason) -> Result<()> {
        self.inner.flush(reason)
    }

    fn synchronize(&self) -> Result<()> {
        self.inner.synchronize()
    }

    fn memory(&self) -> MemoryReport {
        self.inner.memory()
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}
