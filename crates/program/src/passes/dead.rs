//! Dead code: nodes, parameters and blocks that no output and no state depends on.

use crate::{Block, BlockId, Program};

/// Drops what no result depends on: nodes, then values, then parameters of the entry, then blocks.
///
/// A called block keeps its parameters, used or not: its signature is shared by its callers. Inputs are kept: they
/// are what the caller binds.
pub fn eliminate_dead(mut program: Program) -> Program {
    for block in &mut program.blocks {
        drop_nodes(block);
    }
    drop_entry_params(&mut program);
    for block in &mut program.blocks {
        drop_values(block);
    }
    drop_blocks(program)
}

fn drop_nodes(block: &mut Block) {
    let used = block.used_values();
    block.nodes.retain(|node| node.outputs.iter().any(|value| used[value.index()]));
}

fn drop_entry_params(program: &mut Program) {
    let Some(entry) = program.blocks.last_mut() else { return };
    let used = entry.used_values();
    let keep: Vec<bool> = entry.params.iter().map(|param| used[param.value.index()]).collect();
    let mut flags = keep.iter().copied();
    entry.params.retain(|_| flags.next().unwrap_or(true));
    let mut flags = keep.iter().copied();
    program.sources.retain(|_| flags.next().unwrap_or(true));
}

/// Renumbers values by the order in which they are defined.
pub(super) fn drop_values(block: &mut Block) {
    let mut number = vec![None; block.values.len()];
    let mut values = Vec::new();
    let defined: Vec<_> = block
        .arguments()
        .chain(block.states.iter().map(|state| state.value))
        .chain(block.nodes.iter().flat_map(|node| node.outputs.iter().copied()))
        .collect();
    for value in defined {
        number[value.index()] = Some(crate::ValueId(values.len() as u32));
        values.push(block.values[value.index()].clone());
    }
    let renumber = |value: &mut crate::ValueId| *value = number[value.index()].unwrap_or(*value);
    block.inputs.iter_mut().for_each(|port| renumber(&mut port.value));
    block.params.iter_mut().for_each(|param| renumber(&mut param.value));
    block.outputs.iter_mut().for_each(|port| renumber(&mut port.value));
    for state in &mut block.states {
        renumber(&mut state.value);
        renumber(&mut state.next);
    }
    for node in &mut block.nodes {
        node.inputs.iter_mut().chain(&mut node.outputs).for_each(renumber);
    }
    block.values = values;
}

/// Drops blocks that the entry does not reach.
pub(super) fn drop_blocks(mut program: Program) -> Program {
    let runs = program.runs_of_blocks();
    let mut number = vec![BlockId(0); program.blocks.len()];
    let mut kept = Vec::with_capacity(program.blocks.len());
    for (index, mut block) in program.blocks.drain(..).enumerate() {
        if runs[index] == 0 {
            continue;
        }
        for node in &mut block.nodes {
            if let Some(callee) = node.op.block() {
                node.op = node.op.clone().with_block(number[callee.index()]);
            }
        }
        number[index] = BlockId(kept.len() as u32);
        kept.push(block);
    }
    program.blocks = kept;
    program
}

#[cfg(test)]
mod tests {
    use crate::{DType, Program, TensorType};

    #[test]
    fn what_leads_nowhere_is_dropped() {
        let program = Program::trace("dead", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [2]))?;
            let unused =
                scope.block("unused", &[x.ty()], |scope, x| Ok(vec![(&x[0] * &scope.param("w", &[2])?)?]))?;
            unused.call(&scope.child("a"), &[&x])?;
            scope.param("never", &[2])?;
            scope.output("y", &(&x * &scope.param("scale", &[2])?)?)
        })
        .unwrap();
        assert_eq!(program.blocks.len(), 1);
        assert_eq!(program.entry().params.len(), 1);
        assert_eq!(program.entry().params[0].name, "scale");
        assert_eq!(program.entry().nodes.len(), 1);
        assert_eq!(program.entry().values.len(), 3);
    }
}
