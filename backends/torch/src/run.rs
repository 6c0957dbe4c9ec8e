//! One run of a Program: blocks evaluated node by node, each result let go after its last use.

use crate::context::Context;
use crate::ops;
use crate::plan::{Dying, Plan};
use std::ops::Deref;
use std::rc::Rc;
use tch::Tensor;
use tintype_accel::{Error, Result};
use tintype_program::{Block, Node, Op, ValueId};

/// A value while a run lasts.
#[derive(Clone)]
pub(crate) struct Value<'r> {
    tensor: Held<'r>,
    /// Whether it may lie in memory that the run writes when it ends.
    pub(crate) is_written: bool,
}

#[derive(Clone)]
enum Held<'r> {
    Given(&'r Tensor),
    Made(Rc<Tensor>),
}

impl<'r> Value<'r> {
    /// A tensor that the run is given; `is_written` where the run writes its memory.
    pub(crate) fn given(tensor: &'r Tensor, is_written: bool) -> Self {
        Self { tensor: Held::Given(tensor), is_written }
    }
}

impl Deref for Value<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        match &self.tensor {
            Held::Given(tensor) => tensor,
            Held::Made(tensor) => tensor,
        }
    }
}

/// A run of a plan on a device.
pub(crate) struct Run<'r> {
    pub(crate) context: &'r Context,
    pub(crate) plan: &'r Plan,
    /// Operations that were run.
    pub(crate) launches: u64,
}

impl<'r> Run<'r> {
    /// Evaluates a block: its outputs, then what states become, from its inputs, parameters, then states.
    pub(crate) fn block(&mut self, index: usize, arguments: Vec<Value<'r>>) -> Result<Vec<Value<'r>>> {
        let plan = self.plan;
        let block = plan.program.blocks.get(index).ok_or_else(|| self.broken("there is no such block"))?;
        let mut values: Vec<Option<Value<'r>>> = vec![None; block.values.len()];
        let states = block.states.iter().map(|state| state.value);
        for (value, argument) in block.arguments().chain(states).zip(arguments) {
            self.put(&mut values, value, argument)?;
        }
        for (node, dying) in plan.nodes(index) {
            for (&value, result) in node.outputs.iter().zip(self.node(block, node, dying, &mut values)?) {
                if !dying.results.contains(&value.index()) {
                    self.put(&mut values, value, result)?;
                }
            }
        }
        let results = block.results().map(|value| self.get(&values, value));
        results.collect()
    }

    /// The results of a node. What dies there is gone from `values` then.
    fn node(
        &mut self,
        block: &'r Block,
        node: &'r Node,
        dying: &Dying,
        values: &mut [Option<Value<'r>>],
    ) -> Result<Vec<Value<'r>>> {
        let operands = node.inputs.iter().map(|&value| self.get(values, value));
        let operands = operands.collect::<Result<Vec<_>>>()?;
        // The operands are the only ones that hold what dies, so that a callee can let go of it before it returns.
        for value in &dying.operands {
            if let Some(place) = values.get_mut(*value) {
                *place = None;
            }
        }
        match &node.op {
            Op::Call { block: callee } | Op::Elementwise { block: callee } => {
                self.block(callee.index(), operands)
            }
            Op::Custom { decomposition, .. } => self.block(decomposition.index(), operands),
            op => {
                self.launches += 1;
                let tensors: Vec<&Tensor> = operands.iter().map(|value| &**value).collect();
                let made = ops::run(self.context, block, node, &tensors);
                let made = made.map_err(|error| self.explain(error, block, node))?;
                // Only what moves nothing may give the memory of an operand as it is.
                let is_written = ops::may_share(op) && operands.iter().any(|value| value.is_written);
                Ok(vec![Value { tensor: Held::Made(Rc::new(made)), is_written }])
            }
        }
    }

    fn explain(&self, error: tch::TchError, block: &Block, node: &Node) -> Error {
        let at = |reason: String| {
            let operands: Vec<_> = node.inputs.iter().map(|&value| block.ty(value).to_string()).collect();
            format!("{} of ({}) in block `{}`: {reason}", node.op.name(), operands.join(", "), block.name)
        };
        match self.context.told(error) {
            Error::Device { device, reason } => Error::Device { device, reason: at(reason) },
            Error::DriverOutOfMemory { device, reason } => {
                Error::DriverOutOfMemory { device, reason: at(reason) }
            }
            other => other,
        }
    }

    fn get(&self, values: &[Option<Value<'r>>], value: ValueId) -> Result<Value<'r>> {
        let found = values.get(value.index()).and_then(Option::clone);
        found.ok_or_else(|| self.broken(&format!("value {} is not there", value.index())))
    }

    fn put(&self, values: &mut [Option<Value<'r>>], value: ValueId, given: Value<'r>) -> Result<()> {
        match values.get_mut(value.index()) {
            Some(place) => *place = Some(given),
            None => return Err(self.broken(&format!("value {} has no place", value.index()))),
        }
        Ok(())
    }

    fn broken(&self, reason: &str) -> Error {
        Error::Internal { backend: self.context.device.backend.into(), reason: reason.into() }
    }
}
