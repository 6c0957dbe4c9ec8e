//! A plugin that wraps another and traces what a pipeline asks of it.
//!
//! ```
//! use std::sync::Arc;
//! use traced_plugin::Traced;
//!
//! let mut registry = tintype::backends();
//! let traced = Traced::around(Arc::new(tintype::cpu::CpuDriver::default()));
//! let trace = traced.trace();
//! registry.register(Arc::new(traced));
//!
//! let device = registry.open("traced", None, &Default::default())?.accelerator;
//! assert_eq!(device.device().label(), "traced:0");
//! assert_eq!(trace.calls("open"), 1);
//! # Ok::<(), tintype::accel::Error>(())
//! ```

mod trace;

use std::sync::Arc;
use tintype::accel::{
    Accelerator, Bindings, Buffer, CompileOptions, Coverage, Device, Driver, Fence, FlushReason, HostBytes,
    Instance, MemoryReport, Module, OpenOptions, Probe, Purpose, Readback, Result, Signature, Stats, Storage,
    Weights,
};
use tintype::program::Program;
pub use trace::Trace;

/// The name that `--backend` and [`tintype::Registry::open`] know the plugin by.
pub const NAME: &str = "traced";

/// The driver: another plugin's devices, under this plugin's name.
pub struct Traced {
    inner: Arc<dyn Driver>,
    trace: Arc<Trace>,
}

impl Traced {
    /// Wraps `inner`.
    pub fn around(inner: Arc<dyn Driver>) -> Self {
        Self { inner, trace: Arc::default() }
    }

    /// The trace of everything that is opened through this driver.
    pub fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.trace)
    }
}

/// The device as this plugin presents it.
fn renamed(device: &Device) -> Device {
    let name = format!("{}, traced", device.name);
    let id = format!("{NAME}:{}", device.ordinal);
    Device { backend: NAME, id, name, ..device.clone() }
}

impl Driver for Traced {
    fn name(&self) -> &'static str {
        NAME
    }

    /// As low as the CPU's, which is registered before: `auto` never takes this one.
    fn preference(&self) -> u32 {
        0
    }

    fn probe(&self) -> Probe {
        let Probe { devices, obstacle } = self.inner.probe();
        Probe { devices: devices.iter().map(renamed).collect(), obstacle }
    }

    fn open(&self, ordinal: usize, options: &OpenOptions) -> Result<Arc<dyn Accelerator>> {
        let inner = self.trace.time("open", || self.inner.open(ordinal, options))?;
        let device = renamed(inner.device());
        Ok(Arc::new(TracedAccelerator { inner, device, trace: self.trace() }))
    }
}

struct TracedAccelerator {
    inner: Arc<dyn Accelerator>,
    device: Device,
    trace: Arc<Trace>,
}

impl Accelerator for TracedAccelerator {
    fn device(&self) -> &Device {
        &self.device
    }

    fn coverage(&self, program: &Program) -> Coverage {
        self.inner.coverage(program)
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        let inner = self.trace.time("compile", || self.inner.compile(program, options))?;
        Ok(Arc::new(TracedModule {
            inner,
            name: program.entry().name.clone(),
            trace: Arc::clone(&self.trace),
        }))
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        self.trace.time("allocate", || self.inner.allocate(bytes, purpose))
    }

    // Has a default, which copies. It is handed on, so that a plugin which uses mapped pages in place still does.
    fn adopt(&self, bytes: HostBytes, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        self.trace.time("adopt", || self.inner.adopt(bytes, purpose))
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        self.trace.time("upload", || self.inner.upload(storage, offset, bytes))
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        self.trace.time("read", || self.inner.read(buffer))
    }

    fn record(&self) -> Result<Fence> {
        self.inner.record()
    }

    fn flush(&self, reason: FlushReason) -> Result<()> {
        self.trace.time("flush", || self.inner.flush(reason))
    }

    fn synchronize(&self) -> Result<()> {
        self.trace.time("synchronize", || self.inner.synchronize())
    }

    fn memory(&self) -> MemoryReport {
        self.inner.memory()
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}

struct TracedModule {
    inner: Arc<dyn Module>,
    /// The Program's name: `flux_decode` and so on.
    name: String,
    trace: Arc<Trace>,
}

impl Module for TracedModule {
    fn signature(&self) -> &Arc<Signature> {
        self.inner.signature()
    }

    fn arena_bytes(&self) -> usize {
        self.inner.arena_bytes()
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let inner = self.trace.time("bind", || self.inner.bind(weights))?;
        let (name, trace) = (format!("run {}", self.name), Arc::clone(&self.trace));
        Ok(Box::new(TracedInstance { inner, name, trace }))
    }
}

struct TracedInstance {
    inner: Box<dyn Instance>,
    name: String,
    trace: Arc<Trace>,
}

impl Instance for TracedInstance {
    /// Only enqueues, so the time is the host's, not the device's.
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        self.trace.time(&self.name, || self.inner.run(bindings))
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}
