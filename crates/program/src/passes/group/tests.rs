use super::group_elementwise;
use crate::passes::decompose;
use crate::{Block, DType, Op, Program, Reduce, Result, Scope, TensorType, Unary, Value};

fn names(block: &Block) -> Vec<&str> {
    block.nodes.iter().map(|node| node.op.name()).collect()
}

fn f32(shape: &[usize]) -> TensorType {
    TensorType::new(DType::F32, shape)
}

fn trace(build: impl FnOnce(&Scope) -> Result<Value>) -> Program {
    Program::trace("test", |scope| scope.output("y", &build(scope)?)).unwrap()
}

fn grouped(program: &Program) -> Program {
    let after = group_elementwise(program.clone());
    after.check().unwrap();
    assert_eq!(group_elementwise(after.clone()), after, "what is grouped stays grouped");
    after
}

#[test]
fn a_chain_with_small_operands_becomes_one_node() {
    let before = trace(|scope| {
        let x = scope.input("x", f32(&[2, 3, 4]))?;
        let y = (&x * &scope.param("scale", &[4])?)?;
        (&(&y + &scope.param("shift", &[2, 1, 1])?)? * 0.5)?.silu()
    });
    assert_eq!(
        names(before.entry()),
        ["broadcast", "binary", "broadcast", "binary", "constant", "broadcast", "binary", "silu"]
    );
    let after = grouped(&before);
    assert_eq!(names(after.entry()), ["elementwise"]);
    let body = &after.blocks[0];
    assert_eq!(body.name, "mul_add_mul_silu");
    let shapes: Vec<_> = body.inputs.iter().map(|port| body.ty(port.value).shape.clone()).collect();
    assert_eq!(shapes, [vec![2, 3, 4], vec![4], vec![2, 1, 1]]);
    for value in body.nodes.iter().filter(|n| !matches!(n.op, Op::Constant { .. })).map(|n| n.outputs[0]) {
        assert_eq!(body.ty(value).shape, [2, 3, 4]);
    }
}

#[test]
fn equal_groups_share_a_block() {
    let before = trace(|scope| {
        let mut x = scope.input("x", f32(&[4, 4]))?;
        for i in 0..3 {
            x = (&x.matmul(&scope.param(&format!("w{i}"), &[4, 4])?)? + 1.0)?.silu()?;
        }
        Ok(x)
    });
    let after = grouped(&before);
    assert_eq!(after.blocks.len(), 2);
    assert_eq!(after.runs_of_blocks(), [3, 1]);
}

#[test]
fn a_value_with_two_readers_is_computed_once() {
    let before = trace(|scope| {
        let x = scope.input("x", f32(&[4, 4]))?;
        // Read by a reduction and by a group: it is written to memory, so it ends a group.
        let y = x.silu()?;
        (&y - &y.reduce(Reduce::Max, &[1])?)?.unary(Unary::Exp)
    });
    assert_eq!(names(grouped(&before).entry()), ["elementwise", "reduce", "elementwise"]);
    // Both readers in one group: no need.
    let before = trace(|scope| {
        let y = scope.input("x", f32(&[4, 4]))?.silu()?;
        &y * &y.unary(Unary::Exp)?
    });
    assert_eq!(names(grouped(&before).entry()), ["elementwise"]);
}

#[test]
fn a_small_operation_is_not_repeated_for_every_element() {
    let before = trace(|scope| {
        let small = scope.input("small", f32(&[1, 4]))?.silu()?;
        &scope.input("x", f32(&[8, 4]))? * &small
    });
    let after = grouped(&before);
    assert_eq!(names(after.entry()), ["elementwise", "elementwise"]);
    assert_eq!(after.entry().ty(after.entry().nodes[0].outputs[0]).shape, [1, 4]);
}

#[test]
fn a_broadcast_that_others_read_stays_and_results_end_groups() {
    let before = Program::trace("test", |scope| {
        let x = scope.input("x", f32(&[1, 4]))?.broadcast_to(&[4, 4])?;
        let y = (&x + 1.0)?;
        scope.output("y", &y)?;
        scope.output("z", &x.matmul(&y.silu()?)?)
    })
    .unwrap();
    let after = grouped(&before);
    assert_eq!(names(after.entry()), ["broadcast", "elementwise", "elementwise", "mat_mul"]);
    assert_eq!(after.blocks[0].ty(after.blocks[0].inputs[0].value).shape, [1, 4]);
}

#[test]
fn called_blocks_are_grouped_each_on_its_own() {
    let before = trace(|scope| {
        let x = scope.input("x", f32(&[2, 4]))?;
        let block = scope.block("block", &[x.ty()], |scope, x| {
            Ok(vec![(&x[0].layer_norm(None, 1e-5)? * &scope.param("w", &[4])?)?.silu()?])
        })?;
        let y = block.call(&scope.child(0), &[&(&x + 1.0)?])?;
        Ok(block.call(&scope.child(1), &[&y[0]])?.remove(0))
    });
    let after = grouped(&decompose(before, |_, _| false).unwrap());
    let Some(block) = after.blocks.iter().find(|block| block.name == "block") else { return };
    assert_eq!(
        names(block),
        ["reduce", "elementwise", "elementwise", "reduce", "elementwise", "elementwise"]
    );
    assert_eq!(names(after.entry()), ["elementwise", "call", "call"]);
}
