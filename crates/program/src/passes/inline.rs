//! Inlining: one flat block for plugins that want no calls.

use super::dead::drop_blocks;
use super::rewrite::Rewrite;
use crate::{Block, BlockId, Error, Op, Program, Result, check::MAX_ITEMS};

/// Puts the nodes of every called block in the place of its calls, so that no [`Op::Call`] is left.
///
/// What [`Op::Elementwise`] and [`Op::Custom`] name stays a block of its own: those are operations with a body, not
/// calls. Fails where the flat block would be too large to be a Program.
pub fn inline(program: Program) -> Result<Program> {
    inline_where(program, |_| true)
}

/// As [`inline`], of the calls only of those blocks that `wanted` names; the other calls stay.
pub fn inline_where(program: Program, wanted: impl Fn(BlockId) -> bool) -> Result<Program> {
    let Program { version, blocks, sources } = program;
    let mut flat: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let (mut rewrite, nodes) = Rewrite::new(block);
        for node in nodes {
            match node.op {
                Op::Call { block } if wanted(block) => rewrite.splice(&node, &flat[block.index()]),
                _ => rewrite.keep(node),
            }
            let block = rewrite.block();
            if block.values.len().max(block.nodes.len()) > MAX_ITEMS {
                let reason = format!("inlined, it has more than {MAX_ITEMS} values or nodes");
                return Err(Error::Invalid { block: block.name.clone(), reason });
            }
        }
        flat.push(rewrite.finish());
    }
    Ok(drop_blocks(Program { version, blocks: flat, sources }))
}

impl Program {
    /// The same Program as one flat block: see [`crate::passes::inline`].
    pub fn inlined(&self) -> Result<Program> {
        inline(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::{DType, Op, Program, TensorType};

    #[test]
    fn calls_of_calls_become_one_flat_block() {
        let program = Program::trace("nested", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [2, 4]))?;
            let outer = scope.block("outer", &[x.ty()], |scope, x| {
                let inner = scope.block("inner", &[x[0].ty()], |scope, x| {
                    Ok(vec![x[0].linear(&scope.param("weight", &[4, 4])?, None)?, x[0].clone()])
                })?;
                let y = inner.call(&scope.child("a"), &[&x[0]])?;
                // The second result is the argument itself.
                inner.call(&scope.child("b"), &[&(&y[0] + &y[1])?])
            })?;
            let y = outer.call(&scope.child(0), &[&x])?;
            let y = outer.call(&scope.child(1), &[&y[0]])?;
            scope.output("y", &y[0])?;
            scope.output("z", &y[1])
        })
        .unwrap();
        assert_eq!(program.blocks.len(), 3);
        let flat = program.inlined().unwrap();
        flat.check().unwrap();
        assert_eq!(flat.blocks.len(), 1);
        assert_eq!(flat.entry().params, program.entry().params);
        let linears = flat.entry().nodes.iter().filter(|node| matches!(node.op, Op::Linear { .. }));
        assert_eq!(linears.count(), 4);
        assert_eq!(flat.entry().nodes.len(), 6);
        assert_eq!(flat.inlined().unwrap(), flat, "a flat program stays as it is");
    }
}
