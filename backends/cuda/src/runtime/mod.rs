//! One CUDA device with one stream, as the layer above drives it.

mod ground;
mod kernels;
mod library;

use crate::compiler::Compiler;
use crate::driver::{
    self, Arrival, Context, Events, Facts, Graphs, Heap, Loaded, Mark, PinnedPool, Queue, Staging,
};
use crate::probe::{self, describe};
use crate::settings::setting;
pub(crate) use ground::Ground;
use kernels::Kernels;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Device, Error, HostBytes, Result};
use tintype_gpu::{
    Architecture, Call, Dialect, Event, Graph, Incoming, Kernel, KernelSource, LibraryOp, MatrixUnit, Offer,
    Runtime,
};

/// A CUDA device that is open: its primary context, a stream, and what has been made on them.
pub struct CudaRuntime {
    device: Device,
    architecture: Architecture,
    graphs: Graphs,
    kernels: Kernels,
    libraries: library::Libraries,
    staging: Staging,
    arrivals: Arc<PinnedPool>,
    marks: Mutex<Marks>,
    events: Arc<Events>,
    heap: Heap,
    queue: Arc<Queue>,
}

/// Points of the stream by number, so that a number that is not one is an error.
#[derive(Default)]
struct Marks {
    live: HashMap<u64, Arc<Mark>>,
    next: u64,
}

impl CudaRuntime {
    /// Opens a device by the driver's number for it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] where there is no driver or it cannot be used, [`Error::NoSuchDevice`], [`Error::Device`]
    /// where the device refuses.
    pub fn open(ordinal: usize) -> Result<Self> {
        Self::open_with(ordinal, None)
    }

    /// As [`CudaRuntime::open`], with so many threads to copy what goes to the device; some that keep the bus busy where it
    /// is not said.
    ///
    /// # Errors
    ///
    /// As [`CudaRuntime::open`].
    pub fn open_with(ordinal: usize, threads: Option<usize>) -> Result<Self> {
        let (loaded, facts) = reach(ordinal)?;
        let search = setting("TINTYPE_CUDA_SEARCH")?;
        let architecture = architecture(&facts);
        let queue = Arc::new(Queue::new(Arc::new(Context::retain(&loaded.api, &facts)?))?);
        let events = Events::new(Arc::clone(&queue));
        Ok(Self {
            device: describe(loaded, &facts),
            graphs: Graphs::new(Arc::clone(&queue)),
            kernels: Kernels::new(Arc::clone(&queue), Compiler::new(&architecture), &architecture),
            libraries: library::Libraries::new(Arc::clone(&queue), &facts.name, &architecture, search),
            staging: Staging::new(Arc::clone(&queue), Arc::clone(&events), threads),
            arrivals: PinnedPool::new(Arc::clone(&queue)),
            marks: Mutex::default(),
            events,
            heap: Heap::new(Arc::clone(&queue), facts.pools)?,
            architecture,
            queue,
        })
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, event: &Event) -> Result<Arc<Mark>> {
        let mark = self.marks().live.get(&event.0).cloned();
        mark.ok_or_else(|| Error::Internal {
            backend: probe::BACKEND.into(),
            reason: format!("there is no event {}", event.0),
        })
    }
}

/// The driver, initialised, and what it says of the device that it numbers so, which is one that this plugin runs on.
pub(crate) fn reach(ordinal: usize) -> Result<(&'static Loaded, Facts)> {
    let unavailable = |obstacle: &tintype_accel::Obstacle| Error::Unavailable {
        backend: probe::BACKEND.into(),
        reason: obstacle.reason.clone(),
        remedy: obstacle.remedy.clone(),
    };
    let loaded = driver::api().map_err(unavailable)?;
    let count = probe::initialise(loaded).map_err(|obstacle| unavailable(&obstacle))?;
    if ordinal >= count {
        return Err(Error::NoSuchDevice {
            backend: probe::BACKEND.into(),
            device: ordinal.to_string(),
            known: format!("{count}, numbered from 0"),
        });
    }
    let facts = driver::facts(&loaded.api, ordinal).map_err(|status| Error::Device {
        device: format!("{}:{ordinal}", probe::BACKEND),
        reason: driver::explain(&loaded.api, status),
    })?;
    probe::usable(loaded, &facts).map_err(|obstacle| unavailable(&obstacle))?;
    Ok((loaded, facts))
}

/// What kernels are compiled for. On Hopper `sm_90a` has the instructions of its tensor cores.
fn architecture(facts: &Facts) -> Architecture {
    let suffix = if facts.capability == 90 { "a" } else { "" };
    Architecture {
        name: format!("sm_{}{suffix}", facts.capability),
        dialect: Dialect::Cuda,
        capability: facts.capability,
        warp: facts.warp,
        shared: facts.shared,
        matrix: MatrixUnit::TensorCores,
        multiprocessors: facts.multiprocessors,
    }
}

impl Runtime for CudaRuntime {
    fn device(&self) -> &Device {
        &self.device
    }

    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn allocate(&self, bytes: usize, what: &str) -> Result<u64> {
        self.heap.allocate(bytes, what)
    }

    fn free(&self, address: u64) {
        self.heap.free(address);
    }

    fn free_memory(&self) -> Result<u64> {
        self.heap.free_memory()
    }

    fn upload(&self, to: u64, bytes: &HostBytes) -> Result<()> {
        self.staging.upload(&[(to, bytes.clone())])
    }

    fn upload_all(&self, all: &[(u64, HostBytes)]) -> Result<()> {
        self.staging.upload(all)
    }

    fn detours(&self) -> u64 {
        self.staging.unlocked()
    }

    fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let queue = &self.queue;
        queue.enter()?;
        // SAFETY: the stream is alive; the caller vouches for both ranges, which the device checks.
        queue.ok(unsafe { queue.api.cuMemcpyDtoDAsync_v2(to, from, bytes, queue.raw()) })
    }

    fn download(&self, from: u64, bytes: usize) -> Result<Box<dyn Incoming>> {
        Ok(Box::new(Arrival::new(&self.arrivals, &self.events, from, bytes)?))
    }

    fn load(&self, source: &KernelSource) -> Result<Kernel> {
        self.kernels.load(source)
    }

    fn load_all(&self, sources: &[KernelSource]) -> Result<Vec<Kernel>> {
        self.kernels.load_all(sources)
    }

    fn compiled(&self) -> u64 {
        self.kernels.compiled()
    }

    fn launch(&self, call: &Call<'_>) -> Result<()> {
        self.kernels.launch(call)
    }

    fn prepare(&self, op: &LibraryOp) -> Offer {
        self.libraries.prepare(op)
    }

    fn record(&self) -> Result<Event> {
        self.queue.outside_capture("an event")?;
        let mark = self.events.record()?;
        let mut marks = self.marks();
        marks.next += 1;
        let number = marks.next;
        marks.live.insert(number, Arc::new(mark));
        Ok(Event(number))
    }

    fn poll(&self, event: &Event) -> Result<bool> {
        self.mark(event)?.poll()
    }

    fn wait(&self, event: &Event) -> Result<()> {
        self.mark(event)?.wait()
    }

    fn release(&self, event: Event) {
        let mark = self.marks().live.remove(&event.0);
        drop(mark);
    }

    fn synchronize(&self) -> Result<()> {
        self.queue.outside_capture("a wait for the stream")?;
        self.queue.synchronize()
    }

    fn capture(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<Graph> {
        let graph = self.graphs.capture(work);
        self.heap.settle();
        graph
    }

    fn replay(&self, graph: &Graph) -> Result<()> {
        self.graphs.replay(graph)
    }

    fn forget(&self, graph: Graph) {
        self.graphs.forget(graph);
    }
}

impl Drop for CudaRuntime {
    fn drop(&mut self) {
        // Copies from page-locked blocks may be under way, and the blocks go now. What failed has been told, or is told to
        // nobody.
        let _ = self.queue.synchronize();
    }
}
