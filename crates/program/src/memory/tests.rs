mod replay;

use super::{BlockPlan, Need, Place, Scratch, Storage, plan};
use crate::{Block, DType, Node, Op, Program, Reduce, Result, Scope, TensorType, Value};

fn f32(shape: &[usize]) -> TensorType {
    TensorType::new(DType::F32, shape)
}

fn trace(build: impl FnOnce(&Scope) -> Result<()>) -> Program {
    Program::trace("test", build).unwrap()
}

/// What a plugin with strided views and elementwise loops asks for.
fn strided(_: &Block, node: &Node) -> Need {
    let storage = match node.op {
        _ if node.op.is_view() => Storage::View { operand: 0 },
        _ if node.op.is_elementwise() => Storage::InPlace { operands: vec![0, 1] },
        _ => Storage::Fresh,
    };
    Need::fresh(&node.op).with_storage(storage)
}

fn entry(program: &Program, need: impl Fn(&Block, &Node) -> Need) -> BlockPlan {
    plan(program, 64, need).pop().unwrap()
}

fn place(program: &Program, plan: &BlockPlan, node: usize) -> Place {
    plan.places[program.entry().nodes[node].outputs[0].index()]
}

#[test]
fn a_chain_takes_two_buffers_or_one_in_place() {
    let program = trace(|scope| {
        let mut x = scope.input("x", f32(&[64]))?;
        for _ in 0..6 {
            x = x.silu()?;
        }
        scope.output("y", &x)
    });
    let fresh = entry(&program, |_, node| Need::fresh(&node.op));
    assert_eq!(fresh.size, 512);
    assert_eq!(place(&program, &fresh, 5), Place::Result { position: 0 });
    assert!(fresh.copies.is_empty());
    // The first node cannot write over the input; the rest is one buffer, which is the result's.
    let in_place = entry(&program, strided);
    assert_eq!(in_place.size, 0);
    assert_eq!(place(&program, &in_place, 0), Place::Result { position: 0 });
}

#[test]
fn views_keep_their_operand_alive() {
    let program = trace(|scope| {
        let x = scope.input("x", f32(&[8, 8]))?.silu()?;
        let view = x.transpose(&[1, 0])?;
        let y = x.reduce(Reduce::Max, &[0, 1])?;
        let z = y.matmul(&y)?;
        scope.output("z", &(&view * &z)?)
    });
    let made = entry(&program, strided);
    assert_eq!(place(&program, &made, 1), Place::View { of: program.entry().nodes[0].outputs[0] });
    let offsets: Vec<_> = [0, 2, 3].map(|node| place(&program, &made, node)).to_vec();
    assert_eq!(offsets[0], Place::Arena { offset: 0 });
    assert!(offsets[1] != offsets[0] && offsets[2] != offsets[0], "the transposed view is read last");
}

#[test]
fn a_callee_s_arena_is_scratch_of_the_call() {
    let block = |scope: &Scope, ty: &TensorType| {
        scope.block("block", &[ty], |_, x| Ok(vec![x[0].silu()?.reduce(Reduce::Sum, &[0])?, x[0].silu()?]))
    };
    let program = trace(|scope| {
        let x = scope.input("x", f32(&[64]))?;
        let block = block(scope, x.ty())?;
        let y = block.call(&scope.child(0), &[&x])?;
        let y = block.call(&scope.child(1), &[&y[1]])?;
        scope.output("y", &y[0])
    });
    let plans = plan(&program, 64, |_, node| Need::fresh(&node.op));
    assert_eq!(plans[0].size, 256, "one inner value; results are the caller's");
    let entry = &plans[1];
    // Two results and an argument of the second call live at once, with the callee's arena beside them.
    assert_eq!(entry.size, 256 * 3);
    assert!(entry.scratch.iter().all(Option::is_some));
    let none = plan(&program, 64, |_, n| Need::fresh(&n.op).with_scratch(Scratch::Bytes(0)));
    assert_eq!(none[1].size, 256 * 2);
}

#[test]
fn results_that_are_no_fresh_values_are_copied() {
    let program = trace(|scope| {
        let x = scope.input("x", f32(&[4, 4]))?;
        let block = scope.block("block", &[x.ty()], |_, x| {
            let y = x[0].silu()?;
            Ok(vec![x[0].clone(), y.reshape(&[16])?, y.clone(), y.transpose(&[1, 0])?])
        })?;
        for (i, value) in block.call(scope, &[&x])?.iter().enumerate() {
            scope.output(&i.to_string(), value)?;
        }
        Ok(())
    });
    let made = &plan(&program, 64, strided)[0];
    let silu = program.blocks[0].nodes[0].outputs[0];
    assert_eq!(made.places[silu.index()], Place::Result { position: 1 }, "a reshape of it is result 1");
    assert_eq!(made.copies.iter().map(|copy| copy.to).collect::<Vec<_>>(), [0, 2, 3]);
    assert_eq!(made.size, 0);
}

fn states(build: impl FnOnce(&Value, &Value) -> Result<[Value; 2]>) -> Program {
    trace(|scope| {
        let (a, b) = (scope.state("a", f32(&[64]))?, scope.state("b", f32(&[64]))?);
        let [next_a, next_b] = build(a.value(), b.value())?;
        scope.update(&a, &next_a)?;
        scope.update(&b, &next_b)
    })
}

#[test]
fn states_are_written_in_place_once_nothing_reads_them() {
    let update = states(|a, b| Ok([(a + b)?, b.clone()]));
    let fresh = entry(&update, |_, node| Need::fresh(&node.op));
    assert_eq!(fresh.copies.len(), 1, "the sum reads what it would overwrite");
    let in_place = entry(&update, strided);
    assert_eq!(place(&update, &in_place, 0), Place::Result { position: 0 });
    assert!(in_place.copies.is_empty() && in_place.size == 0);

    // The second node is the first that may write over a, and b is read no more after it.
    let later = states(|a, b| {
        let sum = (a + b)?;
        Ok([sum.silu()?, sum.unary(crate::Unary::Abs)?])
    });
    let made = entry(&later, |_, node| Need::fresh(&node.op));
    assert!(made.copies.is_empty());
    assert_eq!(made.size, 256);
}

#[test]
fn a_history_is_shifted_through_a_stage() {
    // a becomes b and b becomes a: no order of two copies does it.
    let swap = states(|a, b| Ok([b.clone(), a.clone()]));
    let made = entry(&swap, strided);
    assert_eq!(made.copies.len(), 2);
    assert!(made.copies.iter().all(|copy| copy.stage.is_some()));
    assert_eq!(made.size, 512);
    // b becomes a, a becomes new: a may be overwritten only after it was copied.
    let shift = states(|a, _| Ok([a.silu()?, a.clone()]));
    let made = entry(&shift, strided);
    assert_eq!(made.copies.iter().map(|copy| copy.to).collect::<Vec<_>>(), [0, 1]);
    assert!(made.copies[0].stage.is_none() && made.copies[1].stage.is_some());
}

#[test]
fn nothing_is_written_over_memory_that_something_else_reads() {
    // x dies at the product, but its transposed view is read there as well.
    let program = trace(|scope| {
        let x = scope.input("x", f32(&[8, 8]))?.silu()?;
        let y = (&x * &x.transpose(&[1, 0])?)?;
        scope.output("y", &y.reduce(Reduce::Sum, &[0])?)
    });
    let made = entry(&program, strided);
    assert!(matches!(program.entry().nodes[2].op, Op::Binary { .. }));
    assert_ne!(place(&program, &made, 2), place(&program, &made, 0));
}

#[test]
fn parts_lie_in_what_they_become() {
    let program = trace(|scope| {
        let x = scope.input("x", f32(&[4, 8]))?;
        let (a, b) = (x.silu()?, x.unary(crate::Unary::Relu)?);
        let joined = crate::concat(&[&a, &b], 0)?;
        scope.output("y", &joined.matmul(&joined.transpose(&[1, 0])?)?)
    });
    let joined = program.entry().nodes.iter().find(|node| matches!(node.op, Op::Concat { .. })).unwrap();
    let of = joined.outputs[0];
    let made = entry(&program, |_, node| match node.op {
        Op::Silu | Op::Unary { .. } => Need::fresh(&node.op).with_storage(Storage::Part { of }),
        _ => strided(program.entry(), node),
    });
    assert_eq!(made.size, 256, "the parts take no memory of their own");
    assert_eq!(place(&program, &made, 0), Place::View { of });
    assert_eq!(place(&program, &made, 1), Place::View { of });
    assert_eq!(made.places[of.index()], Place::Arena { offset: 0 });
}
