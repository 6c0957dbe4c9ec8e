//! Tracing: a model is a plain function over [`Value`]s, run once to record what it does.

mod block_ref;
mod building;
mod fragment;
mod operators;
mod scope;
mod value;

pub use block_ref::BlockRef;
pub use scope::{Scope, StateRef};
pub use value::{Value, concat};

use crate::{Program, Result, TensorType, passes};
use building::{Building, Tracing};
pub(crate) use fragment::fragment;
use std::rc::Rc;

/// Types as messages list them.
pub(crate) fn list_types(types: &[TensorType]) -> String {
    let list: Vec<_> = types.iter().map(ToString::to_string).collect();
    format!("({})", list.join(", "))
}

impl Program {
    /// Traces a Program: `build` declares inputs, parameters, states and outputs on the [`Scope`] it is given, and
    /// computes one from the other. No arithmetic runs.
    ///
    /// What is traced but leads to no output or state is dropped, unused parameters included.
    pub fn trace(name: &str, build: impl FnOnce(&Scope) -> Result<()>) -> Result<Program> {
        let tracing = Rc::new(Tracing::default());
        let building = Rc::new(Building::new(name, true));
        build(&Scope::new(Rc::clone(&tracing), Rc::clone(&building)))?;
        let (entry, sources) = building.take();
        let mut blocks = tracing.take();
        blocks.push(entry);
        let program = Program { version: crate::program::FORMAT_VERSION, blocks, sources };
        let program = passes::eliminate_dead(program);
        program.check()?;
        Ok(program)
    }
}

#[cfg(test)]
mod tests;
