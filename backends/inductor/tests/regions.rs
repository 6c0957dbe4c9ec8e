//! A Program's regions, run in order, against the Program, both by the interpreter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use tintype_conformance::interpreter::{Bindings, Tensor, interpret};
use tintype_program::passes::{Operand, RegionKind, Regions, regions};
use tintype_program::{DType, Program, TensorType};

/// Numbers that differ from one another.
fn tensor(ty: &TensorType, seed: usize) -> Tensor {
    let values: Vec<f64> =
        (0..ty.elements()).map(|i| ((i * 37 + seed * 101) % 19) as f64 / 19.0 - 0.4).collect();
    Tensor::new(ty.shape.clone(), values).unwrap()
}

/// Inputs, then states; and parameters.
fn given(program: &Program) -> (Vec<(String, Tensor)>, Vec<(String, Tensor)>) {
    let entry = program.entry();
    let inputs = entry.inputs.iter().map(|port| (port.name.clone(), port.value));
    let states = entry.states.iter().map(|state| (state.name.clone(), state.value));
    let all = inputs.chain(states).enumerate();
    let arguments = all.map(|(i, (name, value))| (name, tensor(entry.ty(value), i))).collect();
    let params = entry.params.iter().enumerate();
    let params =
        params.map(|(i, param)| (param.name.clone(), tensor(entry.ty(param.value), 50 + i))).collect();
    (arguments, params)
}

/// The results of the regions: outputs, then states.
fn in_order(program: &Program, cut: &Regions) -> Vec<Tensor> {
    let (arguments, params) = given(program);
    let mut made: BTreeMap<usize, Tensor> = BTreeMap::new();
    for run in &cut.runs {
        let region = &cut.regions[run.region].program;
        let entry = region.entry();
        let mut bindings = Bindings::new();
        for (port, operand) in entry.inputs.iter().zip(&run.arguments) {
            let value = match *operand {
                Operand::Argument(at) => &arguments[at].1,
                Operand::Param(at) => &params[at].1,
                Operand::Made(slot) => &made[&slot],
            };
            bindings.set(port.name.clone(), value.clone());
        }
        for (param, &at) in entry.params.iter().zip(&run.params) {
            bindings.set(param.name.clone(), params[at].1.clone());
        }
        let outputs = interpret(region, &bindings).unwrap().outputs;
        for (port, &slot) in entry.outputs.iter().zip(&run.results) {
            assert_eq!(*entry.ty(port.value), cut.made[slot]);
            made.insert(slot, outputs[&port.name].clone());
        }
    }
    let inputs = program.entry().inputs.len();
    let states = cut.states.iter().enumerate().map(|(i, slot)| match slot {
        Some(slot) => made[slot].clone(),
        None => arguments[inputs + i].1.clone(),
    });
    cut.outputs.iter().map(|slot| made[slot].clone()).chain(states).collect()
}

/// The results of the Program: outputs, then states.
fn at_once(program: &Program) -> Vec<Tensor> {
    let (arguments, params) = given(program);
    let mut bindings = Bindings::new();
    arguments.into_iter().chain(params).for_each(|(name, value)| bindings.set(name, value));
    let mut results = interpret(program, &bindings).unwrap();
    let entry = program.entry();
    let outputs = entry.outputs.iter().map(|port| results.outputs.remove(&port.name).unwrap());
    let outputs: Vec<_> = outputs.collect();
    outputs
        .into_iter()
        .chain(entry.states.iter().map(|state| results.states.remove(&state.name).unwrap()))
        .collect()
}

fn program() -> Program {
    let program = Program::trace("step", |scope| {
        let ty = TensorType::new(DType::F32, [2, 4]);
        let x = scope.input("x", ty.clone())?;
        let table = scope.input("table", TensorType::new(DType::F32, [3, 4]))?;
        let layer = scope.block("layer", &[&ty, &TensorType::new(DType::F32, [1, 4])], |scope, x| {
            let y = x[0].linear(&scope.param("weight", &[4, 4])?, Some(&scope.param("bias", &[4])?))?;
            Ok(vec![(&y.silu()? + &x[1])?])
        })?;
        let row = |at: usize| table.slice(0, at, at + 1);
        let mut y = (&x * &scope.param("scale", &[4])?)?;
        y = layer.call(&scope.child("a"), &[&y, &row(0)?])?.remove(0);
        y = layer.call(&scope.child("b"), &[&y, &row(1)?])?.remove(0);
        y = (&y + &x)?;
        y = layer.call(&scope.child("c"), &[&y, &row(2)?])?.remove(0);
        scope.output("y", &y.silu()?)?;
        scope.output("same", &x)
    });
    program.unwrap()
}

#[test]
fn regions_in_order_are_the_program() {
    let program = program();
    let cut = regions(&program).unwrap();
    let kinds: Vec<_> = cut.runs.iter().map(|run| cut.regions[run.region].kind).collect();
    let (segment, block) = (RegionKind::Segment, RegionKind::Block);
    // What only the tables decide comes before the first call, whatever stands between in the text.
    assert_eq!(kinds, [segment, block, block, segment, block, segment]);
    assert_eq!(cut.regions.len(), 4, "the block is one");
    assert_eq!(in_order(&program, &cut), at_once(&program));
}

#[test]
fn a_program_without_repeats_is_whole() {
    let program = program().inlined().unwrap();
    let cut = regions(&program).unwrap();
    assert_eq!(cut.regions.len(), 1);
    assert_eq!(cut.regions[0].kind, RegionKind::Whole);
    assert_eq!(in_order(&program, &cut), at_once(&program));
}
