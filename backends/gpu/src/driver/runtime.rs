//! One device with one stream, as the layer above drives it.

use super::{Arrival, Events, Graphs, Heap, Kernels, Mark, PinnedPool, Queue, Staging};
use crate::compiler::Compiler;
use crate::{Architecture, Call, Event, Graph, Incoming, Kernel, KernelSource, LibraryOp, Offer, Runtime};
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Device, Error, HostBytes, Result};

/// The libraries of a vendor. Dropped with the device current.
pub trait Libraries: Send + Sync {
    /// See [`Runtime::prepare`].
    fn prepare(&self, op: &LibraryOp) -> Offer;
}

/// What a device is opened with.
pub struct Parts {
    /// What it is.
    pub device: Device,
    /// What kernels are made for.
    pub architecture: Architecture,
    /// What makes them.
    pub compiler: Compiler,
    /// The stream.
    pub queue: Arc<Queue>,
    /// The vendor's libraries.
    pub libraries: Box<dyn Libraries>,
    /// Whether memory can be allocated in the order of a stream.
    pub pools: bool,
    /// How many threads copy what goes to the device; some that keep the bus busy where it is not said.
    pub threads: Option<usize>,
}

/// A device that is open: a stream, and what has been made on it.
pub struct DeviceRuntime {
    device: Device,
    architecture: Architecture,
    graphs: Graphs,
    kernels: Kernels,
    libraries: Box<dyn Libraries>,
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

impl DeviceRuntime {
    /// A device with nothing on it.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] where the device refuses.
    pub fn new(parts: Parts) -> Result<Self> {
        let Parts { device, architecture, compiler, queue, libraries, pools, threads } = parts;
        let events = Events::new(Arc::clone(&queue));
        Ok(Self {
            device,
            graphs: Graphs::new(Arc::clone(&queue)),
            kernels: Kernels::new(Arc::clone(&queue), compiler, &architecture),
            libraries,
            staging: Staging::new(Arc::clone(&queue), Arc::clone(&events), threads),
            arrivals: PinnedPool::new(Arc::clone(&queue)),
            marks: Mutex::default(),
            events,
            heap: Heap::new(Arc::clone(&queue), pools)?,
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
            backend: self.queue.backend.into(),
            reason: format!("there is no event {}", event.0),
        })
    }
}

impl Runtime for DeviceRuntime {
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
        queue.ok(unsafe { queue.api.copy_on_device(to, from, bytes, queue.raw()) })
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

    fn stream(&self) -> Result<*mut c_void> {
        self.queue.enter()?;
        Ok(self.queue.raw())
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

impl Drop for DeviceRuntime {
    fn drop(&mut self) {
        // Copies from page-locked blocks may be under way, and the blocks go now. What failed has been told, or is told to
        // nobody.
        let _ = self.queue.synchronize();
    }
}
