//! What a plugin implements: a [`Driver`] that finds devices, an [`Accelerator`] that compiles Programs for one, a
//! [`Module`] that is a compiled Program, and an [`Instance`] that is a module with weights, ready to run.

use crate::{
    Bare, Bindings, Buffer, Coverage, Device, Error, Fence, FlushReason, Footprint, HostBytes, LaunchMode,
    Lease, LentWork, MemoryReport, Probe, Purpose, Readback, Replay, Result, Signature, Stats, Storage,
    Weights,
};
use std::sync::Arc;
use tintype_program::{Node, Program, TensorType};

/// A plugin's first object: cheap to make, touches no device until asked.
pub trait Driver: Send + Sync {
    /// The name on the command line: `cpu`, `cuda`, `rocm`, `gaudi`.
    fn name(&self) -> &'static str;

    /// How much `auto` prefers this plugin's devices where several have one; the CPU has 0.
    fn preference(&self) -> u32;

    /// The devices there are, or why there is none and what to do.
    fn probe(&self) -> Probe;

    /// Opens the device of this ordinal.
    fn open(&self, ordinal: usize, options: &OpenOptions) -> Result<Arc<dyn Accelerator>>;

    /// What the vendor's own parts take on the device of this ordinal, for a process that has opened none; none where there
    /// is nothing but the plugin itself.
    fn bare(&self, ordinal: usize) -> Result<Option<Bare>> {
        let _ = ordinal;
        Ok(None)
    }
}

/// How a device is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// Threads that host work may use; as many as the machine has cores where it is not said.
    pub threads: Option<usize>,
    /// Whether a GPU may round the factors of f32 products to tf32 (10 bits of fraction instead of 23), which its matrix
    /// units take many times as fast. Never without being asked for.
    pub tf32: bool,
    /// Whether it is an error where a device would otherwise take another way than the one asked for, and tell of it
    /// ([`Accelerator::fallbacks`]).
    pub strict: bool,
}

/// How a Program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompileOptions {
    /// The launch mode.
    pub launch: LaunchMode,
}

/// An open device. Work enqueued on it runs in order; nothing but [`Accelerator::synchronize`], [`Fence::wait`] and
/// [`Readback::wait`] waits for it. An error of enqueued work is reported by the next wait.
pub trait Accelerator: Send + Sync {
    /// What the device is.
    fn device(&self) -> &Device;

    /// What would become of each operation, without compiling.
    fn coverage(&self, program: &Program) -> Coverage;

    /// Compiles a Program: its blocks once each, none that a cache holds already. Refuses operations that coverage
    /// calls unsupported, and launch modes that the device does not have.
    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>>;

    /// What a Program would take of the device's memory, without reading a weight or making anything that a run needs.
    /// The default plans as a cautious plugin would, and says so.
    fn footprint(&self, program: &Program, options: &CompileOptions) -> Result<Footprint> {
        let _ = options;
        Footprint::cautious(program)
    }

    /// Bytes that could be allocated now, where the device tells.
    fn free_memory(&self) -> Option<u64> {
        None
    }

    /// Memory, its content undefined, aligned to [`Buffer::ALIGNMENT`].
    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>>;

    /// Memory that holds `bytes`. A plugin that computes in host memory may use them where they are.
    fn adopt(&self, bytes: HostBytes, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        let storage = self.allocate(bytes.len(), purpose)?;
        self.upload(&storage, 0, bytes)?;
        Ok(storage)
    }

    /// As [`Accelerator::adopt`] of each: for a plugin that copies many faster than one after another.
    fn adopt_all(&self, all: Vec<HostBytes>, purpose: Purpose) -> Result<Vec<Arc<dyn Storage>>> {
        all.into_iter().map(|bytes| self.adopt(bytes, purpose)).collect()
    }

    /// Enqueues a copy of `bytes` to `offset` of `storage`.
    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()>;

    /// As [`Accelerator::upload`] of each: for a plugin that copies many faster than one after another.
    fn upload_all(&self, all: Vec<(Arc<dyn Storage>, usize, HostBytes)>) -> Result<()> {
        all.into_iter().try_for_each(|(storage, offset, bytes)| self.upload(&storage, offset, bytes))
    }

    /// Enqueues a copy to the host. Accumulated work is flushed first, for [`FlushReason::ReadBack`].
    fn read(&self, buffer: &Buffer) -> Result<Readback>;

    /// Enqueues work that another engine does on this device's memory, in order with all else that is enqueued. What is in
    /// `writes` overlaps nothing else that is lent. A plugin whose memory has no address refuses.
    fn lend(&self, reads: &[Lease], writes: &[Lease], work: LentWork) -> Result<()> {
        let _ = (reads, writes, work);
        Err(Error::Unavailable {
            backend: self.device().backend.into(),
            reason: "it does not lend its memory to another engine".into(),
            remedy: "Choose --engine native".into(),
        })
    }

    /// As [`Accelerator::lend`], but what the work enqueues is captured by the first [`Replay::replay`], to be enqueued again and again. The work must have run once
    /// before: what libraries do at a first run cannot be captured.
    ///
    /// # Errors
    ///
    /// Memory that is not this device's; a plugin without graphs refuses.
    fn capture(&self, reads: &[Lease], writes: &[Lease], work: LentWork) -> Result<Box<dyn Replay>> {
        let _ = (reads, writes, work);
        Err(Error::Unavailable {
            backend: self.device().backend.into(),
            reason: "it does not capture the work of another engine".into(),
            remedy: "Choose --launch compiled".into(),
        })
    }

    /// Marks this point of the queue.
    fn record(&self) -> Result<Fence>;

    /// Hands accumulated work to the device. Does nothing for a device that accumulates none.
    fn flush(&self, reason: FlushReason) -> Result<()>;

    /// Waits until the queue is empty. Counted as a host synchronisation.
    fn synchronize(&self) -> Result<()>;

    /// What memory is used for.
    fn memory(&self) -> MemoryReport;

    /// What has been done since the device was opened.
    fn stats(&self) -> Stats;

    /// How many times results of an operation in f16 or bf16 are rounded before they are rounded at the end: never, as operations
    /// are defined. A plugin that leaves one to a library that does otherwise says so here, and the conformance suite holds it to
    /// that, and names it.
    fn roundings(&self, _node: &Node) -> u32 {
        0
    }

    /// What took another way than the one asked for since this was asked last, a sentence each; [`Stats::fallbacks`] counts
    /// such.
    fn fallbacks(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A compiled Program. Holds no weights.
pub trait Module: Send + Sync {
    /// What it is given and gives.
    fn signature(&self) -> &Arc<Signature>;

    /// Bytes of intermediate results that an instance needs.
    fn arena_bytes(&self) -> usize;

    /// Bytes that the device's libraries work in besides, for an instance.
    fn workspace_bytes(&self) -> usize {
        0
    }

    /// What attention became in it: kernels or nodes by name, `composed` for products and a softmax, each once. None where
    /// there is no attention, or where the plugin does not say.
    fn attention(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ties the module to weights. Every parameter must be there, of its type, encoding and source.
    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>>;
}

/// A module with weights.
pub trait Instance: Send {
    /// Enqueues one run and returns at once.
    fn run(&mut self, bindings: &mut Bindings) -> Result<()>;

    /// What this instance has done: runs, launches, captures, replays.
    fn stats(&self) -> Stats;
}

/// What every plugin gives for free.
impl dyn Accelerator {
    /// A new buffer, its content undefined.
    pub fn buffer(&self, ty: &TensorType, purpose: Purpose) -> Result<Buffer> {
        ty.check().map_err(|reason| Error::Internal { backend: self.device().backend.into(), reason })?;
        Buffer::at(self.allocate(ty.bytes(), purpose)?, 0, ty.clone())
    }

    /// A new buffer of [`Purpose::Data`] that holds `bytes`.
    pub fn buffer_from(&self, ty: &TensorType, bytes: impl Into<HostBytes>) -> Result<Buffer> {
        let buffer = self.buffer(ty, Purpose::Data)?;
        self.write(&buffer, bytes)?;
        Ok(buffer)
    }

    /// Enqueues a copy of `bytes`, which must be as many as the buffer holds.
    pub fn write(&self, buffer: &Buffer, bytes: impl Into<HostBytes>) -> Result<()> {
        let bytes = bytes.into();
        if bytes.len() != buffer.ty().bytes() {
            return Err(Error::Binding {
                role: "buffer",
                name: buffer.ty().to_string(),
                wanted: format!("{} bytes", buffer.ty().bytes()),
                given: format!("{} bytes", bytes.len()),
            });
        }
        self.upload(buffer.storage(), buffer.offset(), bytes)
    }

    /// The buffer's content, once all work enqueued before is done.
    pub fn download(&self, buffer: &Buffer) -> Result<Vec<u8>> {
        self.read(buffer)?.wait()
    }
}
