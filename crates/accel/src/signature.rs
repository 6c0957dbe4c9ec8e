//! What a Program is given and what it gives, by name.

use crate::{Buffer, Error, Result};
use std::sync::Arc;
use tintype_program::{Encoding, Program, Source, TensorType};

/// A named place for a buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// The name.
    pub name: String,
    /// The type that it takes.
    pub ty: TensorType,
}

/// A parameter, and where it comes from. Two are equal if they declare the same, wherever they are to lie.
#[derive(Clone, Debug)]
pub struct ParamSlot {
    /// The name.
    pub name: String,
    /// The type of its value.
    pub ty: TensorType,
    /// How its elements are stored.
    pub encoding: Encoding,
    /// The recipe for its elements.
    pub source: Source,
    /// Where a plugin that joins parameters would have it lie; nothing for memory of its own.
    pub within: Option<Within>,
}

/// A part of memory that several parameters share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    /// The name of the whole.
    pub whole: Arc<str>,
    /// Bytes of the whole.
    pub bytes: usize,
    /// The part's first byte, a multiple of [`Buffer::ALIGNMENT`].
    pub offset: usize,
}

impl PartialEq for ParamSlot {
    fn eq(&self, other: &Self) -> bool {
        let Self { name, ty, encoding, source, within: _ } = self;
        (name, ty, encoding, source) == (&other.name, &other.ty, &other.encoding, &other.source)
    }
}

/// A Program's rim.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Given at each run.
    pub inputs: Vec<Slot>,
    /// Read and written in place at each run.
    pub states: Vec<Slot>,
    /// Written at each run.
    pub outputs: Vec<Slot>,
    /// Bound before the first run.
    pub params: Vec<ParamSlot>,
}

impl Signature {
    /// The signature of a Program.
    pub fn of(program: &Program) -> Self {
        let entry = program.entry();
        let slot = |name: &String, value| Slot { name: name.clone(), ty: entry.ty(value).clone() };
        Self {
            inputs: entry.inputs.iter().map(|port| slot(&port.name, port.value)).collect(),
            states: entry.states.iter().map(|state| slot(&state.name, state.value)).collect(),
            outputs: entry.outputs.iter().map(|port| slot(&port.name, port.value)).collect(),
            params: entry
                .params
                .iter()
                .zip(&program.sources)
                .map(|(param, source)| ParamSlot {
                    name: param.name.clone(),
                    ty: entry.ty(param.value).clone(),
                    encoding: param.encoding.clone(),
                    source: source.clone(),
                    within: None,
                })
                .collect(),
        }
    }
}

/// Buffers for one run, each held against its slot when it is set.
///
/// An output or state must not share memory with any other buffer of the same run, unless it is that very buffer
/// bound as one state.
#[derive(Clone, Debug)]
pub struct Bindings {
    signature: Arc<Signature>,
    inputs: Vec<Option<Buffer>>,
    states: Vec<Option<Buffer>>,
    outputs: Vec<Option<Buffer>>,
}

impl Bindings {
    /// Nothing bound yet.
    pub fn new(signature: Arc<Signature>) -> Self {
        Self {
            inputs: vec![None; signature.inputs.len()],
            states: vec![None; signature.states.len()],
            outputs: vec![None; signature.outputs.len()],
            signature,
        }
    }

    /// Binds an input.
    pub fn input(&mut self, name: &str, buffer: &Buffer) -> Result<&mut Self> {
        bind("input", &self.signature.inputs, &mut self.inputs, name, buffer)?;
        Ok(self)
    }

    /// Binds a state.
    pub fn state(&mut self, name: &str, buffer: &Buffer) -> Result<&mut Self> {
        bind("state", &self.signature.states, &mut self.states, name, buffer)?;
        Ok(self)
    }

    /// Binds an output.
    pub fn output(&mut self, name: &str, buffer: &Buffer) -> Result<&mut Self> {
        bind("output", &self.signature.outputs, &mut self.outputs, name, buffer)?;
        Ok(self)
    }

    /// Refuses bindings that were made for another signature than this one.
    pub fn expect(&self, signature: &Arc<Signature>) -> Result<()> {
        if Arc::ptr_eq(&self.signature, signature) || *self.signature == **signature {
            return Ok(());
        }
        Err(Error::Binding {
            role: "bindings",
            name: "of a run".into(),
            wanted: "made for this module's signature".into(),
            given: "bindings of another signature".into(),
        })
    }

    /// The signature that they fit.
    pub fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    /// What is bound so far: inputs, states, then outputs, each in the signature's order. Allocates nothing, so that a
    /// replay can tell whether the buffers are those that were captured.
    pub fn buffers(&self) -> impl Iterator<Item = Option<&Buffer>> {
        self.inputs.iter().chain(&self.states).chain(&self.outputs).map(Option::as_ref)
    }

    /// Every buffer in the signature's order, or the name of the first slot that has none. Outputs and states that
    /// share memory with each other or with an input are refused.
    pub fn complete(&self) -> Result<CompleteBindings<'_>> {
        let complete = CompleteBindings {
            inputs: all("input", &self.signature.inputs, &self.inputs)?,
            states: all("state", &self.signature.states, &self.states)?,
            outputs: all("output", &self.signature.outputs, &self.outputs)?,
        };
        let written: Vec<_> = complete.states.iter().chain(&complete.outputs).copied().collect();
        for (i, a) in written.iter().enumerate() {
            let others = written[i + 1..].iter().chain(&complete.inputs);
            if let Some(b) = others.into_iter().find(|b| overlap(a, b)) {
                return Err(Error::Binding {
                    role: "buffer",
                    name: a.ty().to_string(),
                    wanted: "memory of its own, since the run writes it".into(),
                    given: format!("memory that a buffer of {} has too", b.ty()),
                });
            }
        }
        Ok(complete)
    }
}

/// Every buffer of a run, in the signature's order.
#[derive(Clone, Debug)]
pub struct CompleteBindings<'b> {
    /// The inputs.
    pub inputs: Vec<&'b Buffer>,
    /// The states.
    pub states: Vec<&'b Buffer>,
    /// The outputs.
    pub outputs: Vec<&'b Buffer>,
}

fn overlap(a: &Buffer, b: &Buffer) -> bool {
    let (x, y) = (a.range(), b.range());
    Arc::ptr_eq(a.storage(), b.storage()) && x.start < y.end && y.start < x.end
}

fn bind(
    role: &'static str,
    slots: &[Slot],
    bound: &mut [Option<Buffer>],
    name: &str,
    buffer: &Buffer,
) -> Result<()> {
    let position = slots.iter().position(|slot| slot.name == name);
    let refuse =
        |wanted: String| Error::Binding { role, name: name.into(), wanted, given: buffer.ty().to_string() };
    match position.and_then(|i| slots.get(i).zip(bound.get_mut(i))) {
        Some((slot, place)) if slot.ty == *buffer.ty() => *place = Some(buffer.clone()),
        Some((slot, _)) => return Err(refuse(slot.ty.to_string())),
        None => {
            let known: Vec<_> = slots.iter().map(|slot| slot.name.as_str()).collect();
            return Err(refuse(format!("not there; there are {known:?}")));
        }
    }
    Ok(())
}

fn all<'b>(role: &'static str, slots: &[Slot], bound: &'b [Option<Buffer>]) -> Result<Vec<&'b Buffer>> {
    let each = slots.iter().zip(bound).map(|(slot, buffer)| {
        buffer.as_ref().ok_or_else(|| Error::Binding {
            role,
            name: slot.name.clone(),
            wanted: slot.ty.to_string(),
            given: "nothing".into(),
        })
    });
    each.collect()
}
