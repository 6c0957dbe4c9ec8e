//! A Program as it is run: its blocks, and where each value is used for the last time.

use tintype_program::{Block, Node, Op, Program};

/// A Program, ready to be run operation by operation. Nothing is compiled.
pub(crate) struct Plan {
    pub(crate) program: Program,
    /// By block.
    dying: Vec<Vec<Dying>>,
}

/// Values, by index, whose last use is at a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dying {
    /// Operands.
    pub(crate) operands: Vec<usize>,
    /// Results, which nobody uses.
    pub(crate) results: Vec<usize>,
}

impl Plan {
    /// A plan of a checked Program.
    pub(crate) fn of(program: &Program) -> Self {
        let dying = program.blocks.iter().map(dying).collect();
        Self { program: program.clone(), dying }
    }

    /// The nodes of a block, each with what dies there.
    pub(crate) fn nodes(&self, block: usize) -> impl Iterator<Item = (&Node, &Dying)> {
        let nodes = self.program.blocks.get(block).map_or(&[][..], |block| &block.nodes);
        nodes.iter().zip(self.dying.get(block).map_or(&[][..], |dying| dying))
    }

    /// What attention becomes in the Program, each once.
    pub(crate) fn attention(&self) -> Vec<String> {
        let nodes = || self.program.blocks.iter().flat_map(|block| &block.nodes);
        let with = |mask: bool| {
            nodes().any(|node| matches!(node.op, Op::Attention { .. }) && (node.inputs.len() > 3) == mask)
        };
        let known = [(with(false), "scaled_dot_product_attention"), (with(true), "composed")];
        known.into_iter().filter(|(there, _)| *there).map(|(_, name)| name.to_owned()).collect()
    }
}

/// What dies at each node of a block. Results of the block never do, nor does what no node uses: arguments are the caller's.
fn dying(block: &Block) -> Vec<Dying> {
    let mut dying = vec![Dying::default(); block.nodes.len()];
    let mut seen = vec![false; block.values.len()];
    let mut see = |value: usize| seen.get_mut(value).is_some_and(|seen| !std::mem::replace(seen, true));
    block.results().for_each(|value| {
        see(value.index());
    });
    for (node, dying) in block.nodes.iter().zip(&mut dying).rev() {
        // Before the operands: a result is never its own operand, and stands in no earlier node.
        dying.results.extend(node.outputs.iter().map(|value| value.index()).filter(|&value| see(value)));
        dying.operands.extend(node.inputs.iter().map(|value| value.index()).filter(|&value| see(value)));
    }
    dying
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tintype_program::{DType, TensorType};

    #[test]
    fn values_die_where_they_are_used_last_and_results_never_do() {
        let program = Program::trace("chain", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, 4]))?;
            let y = x.matmul(&x)?;
            scope.output("y", &y.matmul(&x)?)
        });
        let mut program = program.unwrap();
        // Tracing leaves out what nobody uses.
        let entry = program.blocks.last_mut().unwrap();
        let y = entry.nodes[0].outputs[0];
        let unused = entry.push_value(entry.ty(y).clone());
        entry.nodes.insert(1, Node { op: Op::Silu, inputs: vec![y], outputs: vec![unused] });
        program.check().unwrap();
        let plan = Plan::of(&program);
        let dying: Vec<_> = plan.nodes(program.entry_id().index()).map(|(_, dying)| dying.clone()).collect();
        let at = |node: usize| program.entry().nodes[node].outputs[0].index();
        let x = program.entry().inputs[0].value.index();
        assert_eq!(dying.len(), 3, "{program:?}");
        assert_eq!(dying[0], Dying::default());
        assert_eq!(dying[1], Dying { operands: vec![], results: vec![at(1)] });
        assert_eq!(dying[2], Dying { operands: vec![at(0), x], results: vec![] });
    }
}
