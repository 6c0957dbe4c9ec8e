//! A compiled Program with memory for what it is given and what it gives.

use super::component::Place;
use crate::{Error, Result};
use std::sync::Arc;
use tintype_accel::{Bindings, Buffer, Instance, Module, Purpose, Signature, from_f32};
use tintype_program::TensorType;

/// A Program that is compiled and bound.
///
/// Values are put into memory that the stage keeps, and results lie in memory that it keeps: a launch that was captured
/// finds everything where it was, and the next picture captures nothing anew.
pub(crate) struct Stage {
    instance: Box<dyn Instance>,
    /// What attention became.
    attention: Vec<String>,
    signature: Arc<Signature>,
    bindings: Bindings,
    /// Inputs and states, by name.
    given: Vec<(String, Buffer)>,
    /// Sets of outputs, each in the signature's order.
    outputs: Vec<Vec<Buffer>>,
}

/// What a stage is given for an input or a state.
#[derive(Clone, Copy)]
pub(crate) enum Given<'g> {
    /// What lies on the device already.
    Buffer(&'g Buffer),
    /// Values, converted to the dtype that the Program takes.
    Values(&'g [f32]),
    /// Integers.
    Ids(&'g [i32]),
}

impl Stage {
    /// A module that `instance` has bound.
    pub(crate) fn new(module: &dyn Module, instance: Box<dyn Instance>) -> Self {
        let (signature, attention) = (Arc::clone(module.signature()), module.attention());
        let bindings = Bindings::new(Arc::clone(&signature));
        Self { instance, attention, signature, bindings, given: Vec::new(), outputs: Vec::new() }
    }

    /// What attention became: [`Module::attention`].
    pub(crate) fn attention(&self) -> &[String] {
        &self.attention
    }

    /// Gives an input or a state, and says where it lies. Values are enqueued behind what runs already.
    pub(crate) fn give(&mut self, place: &Place, name: &str, given: Given<'_>) -> Result<Buffer> {
        let of = |slots: &[tintype_accel::Slot]| {
            slots.iter().find(|slot| slot.name == name).map(|slot| slot.ty.clone())
        };
        let state = of(&self.signature.states);
        let is_state = state.is_some();
        let Some(ty) = state.or_else(|| of(&self.signature.inputs)) else {
            return Err(Error::Internal { reason: format!("a Program without `{name}` is given it") });
        };
        let buffer = match given {
            Given::Buffer(buffer) => buffer.clone(),
            Given::Values(values) => {
                let bytes = from_f32(ty.dtype, values);
                self.keep(place, name, ty, bytes)?
            }
            Given::Ids(values) => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.keep(place, name, ty, bytes)?
            }
        };
        match is_state {
            true => self.bindings.state(name, &buffer)?,
            false => self.bindings.input(name, &buffer)?,
        };
        Ok(buffer)
    }

    /// Puts bytes into the memory that is kept for `name`.
    fn keep(&mut self, place: &Place, name: &str, ty: TensorType, bytes: Vec<u8>) -> Result<Buffer> {
        let buffer = match self.given.iter().find(|(known, _)| known == name) {
            Some((_, buffer)) => buffer.clone(),
            None => {
                let buffer = place.accelerator.buffer(&ty, Purpose::Data)?;
                self.given.push((name.to_owned(), buffer.clone()));
                buffer
            }
        };
        place.accelerator.write(&buffer, bytes)?;
        Ok(buffer)
    }

    /// Enqueues a run.
    pub(crate) fn run(&mut self) -> Result<()> {
        Ok(self.instance.run(&mut self.bindings)?)
    }

    /// Runs once: `inputs` by name, to the outputs of a set, in the signature's order. They hold what they do until the next
    /// call for the same set.
    pub(crate) fn call(
        &mut self,
        place: &Place,
        set: usize,
        inputs: &[(&str, Given<'_>)],
    ) -> Result<Vec<Buffer>> {
        while self.outputs.len() <= set {
            let new = self.new_outputs(place)?;
            self.outputs.push(new);
        }
        let outputs = self.outputs.get(set).cloned().unwrap_or_default();
        self.call_into(place, &outputs, inputs)?;
        Ok(outputs)
    }

    /// Memory for a set of outputs, in the signature's order.
    pub(crate) fn new_outputs(&self, place: &Place) -> Result<Vec<Buffer>> {
        let slots = self.signature.outputs.iter();
        Ok(slots.map(|slot| place.accelerator.buffer(&slot.ty, Purpose::Data)).collect::<Result<_, _>>()?)
    }

    /// As [`Stage::call`], to outputs of the caller's, in the signature's order.
    pub(crate) fn call_into(
        &mut self,
        place: &Place,
        outputs: &[Buffer],
        inputs: &[(&str, Given<'_>)],
    ) -> Result<()> {
        for (name, given) in inputs {
            self.give(place, name, *given)?;
        }
        for (slot, buffer) in self.signature.outputs.iter().zip(outputs) {
            self.bindings.output(&slot.name, buffer)?;
        }
        self.run()
    }
}
