//! What a vendor's plugin brings: one device, one stream.

use crate::{Architecture, KernelSource, LibraryOp, Offer};
use std::ffi::c_void;
use std::sync::Arc;
use tintype_accel::{Device, Error, HostBytes, Result};

/// A compiled and loaded kernel. Loaded until the runtime is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kernel(pub u64);

/// A point of the stream. Given back with [`Runtime::release`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Event(pub u64);

/// A captured and instantiated graph. Given back with [`Runtime::forget`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Graph(pub u64);

/// A value of a kernel's parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A pointer.
    Address(u64),
    /// `int`
    I32(i32),
    /// `long long`
    I64(i64),
    /// `float`
    F32(f32),
}

/// A launch whose addresses are known.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What is launched.
    pub kernel: Kernel,
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// The parameters.
    pub params: &'a [Scalar],
}

/// One device with one stream, in whose order everything enqueued runs. All methods may be called from any thread;
/// callers see to it that nothing is enqueued by one thread while another captures.
///
/// An error of a call is an [`tintype_accel::Error`] that names the vendor's function, its code and the code's name.
/// Errors that the device meets later come out of the next wait, or of any call after that.
pub trait Runtime: Send + Sync + 'static {
    /// What the device is.
    fn device(&self) -> &Device;

    /// What kernels are made for.
    fn architecture(&self) -> &Architecture;

    /// Device memory at a multiple of 256 bytes; at least one byte. `what` is for the message when there is none left:
    /// `Error::OutOfMemory`, everything else `Error::Device`.
    fn allocate(&self, bytes: usize, what: &str) -> Result<u64>;

    /// Gives memory back once all work enqueued so far is done, without waiting for it here where the vendor can.
    fn free(&self, address: u64);

    /// Bytes that could be allocated now.
    fn free_memory(&self) -> Result<u64>;

    /// Enqueues a copy to the device. The bytes may change or go when it returns (they have been staged).
    fn upload(&self, to: u64, bytes: &HostBytes) -> Result<()>;

    /// As [`Runtime::upload`] of each: for a vendor that copies many faster than one after another.
    fn upload_all(&self, all: &[(u64, HostBytes)]) -> Result<()> {
        all.iter().try_for_each(|(to, bytes)| self.upload(*to, bytes))
    }

    /// How often something took another way than it should, since the device was opened: for want of page-locked memory,
    /// for instance. Told as fallbacks.
    fn detours(&self) -> u64 {
        0
    }

    /// Enqueues a copy on the device.
    fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()>;

    /// Enqueues a copy to the host.
    fn download(&self, from: u64, bytes: usize) -> Result<Box<dyn Incoming>>;

    /// Compiles, or finds compiled in memory or on disk, and loads. Whether it was compiled now is counted by
    /// [`Runtime::compiled`].
    fn load(&self, source: &KernelSource) -> Result<Kernel>;

    /// Loads several, compiling side by side where the vendor can. The error is that of the first, in their order, that
    /// fails; none is tried again.
    fn load_all(&self, sources: &[KernelSource]) -> Result<Vec<Kernel>> {
        sources.iter().map(|source| self.load(source)).collect()
    }

    /// Kernels that were compiled since the device was opened, rather than found.
    fn compiled(&self) -> u64;

    /// Enqueues a kernel.
    fn launch(&self, call: &Call<'_>) -> Result<()>;

    /// Offers work to the vendor's libraries. May take long; what it gives may be kept.
    fn prepare(&self, op: &LibraryOp) -> Offer;

    /// The stream as the vendor's interface has it, for another engine to enqueue on, with the device made current on this
    /// thread. A runtime that is no vendor's refuses.
    fn stream(&self) -> Result<*mut c_void> {
        Err(Error::Unavailable {
            backend: self.device().backend.into(),
            reason: "it has no stream that another engine could use".into(),
            remedy: "Choose --engine native".into(),
        })
    }

    /// Marks the stream.
    fn record(&self) -> Result<Event>;

    /// Whether the stream has passed an event.
    fn poll(&self, event: &Event) -> Result<bool>;

    /// Waits until the stream has passed an event.
    fn wait(&self, event: &Event) -> Result<()>;

    /// Gives an event back.
    fn release(&self, event: Event);

    /// Waits until the stream is empty.
    fn synchronize(&self) -> Result<()>;

    /// Captures what `work` enqueues instead of running it, and makes it ready to be launched. Ends the capture whatever
    /// `work` gives.
    fn capture(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<Graph>;

    /// Enqueues a captured graph.
    fn replay(&self, graph: &Graph) -> Result<()>;

    /// Lets a graph go.
    fn forget(&self, graph: Graph);
}

/// A copy to the host that is on its way.
pub trait Incoming: Send + Sync {
    /// Whether it is here.
    fn poll(&self) -> Result<bool>;

    /// Waits for it, and gives the bytes; the first caller gets them, any other nothing.
    fn wait(&self) -> Result<Vec<u8>>;
}

/// A runtime that several own.
pub type SharedRuntime = Arc<dyn Runtime>;
