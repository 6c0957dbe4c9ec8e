//! Modules that hand Programs to the interpreter.

use super::{Defect, Memory};
use std::collections::BTreeMap;
use std::sync::Arc;
use tintype_accel::{
    Bindings, Buffer, CompleteBindings, Counters, Error, Instance, LaunchMode, Module, ParamSlot, Result,
    Signature, Stats, Storage, Weights, raise,
};
use tintype_conformance::interpreter::{Bindings as Given, Outputs, Rounding, interpret_with, to_bytes};
use tintype_program::{DType, Op, Program};

pub struct DoubleModule {
    signature: Arc<Signature>,
    program: Arc<Program>,
    launch: LaunchMode,
    defect: Defect,
    counters: Arc<Counters>,
}

impl DoubleModule {
    pub fn new(
        original: &Program,
        misread: Program,
        launch: LaunchMode,
        defect: Defect,
        counters: Arc<Counters>,
    ) -> Self {
        let signature = Arc::new(Signature::of(original));
        Self { signature, program: Arc::new(misread), launch, defect, counters }
    }
}

impl Module for DoubleModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    fn arena_bytes(&self) -> usize {
        0
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let resolve = |slot: &ParamSlot| {
            let storage = Arc::clone(weights.resolve(slot)?);
            let copy = Memory::of(&storage).content();
            Ok((slot.name.clone(), storage, copy))
        };
        let params: Result<Vec<_>> = self.signature.params.iter().map(resolve).collect();
        Ok(Box::new(DoubleInstance {
            program: Arc::clone(&self.program),
            launch: self.launch,
            defect: self.defect,
            counters: Arc::clone(&self.counters),
            own: Counters::default(),
            params: params?,
            first: None,
        }))
    }
}

struct DoubleInstance {
    program: Arc<Program>,
    launch: LaunchMode,
    defect: Defect,
    counters: Arc<Counters>,
    own: Counters,
    params: Vec<(String, Arc<dyn Storage>, Vec<u8>)>,
    first: Option<BTreeMap<String, Vec<u8>>>,
}

impl Instance for DoubleInstance {
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        let complete = bindings.complete()?;
        self.count();
        if self.defect == Defect::FailsOnCasts && self.casts() {
            return Err(Error::Device { device: "double:0".into(), reason: "the cast kernel died".into() });
        }
        let given = self.given(&complete);
        let results = self.interpret(&given);
        self.write(&complete, &results, given);
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.own.snapshot()
    }
}

impl DoubleInstance {
    fn count(&mut self) {
        if self.defect != Defect::DoesNotCount {
            raise(&self.own.runs, 1);
        }
        let is_first = self.first.is_none();
        match self.launch {
            LaunchMode::Graph if is_first || self.defect == Defect::CapturesAgain => {
                raise(&self.counters.captures, 1);
            }
            LaunchMode::Graph => raise(&self.counters.replays, 1),
            _ => {}
        }
        match self.defect {
            Defect::CompilesInRuns => raise(&self.counters.compiles, 1),
            Defect::WaitsInRuns => raise(&self.counters.host_synchronizations, 1),
            _ => {}
        }
    }

    fn casts(&self) -> bool {
        let mut nodes = self.program.blocks.iter().flat_map(|block| &block.nodes);
        nodes.any(|node| matches!(node.op, Op::Cast { dtype } if !dtype.is_float()))
    }

    fn given(&mut self, bindings: &CompleteBindings<'_>) -> BTreeMap<String, Vec<u8>> {
        let entry = self.program.entry();
        let mut given = BTreeMap::new();
        for (port, buffer) in entry.inputs.iter().zip(&bindings.inputs) {
            given.insert(port.name.clone(), Memory::read(buffer));
        }
        let inputs = self.first.get_or_insert_with(|| given.clone());
        if self.defect == Defect::FrozenInputs {
            given = inputs.clone();
        }
        for (state, buffer) in entry.states.iter().zip(&bindings.states) {
            given.insert(state.name.clone(), Memory::read(buffer));
        }
        for (name, storage, copy) in &self.params {
            let stale = self.defect == Defect::StaleWeights;
            given.insert(name.clone(), if stale { copy.clone() } else { Memory::of(storage).content() });
        }
        given
    }

    fn interpret(&self, given: &BTreeMap<String, Vec<u8>>) -> Outputs {
        let buffers = given.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let given = Given::from_bytes(&self.program, buffers).unwrap();
        // What is rounded already cannot be truncated.
        let truncates = self.defect == Defect::TruncatesBf16;
        let rounding = if truncates { Rounding::None } else { Rounding::Declared };
        interpret_with(&self.program, &given, rounding).unwrap()
    }

    fn write(
        &self,
        bindings: &CompleteBindings<'_>,
        results: &Outputs,
        mut given: BTreeMap<String, Vec<u8>>,
    ) {
        let entry = self.program.entry();
        for (port, buffer) in entry.outputs.iter().zip(&bindings.outputs) {
            let bytes = self.elements(&results.outputs[&port.name].data, buffer.ty().dtype);
            self.spoil(buffer, bytes);
        }
        for (state, buffer) in entry.states.iter().zip(&bindings.states) {
            let mut next = results.states[&state.name].clone();
            if self.defect == Defect::StatesInOrder {
                next = self.interpret(&given).states[&state.name].clone();
            }
            let bytes = self.elements(&next.data, buffer.ty().dtype);
            given.insert(state.name.clone(), bytes.clone());
            Memory::of(buffer.storage()).write(buffer.offset(), &bytes);
        }
        if let (Defect::WritesAnInput, Some(input)) = (self.defect, bindings.inputs.first()) {
            let zeros = vec![0; input.ty().bytes()];
            Memory::of(input.storage()).write(input.offset(), &zeros);
        }
    }

    fn elements(&self, values: &[f64], dtype: DType) -> Vec<u8> {
        if self.defect != Defect::TruncatesBf16 || dtype != DType::Bf16 {
            return to_bytes(values, dtype);
        }
        values.iter().flat_map(|&x| ((x as f32).to_bits() >> 16).to_le_bytes()[..2].to_vec()).collect()
    }

    fn spoil(&self, buffer: &Buffer, mut bytes: Vec<u8>) {
        let (size, memory) = (buffer.ty().dtype.size(), Memory::of(buffer.storage()));
        let last = bytes.len().saturating_sub(size);
        let is_odd = buffer.ty().elements() % 2 == 1;
        match self.defect {
            Defect::WritesPastTheEnd => bytes.extend(vec![0; size]),
            Defect::LeavesTheTail if is_odd => bytes.truncate(last),
            // The quiet NaN of each float dtype, unlike what outputs are filled with.
            Defect::NanInTheTail if is_odd && buffer.ty().dtype.is_float() => {
                bytes[last..].copy_from_slice(&to_bytes(&[f64::NAN], buffer.ty().dtype));
            }
            _ => {}
        }
        memory.write(buffer.offset(), &bytes);
    }
}
