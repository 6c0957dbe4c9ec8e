//! Norms carried to the end of the call before: what is computed stays the same, and where they stand.
#![allow(clippy::unwrap_used, clippy::panic)]

use tintype_conformance::interpreter::{Bindings, Rounding, interpret_with};
use tintype_gpu::passes::{NORM, carry_norms, fuse_norms};
use tintype_program::passes::{eliminate_dead, group_elementwise};
use tintype_program::{DType, Op, Program, Scope, TensorType, Value};

const WIDTH: usize = 8;

/// A layer with a modulation: shift, scale and gate of the row.
fn modulated(scope: &Scope, x: &Value, modulation: &Value) -> tintype_program::Result<Value> {
    let part = |i: usize| modulation.slice(2, i * WIDTH, (i + 1) * WIDTH);
    let (shift, scale, gate) = (part(0)?, part(1)?, part(2)?);
    let one = scope.constant(1.0, DType::F32)?;
    let normed = x.layer_norm(None, 1e-6)?;
    let normed = &(&normed * &(&scale + &one)?)? + &shift;
    let w = scope.param("w", &[WIDTH, WIDTH])?;
    x + &(&gate * &normed?.linear(&w, None)?)?
}

fn layers(count: usize, apart: bool) -> Program {
    let program = Program::trace("model", |scope| {
        let mut x = scope.input("x", TensorType::new(DType::F32, [1, 3, WIDTH]))?;
        let all = scope.input("modulations", TensorType::new(DType::F32, [1, count, 3 * WIDTH]))?;
        let own = |i: usize| all.slice(1, i, i + 1);
        let first = own(0)?;
        let block = scope.block("layer", &[x.ty(), first.ty()], |scope, arguments| {
            let [x, modulation] = arguments else { return Ok(vec![]) };
            Ok(vec![modulated(scope, x, modulation)?])
        })?;
        for i in 0..count {
            let results = block.call(&scope.child(format!("layers.{i}")), &[&x, &own(i)?])?;
            x = results.into_iter().next().unwrap();
            if apart {
                x = x.silu()?;
            }
        }
        scope.output("y", &x)
    });
    group_elementwise(eliminate_dead(program.unwrap()))
}

fn calls(program: &Program) -> Vec<usize> {
    let of = |op: &Op| match op {
        Op::Call { block } => Some(block.index()),
        _ => None,
    };
    program.entry().nodes.iter().filter_map(|node| of(&node.op)).collect()
}

/// Deterministic values that are no constants.
fn bindings(program: &Program) -> Bindings {
    let entry = program.entry();
    let named = entry.inputs.iter().map(|port| (&port.name, port.value));
    let named = named.chain(entry.params.iter().map(|param| (&param.name, param.value)));
    let buffers: Vec<(&str, Vec<u8>)> = named
        .enumerate()
        .map(|(k, (name, value))| {
            let count = entry.ty(value).elements();
            let value = |i: usize| ((i * 37 + k * 11) as f32 * 0.7).sin();
            (name.as_str(), (0..count).flat_map(|i| value(i).to_le_bytes()).collect())
        })
        .collect();
    Bindings::from_bytes(program, buffers.iter().map(|(name, bytes)| (*name, bytes.as_slice()))).unwrap()
}

fn same(a: &Program, b: &Program) {
    b.check().unwrap();
    let bindings = bindings(a);
    for rounding in [Rounding::None, Rounding::Declared] {
        let run = |program| interpret_with(program, &bindings, rounding).unwrap().outputs;
        let (a, b) = (run(a), run(b));
        assert!(a["y"].data.iter().any(|value| *value != 0.0));
        assert_eq!(a["y"].data, b["y"].data);
    }
}

#[test]
fn a_norm_moves_to_the_end_of_the_call_before() {
    let program = layers(4, false);
    let carried = carry_norms(program.clone());
    same(&program, &carried);
    let calls = calls(&carried);
    assert_eq!(calls.len(), 4);
    assert_eq!((calls[0], calls[1]), (calls[1], calls[2]), "calls in the middle are of one block");
    assert_ne!(calls[2], calls[3], "the last has no norm to do for another");
    // The entry begins with the first norm, and each block ends with the sum and the next norm in one.
    let fused = fuse_norms(carried);
    let norms = |block: usize| {
        let nodes = &fused.blocks[block].nodes;
        nodes.iter().filter(|node| node.op.name() == NORM).map(|node| node.outputs.len()).collect::<Vec<_>>()
    };
    let calls = self::calls(&fused);
    assert_eq!(norms(fused.entry_id().index()), [1]);
    assert_eq!((norms(calls[0]), norms(calls[3])), (vec![2], vec![]));
    same(&program, &fused);
}

#[test]
fn a_norm_stays_where_its_call_is_not_fed_by_another() {
    for program in [layers(1, false), layers(3, true)] {
        assert_eq!(carry_norms(program.clone()), program);
    }
}

/// Two streams, one with a weight of its own to be normed with, and what the last layer gives of the other is not used.
#[test]
fn several_streams_are_carried_at_once() {
    let program = Program::trace("model", |scope| {
        let ty = TensorType::new(DType::F32, [1, 3, WIDTH]);
        let (mut a, mut b) = (scope.input("a", ty.clone())?, scope.input("b", ty.clone())?);
        let block = scope.block("layer", &[&ty, &ty], |scope, arguments| {
            let [a, b] = arguments else { return Ok(vec![]) };
            let (weight, w) = (scope.param("norm", &[WIDTH])?, scope.param("w", &[WIDTH, WIDTH])?);
            let (x, y) = (a.rms_norm(Some(&weight), 1e-6)?, b.layer_norm(None, 1e-6)?);
            let joint = (&x.linear(&w, None)? * &y.linear(&w, None)?)?;
            Ok(vec![(a + &joint)?, (b + &joint.silu()?)?])
        })?;
        for i in 0..3 {
            let results = block.call(&scope.child(format!("layers.{i}")), &[&a, &b])?;
            [a, b] = <[Value; 2]>::try_from(results).unwrap_or_else(|_| panic!("two results"));
        }
        scope.output("y", &a)
    });
    let program = group_elementwise(eliminate_dead(program.unwrap()));
    let carried = carry_norms(program.clone());
    let entry = carried.entry();
    let first = entry.nodes.iter().find(|node| matches!(node.op, Op::Call { .. })).unwrap();
    assert_eq!(first.outputs.len(), 4, "two sums, two norms");
    same(&program, &carried);
    same(&program, &fuse_norms(carried));
}
