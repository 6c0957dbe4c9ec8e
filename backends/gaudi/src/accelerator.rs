//! The accelerator: memory, the stream, and compiling.

use crate::compile::{self, compile, cut_of, prepared};
use crate::context::Context;
use crate::coverage::coverage;
use crate::fence::{Arrival, EventFence};
use crate::module::{Compiled, GaudiModule};
use crate::staging::Staging;
use crate::storage::GaudiStorage;
use crate::sys::Direction;
use std::sync::{Arc, PoisonError};
use tintype_accel::{
    Accelerator, Buffer, CompileOptions, Coverage, Device, Error, Fence, FlushReason, Footprint, HostBytes,
    LaunchMode, MemoryReport, Module, Purpose, Readback, Result, Signature, Stats, Storage, raise,
};
use tintype_program::Program;

/// An open Gaudi.
pub(crate) struct GaudiAccelerator {
    context: Arc<Context>,
}

impl GaudiAccelerator {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }
}

impl Accelerator for GaudiAccelerator {
    fn device(&self) -> &Device {
        &self.context.info
    }

    fn coverage(&self, program: &Program) -> Coverage {
        coverage(program, &self.context.options)
    }

    fn footprint(&self, program: &Program, options: &CompileOptions) -> Result<Footprint> {
        program.check()?;
        let program = prepared(program, &self.context.options)?;
        let recipes = cut_of(options.launch, &self.context.options);
        let between = compile::arena(&program, recipes)? as u64;
        // What a recipe works in is known once it is compiled; until then, what a cautious plugin would take.
        let within = Footprint::cautious(&program)?.arena;
        Ok(Footprint { arena: between + within, derived: 0, in_place: false, exact: false })
    }

    fn free_memory(&self) -> Option<u64> {
        self.context.device.memory_info().ok().map(|(free, _)| free)
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        let known = &self.device().capabilities.launch;
        if !known.contains(&options.launch) {
            let names: Vec<_> = known.iter().map(|mode| mode.name()).collect();
            return Err(Error::LaunchMode {
                backend: crate::NAME.into(),
                mode: options.launch,
                known: names.join(", "),
            });
        }
        program.check()?;
        let signature = Arc::new(Signature::of(program));
        let lowered = prepared(program, &self.context.options)?;
        let at = cut_of(options.launch, &self.context.options);
        let list = match options.launch {
            LaunchMode::Lazy => crate::lazy::foresee(&self.context, &lowered)?,
            _ => compile(&self.context, &lowered, at)?,
        };
        let hash = lowered.hashes().last().map(ToString::to_string).unwrap_or_default();
        let compiled = Compiled {
            signature,
            prepared: Arc::new(list),
            key: format!("{hash} {at:?}"),
            launch: options.launch,
            attention: compile::attention(program, &lowered, &self.context.options),
            program: lowered,
        };
        Ok(Arc::new(GaudiModule { context: Arc::clone(&self.context), compiled: Arc::new(compiled) }))
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(GaudiStorage(self.context.allocate(bytes, purpose)?)))
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        let context = &self.context;
        let memory = context.own("storage", "of an upload", storage)?;
        let source = bytes.as_slice();
        if offset.checked_add(source.len()).is_none_or(|end| end > memory.bytes()) {
            return Err(Error::Binding {
                role: "storage",
                name: "of an upload".into(),
                wanted: format!("{} bytes", memory.bytes()),
                given: format!("{} bytes for byte {offset} on", source.len()),
            });
        }
        raise(&context.counters.bytes_uploaded, source.len() as u64);
        let _queue = context.queue(FlushReason::Write)?;
        let mut to = memory.address() + offset as u64;
        for piece in source.chunks(Staging::PIECE) {
            let mut staging = context.staging.lock().unwrap_or_else(PoisonError::into_inner);
            let fault = |fault| context.fault(fault);
            let pinned = staging.take(&context.device, piece.len()).map_err(fault)?;
            // SAFETY: the pinned piece is at least as long, nothing else uses it, and the two do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(piece.as_ptr(), pinned.pointer, piece.len()) };
            let (from, length) = (pinned.pointer as u64, piece.len() as u64);
            let (device, stream) = (&context.device, &context.stream);
            let copied = device.copy(stream, from, length, to, Direction::HostToDevice);
            match copied.and_then(|()| device.record(stream)) {
                Ok(event) => staging.lend(event, pinned),
                Err(error) => {
                    // The copy may be on its way: the piece is free once the stream is empty.
                    let _ = device.synchronize(stream);
                    staging.give(device, pinned);
                    return Err(context.fault(error));
                }
            }
            to += length;
        }
        Ok(())
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        let context = &self.context;
        let memory = context.own("buffer", "to read", buffer.storage())?;
        let range = buffer.range();
        raise(&context.counters.bytes_downloaded, range.len() as u64);
        let _queue = context.queue(FlushReason::ReadBack)?;
        let fault = |fault| context.fault(fault);
        let (device, stream) = (&context.device, &context.stream);
        let bytes = Arc::default();
        if range.is_empty() {
            let event = device.record(stream).map_err(fault)?;
            return Ok(Readback::new(Fence::new(EventFence::new(Arc::clone(context), event)), bytes));
        }
        let mut staging = context.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let pinned = staging.take(device, range.len()).map_err(fault)?;
        let (from, to) = (memory.address() + range.start as u64, pinned.pointer as u64);
        let copied = device.copy(stream, from, range.len() as u64, to, Direction::DeviceToHost);
        let event = match copied.and_then(|()| device.record(stream)) {
            Ok(event) => event,
            Err(error) => {
                let _ = device.synchronize(stream);
                staging.give(device, pinned);
                return Err(context.fault(error));
            }
        };
        let fence = EventFence::new(Arc::clone(context), event);
        Ok(Readback::new(Fence::new(Arrival::new(fence, pinned, range.len(), Arc::clone(&bytes))), bytes))
    }

    fn record(&self) -> Result<Fence> {
        let _queue = self.context.queue(FlushReason::Fence)?;
        let event = self.context.device.record(&self.context.stream);
        let event = event.map_err(|fault| self.context.fault(fault))?;
        Ok(Fence::new(EventFence::new(Arc::clone(&self.context), event)))
    }

    fn flush(&self, reason: FlushReason) -> Result<()> {
        self.context.queue(reason).map(drop)
    }

    fn synchronize(&self) -> Result<()> {
        raise(&self.context.counters.host_synchronizations, 1);
        drop(self.context.queue(FlushReason::Fence)?);
        self.context.device.synchronize(&self.context.stream).map_err(|fault| self.context.fault(fault))
    }

    fn memory(&self) -> MemoryReport {
        self.context.account.report()
    }

    fn stats(&self) -> Stats {
        self.context.counters.snapshot()
    }
}
