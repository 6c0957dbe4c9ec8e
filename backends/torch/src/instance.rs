//! Programs ready to run, without weights and with.

use crate::context::{Context, kind};
use crate::plan::Plan;
use crate::run::{Run, Value};
use crate::storage::TorchStorage;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tch::Tensor;
use tintype_accel::{
    Bindings, Buffer, CompleteBindings, Counters, Error, Instance, Module, Result, Signature, Slot, Stats,
    Storage, Weights, raise,
};
use tintype_program::{DType, TensorType};

/// A Program that is run operation by operation.
pub(crate) struct TorchModule {
    pub(crate) context: Arc<Context>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) signature: Arc<Signature>,
}

impl Module for TorchModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    fn arena_bytes(&self) -> usize {
        // Intermediate results are libtorch's own, one by one.
        0
    }

    fn attention(&self) -> Vec<String> {
        self.plan.attention()
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let moves = self.context.moves.load(Ordering::Acquire);
        Ok(Box::new(TorchInstance {
            context: Arc::clone(&self.context),
            plan: Arc::clone(&self.plan),
            signature: Arc::clone(&self.signature),
            params: params(&self.context, &self.signature, weights)?,
            moves,
            read: read(&self.signature, weights)?,
            weights: Arc::clone(weights),
            counters: Counters::default(),
        }))
    }
}

/// A Program with weights.
struct TorchInstance {
    context: Arc<Context>,
    plan: Arc<Plan>,
    signature: Arc<Signature>,
    /// Over the memory of the weights, as they lay when so many of them had moved.
    params: Vec<Tensor>,
    moves: u64,
    /// The memory of the parameters.
    read: Vec<Arc<dyn Storage>>,
    weights: Arc<Weights>,
    counters: Counters,
}

/// The memory that parameters lie in.
fn read(signature: &Signature, weights: &Weights) -> Result<Vec<Arc<dyn Storage>>> {
    signature.params.iter().map(|slot| Ok(Arc::clone(weights.place(slot)?.0))).collect()
}

/// A tensor over each parameter's memory; of bytes where it is encoded.
fn params(context: &Context, signature: &Signature, weights: &Weights) -> Result<Vec<Tensor>> {
    let param = |slot| {
        let (storage, offset) = weights.place(slot)?;
        let layout = slot.encoding.layout(&slot.ty);
        let layout = layout.map_err(|reason| Error::Internal { backend: "torch".into(), reason })?;
        let ty = match slot.encoding.is_plain() {
            true => slot.ty.clone(),
            false => TensorType::new(DType::U8, [layout.bytes()]),
        };
        TorchStorage::own(context, "parameter", &slot.name, storage)?.view(offset, &ty)
    };
    signature.params.iter().map(param).collect()
}

impl TorchInstance {
    /// A tensor over each buffer.
    fn tensors(&self, role: &'static str, slots: &[Slot], buffers: &[&Buffer]) -> Result<Vec<Tensor>> {
        let tensor = |(slot, buffer): (&Slot, &&Buffer)| {
            let storage = TorchStorage::own(&self.context, role, &slot.name, buffer.storage())?;
            storage.view(buffer.offset(), buffer.ty())
        };
        slots.iter().zip(buffers).map(tensor).collect()
    }

    /// Refuses results in memory that a weight lies in: the run would change what it reads.
    fn refuse_weights(&self, complete: &CompleteBindings<'_>) -> Result<()> {
        let slots = self.signature.outputs.iter().chain(&self.signature.states);
        for (slot, buffer) in slots.zip(complete.outputs.iter().chain(&complete.states)) {
            if self.read.iter().any(|read| Arc::ptr_eq(read, buffer.storage())) {
                return Err(Error::Binding {
                    role: "result",
                    name: slot.name.clone(),
                    wanted: "memory of its own, since the run writes it".into(),
                    given: "the memory of a weight".into(),
                });
            }
        }
        Ok(())
    }

    fn evaluate(&self, complete: &CompleteBindings<'_>) -> Result<u64> {
        let _without_gradients = tch::no_grad_guard();
        let inputs = self.tensors("input", &self.signature.inputs, &complete.inputs)?;
        let mut states = self.tensors("state", &self.signature.states, &complete.states)?;
        let mut outputs = self.tensors("output", &self.signature.outputs, &complete.outputs)?;
        let mut run = Run { context: &self.context, plan: &self.plan, launches: 0 };
        let entry = self.plan.program.entry();
        let given = |tensors| <[Tensor]>::iter(tensors).map(|tensor| Value::given(tensor, false));
        let written = states.iter().map(|tensor| Value::given(tensor, true));
        let arguments = given(&inputs).chain(given(&self.params)).chain(written).collect();
        let results = run.block(self.plan.program.entry_id().index(), arguments)?;
        let (launches, told) = (run.launches, |error| self.context.told(error));
        let kept = entry.states.iter().map(|state| state.value == state.next);
        let kept: Vec<bool> = std::iter::repeat_n(false, outputs.len()).chain(kept).collect();
        // First every result leaves the memory of states, then states and outputs are written.
        let mut ready = Vec::with_capacity(results.len());
        for ((value, ty), kept) in results.iter().zip(entry.results().map(|value| entry.ty(value))).zip(&kept)
        {
            let own = match value.is_written && !kept {
                true => value.f_to_dtype(kind(ty.dtype), false, true),
                false => value.f_alias(),
            };
            ready.push(own.map_err(told)?);
        }
        for ((target, result), kept) in outputs.iter_mut().chain(&mut states).zip(&ready).zip(kept) {
            if !kept {
                target.f_copy_(result).map_err(told)?;
            }
        }
        Ok(launches)
    }
}

impl Instance for TorchInstance {
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        bindings.expect(&self.signature)?;
        let complete = bindings.complete()?;
        self.refuse_weights(&complete)?;
        let moves = self.context.moves.load(Ordering::Acquire);
        if moves != self.moves {
            self.params = params(&self.context, &self.signature, &self.weights)?;
            self.moves = moves;
        }
        let launches = self.evaluate(&complete)?;
        self.context.mark();
        for counters in [&*self.context.counters, &self.counters] {
            raise(&counters.runs, 1);
            raise(&counters.launches, launches);
        }
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}
