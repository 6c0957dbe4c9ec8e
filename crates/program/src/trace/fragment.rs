//! Blocks traced on their own: what passes splice into a Program.

use super::building::{Building, Tracing};
use super::scope::Scope;
use super::value::Value;
use crate::{Block, Port, Result, TensorType};
use std::rc::Rc;

/// Traces a block over arguments of the given types, without parameters and without calls.
pub(crate) fn fragment(
    name: &str,
    arguments: &[TensorType],
    build: impl FnOnce(&Scope, &[Value]) -> Result<Value>,
) -> Result<Block> {
    let building = Rc::new(Building::new(name, false));
    let mut inputs = Vec::with_capacity(arguments.len());
    for (i, ty) in arguments.iter().enumerate() {
        let mut block = building.block.borrow_mut();
        let value = block.push_value(ty.clone());
        block.inputs.push(Port { name: format!("argument_{i}"), value });
        inputs.push(Value::new(Rc::clone(&building), value, ty.clone()));
    }
    let result = build(&Scope::new(Rc::new(Tracing::default()), Rc::clone(&building)), &inputs)?;
    let port = Port { name: "result_0".into(), value: result.id() };
    building.block.borrow_mut().outputs.push(port);
    Ok(building.take().0)
}
