//! Mixed precision: operations of an f32 Program in a shorter type, by a rule.

use super::dead::drop_blocks;
use super::rewrite::Rewrite;
use crate::{Block, DType, Node, Op, Program, TensorType, ValueId, infer};
use std::collections::{HashMap, HashSet};

/// The type that an operation computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// The shorter one: operands are rounded to it.
    Lower,
    /// f32: operands are widened to it.
    Full,
    /// That of the widest operand. A constant is as wide as what it meets.
    Widest,
}

/// Computes operations of an f32 Program in `lower`, as PyTorch's autocast does: `rule` says of each in which type it
/// computes, and its result has that type until somebody needs another one.
///
/// A block's arguments and results keep their types, so blocks are cast within and called as before. Left alone are
/// Programs with a floating-point parameter that is not f32; blocks whose own operations read no parameter, such as a
/// scheduler's update around a model; blocks that an operation names; and operations on encoded parameters.
pub fn autocast(program: Program, lower: DType, rule: impl Fn(&Block, &Node) -> Precision) -> Program {
    let entry = program.entry();
    let mut params = entry.params.iter().map(|param| entry.ty(param.value).dtype);
    if params.any(|dtype| dtype.is_float() && dtype != DType::F32) {
        return program;
    }
    let nodes = program.blocks.iter().flat_map(|block| &block.nodes);
    let named: HashSet<_> =
        nodes.filter(|node| !matches!(node.op, Op::Call { .. })).filter_map(|node| node.op.block()).collect();
    let named: HashSet<_> = named.iter().map(|id| id.index()).collect();
    let Program { version, blocks, sources } = program;
    let cast = |(index, block): (usize, Block)| match !named.contains(&index) && reads_params(&block) {
        true => cast_block(block, lower, &rule),
        false => block,
    };
    let blocks = blocks.into_iter().enumerate().map(cast).collect();
    drop_blocks(Program { version, blocks, sources })
}

/// Whether an operation of the block itself, not of one that it calls, reads a parameter.
fn reads_params(block: &Block) -> bool {
    let params: HashSet<_> = block.params.iter().map(|param| param.value).collect();
    let own = block.nodes.iter().filter(|node| node.op.block().is_none());
    own.flat_map(|node| &node.inputs).any(|value| params.contains(value))
}

/// A block on its way.
struct Casting {
    rewrite: Rewrite,
    lower: DType,
    /// What a value is in another type.
    casts: HashMap<(ValueId, DType), ValueId>,
    /// Constants, and views of them.
    weak: HashSet<ValueId>,
}

fn cast_block(block: Block, lower: DType, rule: &impl Fn(&Block, &Node) -> Precision) -> Block {
    let before = block.clone();
    let (rewrite, nodes) = Rewrite::new(block);
    let mut casting = Casting { rewrite, lower, casts: HashMap::new(), weak: HashSet::new() };
    for node in nodes {
        casting.node(&before, node, rule);
    }
    for value in before.results() {
        let declared = casting.to(value, before.ty(value).dtype);
        casting.rewrite.replace(value, declared);
    }
    casting.rewrite.finish()
}

impl Casting {
    /// The dtype that a value of the old block has now.
    fn dtype(&self, value: ValueId) -> DType {
        self.rewrite.block().ty(self.rewrite.current(value)).dtype
    }

    /// A value of the old block in a type.
    fn to(&mut self, value: ValueId, dtype: DType) -> ValueId {
        let current = self.rewrite.current(value);
        if self.dtype(value) == dtype {
            return current;
        }
        if let Some(&known) = self.casts.get(&(current, dtype)) {
            return known;
        }
        let ty = TensorType::new(dtype, self.rewrite.block().ty(current).shape.clone());
        let cast = self.rewrite.add(Op::Cast { dtype }, vec![current], ty);
        self.casts.insert((current, dtype), cast);
        cast
    }

    fn node(&mut self, before: &Block, node: Node, rule: &impl Fn(&Block, &Node) -> Precision) {
        if node.inputs.iter().all(|value| self.weak.contains(value))
            && (node.op.is_view() || is_constant(&node))
        {
            self.weak.extend(&node.outputs);
        }
        let Some((inputs, ty)) = self.cast(before, &node, rule) else {
            let declared = |value: &ValueId| (*value, before.ty(*value).dtype);
            let operands: Vec<_> = node.inputs.iter().map(declared).collect();
            let inputs: Vec<_> = operands.into_iter().map(|(value, dtype)| self.to(value, dtype)).collect();
            let node = Node { inputs, ..node };
            return self.rewrite.add_as(node);
        };
        let Some(&output) = node.outputs.first() else { return };
        let new = self.rewrite.add(node.op, inputs, ty);
        self.rewrite.replace(output, new);
    }

    /// The operands in the type that the operation computes in, and what it gives then. None for what is left as it is.
    fn cast(
        &mut self,
        before: &Block,
        node: &Node,
        rule: &impl Fn(&Block, &Node) -> Precision,
    ) -> Option<(Vec<ValueId>, TensorType)> {
        let encoded = node.inputs.iter().any(|&value| !before.encoding(value).is_plain());
        let wide = |value: &ValueId| before.ty(*value).dtype == DType::F32;
        if encoded || node.op.block().is_some() || !node.inputs.iter().any(wide) {
            return None;
        }
        if matches!(node.op, Op::Cast { .. }) {
            // From whatever there is.
            let value = *node.inputs.first()?;
            let ty = node.outputs.first().map(|&output| before.ty(output).clone())?;
            return Some((vec![self.rewrite.current(value)], ty));
        }
        // A rotary embedding's angles are f32 in every type.
        let takes = if matches!(node.op, Op::RotaryEmbedding { .. }) { 1 } else { node.inputs.len() };
        let operands: Vec<_> = node.inputs.iter().take(takes).copied().filter(|value| wide(value)).collect();
        let mut strong = operands.iter().filter(|value| !self.weak.contains(value)).peekable();
        let widest = match strong.peek().is_some() && strong.all(|value| self.dtype(*value) == self.lower) {
            true => self.lower,
            false => DType::F32,
        };
        let dtype = match rule(before, node) {
            Precision::Lower => self.lower,
            Precision::Full => DType::F32,
            Precision::Widest => widest,
        };
        let typed: Vec<_> = node
            .inputs
            .iter()
            .enumerate()
            .map(|(place, value)| match place < takes && wide(value) {
                true => (*value, dtype),
                false => (*value, before.ty(*value).dtype),
            })
            .collect();
        let types: Vec<_> = typed
            .iter()
            .map(|(value, dtype)| TensorType::new(*dtype, before.ty(*value).shape.clone()))
            .collect();
        let ty = infer(&node.op, &types).ok()?.into_iter().next()?;
        Some((typed.into_iter().map(|(value, dtype)| self.to(value, dtype)).collect(), ty))
    }
}

fn is_constant(node: &Node) -> bool {
    matches!(node.op, Op::Constant { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Program;

    fn rule(_: &Block, node: &Node) -> Precision {
        match node.op {
            Op::Linear { .. } => Precision::Lower,
            Op::Softmax { .. } => Precision::Full,
            _ => Precision::Widest,
        }
    }

    fn traced(dtype: DType) -> Program {
        let program = Program::trace("model", |scope| {
            let scope = &scope.with_dtype(dtype);
            let x = scope.input("x", TensorType::new(dtype, [2, 4]))?;
            let state = scope.state("state", TensorType::new(dtype, [2, 4]))?;
            let layer = scope.block("layer", &[x.ty()], |scope, x| {
                let y = (&x[0].linear(&scope.param("w", &[4, 4])?, None)?.silu()? * 2.0)?;
                Ok(vec![(&y.softmax(1)? + &y)?])
            })?;
            let y = layer.call(&scope.child(0), &[&x])?.remove(0);
            scope.update(&state, &(state.value() + &y)?)?;
            scope.output("y", &y)
        });
        program.unwrap()
    }

    #[test]
    fn types_go_where_the_rule_sends_them() {
        let before = traced(DType::F32);
        let after = autocast(before.clone(), DType::Bf16, rule);
        after.check().unwrap();
        let layer = &after.blocks[0];
        let text = |node: &Node| format!("{} {}", node.op.name(), layer.ty(node.outputs[0]).dtype);
        let made: Vec<_> = layer.nodes.iter().map(text).collect();
        assert_eq!(
            made,
            [
                // x and the weight, and the product.
                "cast bf16",
                "cast bf16",
                "linear bf16",
                "silu bf16",
                // A constant is as wide as what it meets.
                "constant f32",
                "broadcast f32",
                "cast bf16",
                "binary bf16",
                // The softmax in f32, and so the sum.
                "cast f32",
                "softmax f32",
                "binary f32",
            ]
        );
        assert_eq!(after.entry(), before.entry(), "no parameter is read there: the state is added up in f32");
        assert_eq!(layer.ty(layer.outputs[0].value).dtype, DType::F32);
    }

    #[test]
    fn a_program_of_another_type_is_left_alone() {
        let before = traced(DType::Bf16);
        assert_eq!(autocast(before.clone(), DType::Bf16, |_, _| Precision::Full), before);
    }

    #[test]
    fn nothing_changes_where_the_rule_asks_for_f32() {
        let before = traced(DType::F32);
        let after = autocast(before.clone(), DType::Bf16, |_, _| Precision::Full);
        assert_eq!(after.hashes(), before.hashes());
    }
}
