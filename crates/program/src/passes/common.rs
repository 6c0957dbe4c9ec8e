//! Common code: what is computed twice, and blocks that are there twice.

use super::dead::drop_blocks;
use super::intern::Interner;
use super::rewrite::Rewrite;
use crate::{Block, Node, Program, ValueId};
use std::collections::HashMap;

/// Computes each value of a block once, and keeps one of blocks that compute the same.
///
/// Every operation is pure, calls included, so two nodes are one where operation, attributes and operands are equal.
/// Work is not moved between blocks: what two blocks compute alike stays in both. A block that another one stands for
/// takes its parameters' names with it; names within a block bind nothing.
pub fn eliminate_common(program: Program) -> Program {
    let Program { version, blocks, sources } = program;
    let last = blocks.len().saturating_sub(1);
    let mut interner = Interner::default();
    let mut ids = Vec::with_capacity(blocks.len());
    for (index, mut block) in blocks.into_iter().enumerate() {
        for node in &mut block.nodes {
            if let Some(callee) = node.op.block() {
                node.op = node.op.clone().with_block(ids[callee.index()]);
            }
        }
        let block = merge_nodes(block);
        // The entry comes last, whatever else it equals.
        ids.push(if index == last { interner.push(block) } else { interner.intern(block) });
    }
    drop_blocks(Program { version, blocks: interner.blocks, sources })
}

fn merge_nodes(block: Block) -> Block {
    let (mut rewrite, nodes) = Rewrite::new(block);
    // Attributes hold floats, which have no hash: their text, which is exact, has one.
    let mut known: HashMap<(String, Vec<ValueId>), Vec<ValueId>> = HashMap::new();
    for node in nodes {
        let Node { op, inputs, outputs } = rewrite.updated(node);
        let key = (format!("{op:?}"), inputs.clone());
        match known.get(&key) {
            Some(earlier) => outputs.iter().zip(earlier).for_each(|(&new, &old)| rewrite.replace(new, old)),
            None => {
                known.insert(key, outputs.clone());
                rewrite.keep(Node { op, inputs, outputs });
            }
        }
    }
    rewrite.finish()
}

#[cfg(test)]
mod tests {
    use super::eliminate_common;
    use crate::{BlockId, DType, Program, TensorType};

    #[test]
    fn what_is_computed_twice_is_computed_once() {
        let program = Program::trace("test", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, 4]))?;
            let (a, b) = ((&x.silu()? + 1.0)?, (&x.silu()? + 1.0)?);
            let c = (&x.silu()? + 2.0)?;
            scope.output("y", &a.matmul(&b)?.matmul(&c)?)?;
            scope.output("z", &b)
        })
        .unwrap();
        assert_eq!(program.entry().nodes.len(), 14);
        let after = eliminate_common(program.clone());
        after.check().unwrap();
        let names: Vec<_> = after.entry().nodes.iter().map(|node| node.op.name()).collect();
        let sum = ["constant", "broadcast", "binary"];
        assert_eq!(names, [&["silu"], &sum[..], &sum[..], &["mat_mul", "mat_mul"]].concat());
        assert_eq!(after.entry().outputs[1].name, "z");
        assert_eq!(eliminate_common(after.clone()), after);
    }

    #[test]
    fn equal_blocks_and_their_equal_calls_become_one() {
        let mut program = Program::trace("test", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4]))?;
            let block = scope.block("block", &[x.ty()], |_, x| Ok(vec![x[0].silu()?]))?;
            let (a, b) = (block.call(scope, &[&x])?.remove(0), block.call(scope, &[&x])?.remove(0));
            scope.output("y", &(&a + &b)?)
        })
        .unwrap();
        // What a pass may leave behind: the same block twice.
        let mut copy = program.blocks[0].clone();
        copy.name = "copy".into();
        program.blocks.insert(1, copy);
        let op = program.blocks[2].nodes[1].op.clone();
        program.blocks[2].nodes[1].op = op.with_block(BlockId(1));
        program.check().unwrap();
        let after = eliminate_common(program);
        after.check().unwrap();
        assert_eq!(after.runs_of_blocks(), [1, 1]);
    }
}
