//! Passes change how a Program is written and not what it computes: every case, transformed and not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use tintype_conformance::cases::{self, Case, Tolerance};
use tintype_conformance::interpreter::{Bindings, Outputs, Rounding, Tensor, interpret_with};
use tintype_program::{Program, Source, passes};

/// What a case is given, by name, with parameters as the plain values that they stand for.
fn given(case: &Case) -> (Bindings, BTreeMap<String, Tensor>) {
    let buffers = [case.inputs(0), case.params(0), case.states()].concat();
    let buffers = buffers.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    let bindings = Bindings::from_bytes(&case.program, buffers).unwrap();
    // A Program that hands its parameters back says what they are bound to.
    let mut program = case.program.clone();
    let entry = program.blocks.last_mut().unwrap();
    entry.outputs.clear();
    let params: Vec<_> = entry.params.iter().map(|param| (param.name.clone(), param.value)).collect();
    entry.nodes.clear();
    entry.states.iter_mut().for_each(|state| state.next = state.value);
    for (name, value) in params {
        let encoding = entry.encoding(value).clone();
        let value = if encoding.is_plain() {
            value
        } else {
            let ty = entry.ty(value).clone();
            let plain = entry.push_value(ty);
            let op = tintype_program::Op::Decode;
            entry.nodes.push(tintype_program::Node { op, inputs: vec![value], outputs: vec![plain] });
            plain
        };
        entry.outputs.push(tintype_program::Port { name, value });
    }
    let params = interpret_with(&program, &bindings, Rounding::None).unwrap().outputs;
    (bindings, params)
}

/// A parameter's value from those of the checkpoint.
fn evaluate(source: &Source, checkpoint: &BTreeMap<String, Tensor>) -> Tensor {
    match source {
        Source::Load { name } => checkpoint[name].clone(),
        Source::Quantize { of, .. } => evaluate(of, checkpoint),
        Source::Concat { axis: 0, parts } => {
            let parts: Vec<Tensor> = parts.iter().map(|part| evaluate(part, checkpoint)).collect();
            let mut shape = parts[0].shape.clone();
            shape[0] = parts.iter().map(|part| part.shape[0]).sum();
            Tensor::new(shape, parts.into_iter().flat_map(|part| part.data).collect::<Vec<_>>()).unwrap()
        }
        other => panic!("no pass makes {other:?}"),
    }
}

fn run(program: &Program, bindings: &Bindings, rounding: Rounding) -> Outputs {
    interpret_with(program, bindings, rounding).unwrap()
}

/// Equal, NaN being equal to NaN.
fn same(a: &Outputs, b: &Outputs) -> bool {
    let bits = |outputs: &Outputs| -> Vec<(String, Vec<usize>, Vec<u64>)> {
        let all = outputs.outputs.iter().chain(&outputs.states);
        all.map(|(name, t)| (name.clone(), t.shape.clone(), t.data.iter().map(|x| x.to_bits()).collect()))
            .collect()
    };
    bits(a) == bits(b)
}

/// Transforms every case and runs it in exact and in rounded arithmetic. Returns how many the pass changed.
fn changes_nothing(pass: impl Fn(Program) -> Program) -> usize {
    let mut changed = 0;
    for case in cases::all().unwrap() {
        let (bindings, params) = given(&case);
        let program = pass(case.program.clone());
        program.check().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        changed += usize::from(program != case.program);
        let mut transformed = bindings.clone();
        for (param, source) in program.entry().params.iter().zip(&program.sources) {
            transformed.set(&param.name, evaluate(source, &params));
        }
        for rounding in [Rounding::None, Rounding::Declared] {
            let (want, got) =
                (run(&case.program, &bindings, rounding), run(&program, &transformed, rounding));
            assert!(same(&want, &got), "{} differs, {rounding:?}", case.name);
        }
    }
    changed
}

#[test]
fn decompositions_are_the_definitions() {
    // Constants of a decomposition are rounded to f32; all else is exact here.
    let close = Tolerance { element: 1e-6, whole: 1e-6 };
    let mut changed = 0;
    for case in cases::all().unwrap() {
        let program = passes::decompose(case.program.clone(), |_, _| false).unwrap();
        program.check().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let composite =
            program.blocks.iter().flat_map(|block| &block.nodes).find(|node| node.op.is_composite());
        assert!(composite.is_none(), "{}: {composite:?} is left", case.name);
        changed += usize::from(program != case.program);
        let (bindings, _) = given(&case);
        let want = run(&case.program, &bindings, Rounding::None);
        for (rounding, tolerance) in [(Rounding::None, close), (Rounding::Declared, case.tolerance)] {
            let got = run(&program, &bindings, rounding);
            let entry = case.program.entry();
            let outputs = entry
                .outputs
                .iter()
                .map(|port| (port.value, &want.outputs[&port.name], &got.outputs[&port.name]));
            let states = entry.states.iter().map(|s| (s.value, &want.states[&s.name], &got.states[&s.name]));
            for (value, want, got) in outputs.chain(states) {
                let finite = want.data.iter().filter(|x| x.is_finite());
                let largest = finite.fold(0.0, |largest: f64, x| largest.max(x.abs()));
                for (&want, &got) in want.data.iter().zip(&got.data) {
                    // Without rounding, what is exact is equal.
                    let exact = got == want || got.is_nan() && want.is_nan();
                    let fraction = tolerance.fraction(got, want, largest, entry.ty(value).dtype);
                    assert!(
                        exact || fraction <= 1.0,
                        "{} {rounding:?}: {got}, not {want}: {fraction}",
                        case.name
                    );
                }
            }
        }
    }
    assert!(changed > 400, "{changed}");
}

#[test]
fn grouping_changes_nothing() {
    assert!(changes_nothing(passes::group_elementwise) > 10);
}

#[test]
fn eliminating_changes_nothing() {
    changes_nothing(passes::eliminate_dead);
    assert!(changes_nothing(passes::eliminate_common) > 3);
}

#[test]
fn inlining_changes_nothing() {
    assert!(changes_nothing(|program| passes::inline(program).unwrap()) > 10);
}

#[test]
fn fusing_changes_nothing() {
    assert!(changes_nothing(passes::fuse_qkv) >= 6);
}

#[test]
fn passes_in_a_row_change_nothing() {
    let all = |program| {
        let program = passes::inline(passes::fuse_qkv(program)).unwrap();
        passes::eliminate_dead(passes::group_elementwise(passes::eliminate_common(program)))
    };
    assert!(changes_nothing(all) > 20);
}
