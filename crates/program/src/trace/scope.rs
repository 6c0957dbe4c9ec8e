//! Where a model declares what it is given and what it gives.

use super::block_ref::BlockRef;
use super::building::{Building, Tracing};
use super::value::Value;
use crate::{
    Attribute, DType, Encoding, Error, Node, Op, Port, Result, Source, State, TensorType, error::here,
};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;
use std::rc::Rc;

/// The block being traced, a prefix for parameter names, and the dtype that parameters have unless they say otherwise.
///
/// Scopes are cheap handles: `scope.child("attn")` names parameters `attn.…` in the same block.
#[derive(Clone)]
pub struct Scope {
    tracing: Rc<Tracing>,
    building: Rc<Building>,
    prefix: String,
    dtype: DType,
}

/// A state of the entry: see [`Scope::state`].
pub struct StateRef {
    building: Rc<Building>,
    index: usize,
    value: Value,
}

impl StateRef {
    /// The content when the run starts.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl Scope {
    pub(super) fn new(tracing: Rc<Tracing>, building: Rc<Building>) -> Self {
        Self { tracing, building, prefix: String::new(), dtype: DType::F32 }
    }

    /// The same block, with `name.` before every parameter's name.
    pub fn child(&self, name: impl Display) -> Scope {
        Scope { prefix: format!("{}{name}.", self.prefix), ..self.clone() }
    }

    /// The dtype of parameters declared here. f32 unless set.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The same scope with another dtype for parameters.
    pub fn with_dtype(&self, dtype: DType) -> Scope {
        Scope { dtype, ..self.clone() }
    }

    /// `name` behind this scope's prefix: what a parameter declared here is called.
    pub fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A parameter of this scope's dtype, loaded from the checkpoint's tensor of the same full name.
    pub fn param(&self, name: &str, shape: &[usize]) -> Result<Value> {
        self.param_from(name, TensorType::new(self.dtype, shape), Encoding::Plain, None)
    }

    /// A parameter with its type, encoding and source spelled out. Without a source it is loaded by its full name;
    /// names within a source are prefixed by this scope.
    pub fn param_from(
        &self,
        name: &str,
        ty: TensorType,
        encoding: Encoding,
        source: Option<Source>,
    ) -> Result<Value> {
        let source = source.unwrap_or_else(|| Source::load(name)).with_names(&|name| self.full_name(name));
        let id = self.building.param(self.full_name(name), ty.clone(), encoding, source)?;
        Ok(Value::new(Rc::clone(&self.building), id, ty))
    }

    /// An input of the Program. Blocks get theirs as arguments: see [`Scope::block`].
    pub fn input(&self, name: &str, ty: TensorType) -> Result<Value> {
        self.declare_at_entry("input", name)?;
        ty.check().map_err(|reason| self.refuse("input", name, reason))?;
        let mut block = self.building.block.borrow_mut();
        let value = block.push_value(ty.clone());
        block.inputs.push(Port { name: name.into(), value });
        Ok(Value::new(Rc::clone(&self.building), value, ty))
    }

    /// A state of the Program: a buffer of the caller's that each run reads, and that [`Scope::update`] changes.
    pub fn state(&self, name: &str, ty: TensorType) -> Result<StateRef> {
        self.declare_at_entry("state", name)?;
        ty.check().map_err(|reason| self.refuse("state", name, reason))?;
        let mut block = self.building.block.borrow_mut();
        let value = block.push_value(ty.clone());
        let index = block.states.len();
        block.states.push(State { name: name.into(), value, next: value });
        let value = Value::new(Rc::clone(&self.building), value, ty);
        Ok(StateRef { building: Rc::clone(&self.building), index, value })
    }

    /// Says what a state holds when the run ends. The last call counts.
    #[track_caller]
    pub fn update(&self, state: &StateRef, next: &Value) -> Result<()> {
        self.own(next, Location::caller())?;
        if !Rc::ptr_eq(&state.building, &self.building) || next.ty() != state.value.ty() {
            let reason = format!("it is {}, its new content {}", state.value.ty(), next.ty());
            return Err(self.refuse("state", "update", reason));
        }
        if let Some(state) = self.building.block.borrow_mut().states.get_mut(state.index) {
            state.next = next.id();
        }
        Ok(())
    }

    /// An output of the Program.
    #[track_caller]
    pub fn output(&self, name: &str, value: &Value) -> Result<()> {
        self.declare_at_entry("output", name)?;
        self.own(value, Location::caller())?;
        self.building.block.borrow_mut().outputs.push(Port { name: name.into(), value: value.id() });
        Ok(())
    }

    /// A scalar.
    #[track_caller]
    pub fn constant(&self, value: f64, dtype: DType) -> Result<Value> {
        Value::record(&self.building, Op::Constant { value, dtype }, &[], Location::caller())
    }

    /// Traces a block once, to be called many times. `build` gets a scope of its own, in which names start afresh, and
    /// the arguments; what it returns are the block's outputs.
    pub fn block(
        &self,
        name: &str,
        arguments: &[&TensorType],
        build: impl FnOnce(&Scope, &[Value]) -> Result<Vec<Value>>,
    ) -> Result<BlockRef> {
        let building = Rc::new(Building::new(name, false));
        let scope = Scope {
            tracing: Rc::clone(&self.tracing),
            building: Rc::clone(&building),
            prefix: String::new(),
            dtype: self.dtype,
        };
        let mut inputs = Vec::with_capacity(arguments.len());
        for (i, &ty) in arguments.iter().enumerate() {
            let mut block = building.block.borrow_mut();
            let value = block.push_value(ty.clone());
            block.inputs.push(Port { name: format!("argument_{i}"), value });
            inputs.push(Value::new(Rc::clone(&building), value, ty.clone()));
        }
        for (i, value) in build(&scope, &inputs)?.iter().enumerate() {
            scope.own(value, Location::caller())?;
            let port = Port { name: format!("result_{i}"), value: value.id() };
            building.block.borrow_mut().outputs.push(port);
        }
        let (block, sources) = building.take();
        let params =
            block.params.iter().map(|p| (p.name.clone(), block.ty(p.value).clone(), p.encoding.clone()));
        let params =
            params.zip(sources).map(|((name, ty, encoding), source)| (name, ty, encoding, source)).collect();
        let results = block.outputs.iter().map(|port| block.ty(port.value).clone()).collect();
        let arguments = arguments.iter().map(|&ty| ty.clone()).collect();
        let id = self.tracing.intern(block);
        Ok(BlockRef { tracing: Rc::clone(&self.tracing), id, name: name.into(), arguments, params, results })
    }

    /// A custom operation: `build` traces its decomposition over arguments of the operands' types, without parameters.
    #[track_caller]
    pub fn custom(
        &self,
        name: &str,
        attributes: BTreeMap<String, Attribute>,
        operands: &[&Value],
        build: impl FnOnce(&Scope, &[Value]) -> Result<Vec<Value>>,
    ) -> Result<Vec<Value>> {
        let location = Location::caller();
        let types: Vec<_> = operands.iter().map(|value| value.ty()).collect();
        let decomposition = self.block(name, &types, build)?;
        if !decomposition.params.is_empty() {
            let reason = "a custom operation declares parameters; pass them as operands".into();
            return Err(self.refuse("parameter", &decomposition.params[0].0, reason));
        }
        let op = Op::Custom { name: name.into(), attributes, decomposition: decomposition.id };
        self.record_call(op, operands, &[], &decomposition.results, location)
    }

    pub(super) fn tracing(&self) -> &Rc<Tracing> {
        &self.tracing
    }

    /// Records a node whose result types are known.
    pub(super) fn record_call(
        &self,
        op: Op,
        operands: &[&Value],
        params: &[Value],
        results: &[TensorType],
        location: &'static Location<'static>,
    ) -> Result<Vec<Value>> {
        let all = || operands.iter().copied().chain(params);
        for value in all() {
            self.own(value, location)?;
        }
        let mut block = self.building.block.borrow_mut();
        let outputs: Vec<_> = results.iter().map(|ty| block.push_value(ty.clone())).collect();
        block.nodes.push(Node { op, inputs: all().map(Value::id).collect(), outputs: outputs.clone() });
        drop(block);
        let value = |(id, ty): (_, &TensorType)| Value::new(Rc::clone(&self.building), id, ty.clone());
        Ok(outputs.into_iter().zip(results).map(value).collect())
    }

    /// Refuses a value of another block.
    pub(super) fn own(&self, value: &Value, location: &Location<'_>) -> Result<()> {
        value.check_owner(&self.building, || here(location))
    }

    fn declare_at_entry(&self, what: &'static str, name: &str) -> Result<()> {
        if !self.building.is_entry {
            let reason = "only a Program's entry declares it; a block gets arguments and hands back results";
            return Err(self.refuse(what, name, reason.into()));
        }
        let block = self.building.block.borrow();
        let known = match what {
            "output" => block.outputs.iter().any(|port| port.name == name),
            _ => {
                block.inputs.iter().any(|port| port.name == name)
                    || block.states.iter().any(|state| state.name == name)
            }
        };
        if known { Err(self.refuse(what, name, "the name is taken".into())) } else { Ok(()) }
    }

    fn refuse(&self, what: &'static str, name: &str, reason: String) -> Error {
        Error::Declaration { what, name: self.full_name(name), block: self.building.name.clone(), reason }
    }
}
