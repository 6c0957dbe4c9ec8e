//! Whole Programs, held against what they compute.

mod common;

use common::*;
use tintype_accel::LaunchMode;
use tintype_program::{DType, Reduce, Scope, Source, TensorType, Value, concat};

#[test]
fn a_linear_layer_and_what_follows() {
    let program = trace(|scope| {
        let x = scope.input("x", f32s(&[2, 3]))?;
        let y = x.linear(&scope.param("weight", &[2, 3])?, Some(&scope.param("bias", &[2])?))?;
        scope.output("y", &(&(&y * 2.0)? + &y)?)
    });
    let from = Checkpoint::default().with("weight", &[2, 3], &[1.0, 2.0, 3.0, 0.0, -1.0, 0.5]).with(
        "bias",
        &[2],
        &[10.0, 20.0],
    );
    for mode in MODES {
        let device = open();
        let mut session = Session::of(&device, &program, mode, &from);
        session.write("x", &[1.0, 1.0, 1.0, 2.0, 0.0, 4.0]).run();
        assert_eq!(session.read("y"), [48.0, 58.5, 72.0, 66.0], "{mode}");
        let launches = session.instance.stats().launches;
        let expected = if mode == LaunchMode::Eager { 3..=4 } else { 2..=2 };
        assert!(expected.contains(&launches), "{mode}: {launches}");
    }
}

/// Every way in which a result is not simply what a node wrote.
fn aliases(scope: &Scope) -> tintype_program::Result<()> {
    let x = scope.input("x", f32s(&[2, 3]))?;
    let w = scope.param("w", &[3])?;
    let y = (&x + 1.0)?;
    scope.output("twice_a", &y)?;
    scope.output("twice_b", &y)?;
    scope.output("input", &x)?;
    scope.output("param", &w)?;
    scope.output("turned_input", &x.transpose(&[1, 0])?)?;
    scope.output("turned", &y.transpose(&[1, 0])?)?;
    scope.output("cut", &y.slice(1, 1, 3)?)?;
    scope.output("flat", &(&x * 2.0)?.reshape(&[6])?)?;
    scope.output("wide", &w.broadcast_to(&[2, 3])?)?;
    scope.output("turned_flat", &y.transpose(&[1, 0])?.reshape(&[6])?)?;
    scope.output("constant", &scope.constant(7.0, DType::F32)?)?;
    scope.output("read_on", &(&y.slice(1, 0, 1)? * &y.slice(1, 2, 3)?)?)
}

#[test]
fn results_that_are_something_else_too() {
    let program = trace(aliases);
    let from = Checkpoint::default().with("w", &[3], &[7.0, 8.0, 9.0]);
    for mode in MODES {
        let device = open();
        let mut session = Session::of(&device, &program, mode, &from);
        session.write("x", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).run();
        let expected: [(&str, &[f32]); 12] = [
            ("twice_a", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ("twice_b", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ("input", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            ("param", &[7.0, 8.0, 9.0]),
            ("turned_input", &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]),
            ("turned", &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
            ("cut", &[2.0, 3.0, 5.0, 6.0]),
            ("flat", &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
            ("wide", &[7.0, 8.0, 9.0, 7.0, 8.0, 9.0]),
            ("turned_flat", &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
            ("constant", &[7.0]),
            ("read_on", &[3.0, 24.0]),
        ];
        for (name, values) in expected {
            assert_eq!(session.read(name), values, "{name}, {mode}");
        }
    }
}

#[test]
fn empty_tensors_run() {
    let program = trace(|scope| {
        let x = scope.input("x", f32s(&[0, 4]))?;
        let y = x.linear(&scope.param("weight", &[3, 4])?, None)?;
        let block =
            scope.block("block", &[y.ty()], |_, x| Ok(vec![x[0].silu()?, x[0].transpose(&[1, 0])?]))?;
        let z = block.call(scope, &[&y])?;
        scope.output("y", &z[0])?;
        scope.output("z", &z[1])?;
        scope.output("sum", &concat(&[&y, &y], 0)?.reduce(Reduce::Sum, &[0])?)
    });
    let from = Checkpoint::default().with("weight", &[3, 4], &[1.0; 12]);
    for mode in MODES {
        let mut session = Session::of(&open(), &program, mode, &from);
        session.run();
        assert_eq!(session.read("sum"), [0.0; 3]);
        assert!(session.read("y").is_empty() && session.read("z").is_empty());
    }
}

/// A block of blocks: `inner` is called four times, with views of all kinds as its arguments.
fn nested(scope: &Scope) -> tintype_program::Result<()> {
    let x = scope.input("x", f32s(&[4, 4]))?;
    let outer = scope.block("outer", &[x.ty()], |scope, x| {
        let inner = scope.block("inner", &[x[0].ty()], |scope, x| {
            let y = x[0].linear(&scope.param("weight", &[4, 4])?, None)?;
            Ok(vec![(&y.silu()? + &x[0])?, x[0].clone()])
        })?;
        let y = inner.call(&scope.child("a"), &[&x[0].transpose(&[1, 0])?])?;
        let z = inner.call(&scope.child("b"), &[&(&y[0] + &y[1])?])?;
        Ok(vec![z[0].clone(), y[1].reshape(&[16])?])
    })?;
    let y = outer.call(&scope.child(0), &[&x])?;
    let turned: Value = y[1].reshape(&[4, 4])?;
    let z = outer.call(&scope.child(1), &[&(&y[0] - &turned)?])?;
    scope.output("y", &z[0])?;
    scope.output("z", &z[1])
}

/// The same on the host.
fn nested_on_host(x: &[f32], weights: &[Vec<f32>; 4]) -> [Vec<f32>; 2] {
    let turn = |x: &[f32]| (0..16).map(|i| x[i % 4 * 4 + i / 4]).collect::<Vec<_>>();
    let inner = |x: &[f32], weight: &[f32]| {
        let y = |i: usize| (0..4).map(|k| x[i / 4 * 4 + k] * weight[i % 4 * 4 + k]).sum::<f32>();
        (0..16).map(|i| y(i) / (1.0 + (-y(i)).exp()) + x[i]).collect::<Vec<_>>()
    };
    let outer = |x: &[f32], a: &[f32], b: &[f32]| {
        let turned = turn(x);
        let sum: Vec<_> = inner(&turned, a).iter().zip(&turned).map(|(a, b)| a + b).collect();
        [inner(&sum, b), turned]
    };
    let [y, turned] = outer(x, &weights[0], &weights[1]);
    let x: Vec<_> = y.iter().zip(&turned).map(|(a, b)| a - b).collect();
    outer(&x, &weights[2], &weights[3])
}

#[test]
fn nested_blocks_called_again_and_again() {
    let program = trace(nested);
    let weights = [1, 2, 3, 4].map(|seed| numbers(16, seed));
    let names = ["0.a.weight", "0.b.weight", "1.a.weight", "1.b.weight"];
    let from = names.iter().zip(&weights).fold(Checkpoint::default(), |c, (n, w)| c.with(n, &[4, 4], w));
    let x = numbers(16, 5);
    let expected = nested_on_host(&x, &weights);
    for mode in MODES {
        let device = open();
        let mut session = Session::of(&device, &program, mode, &from);
        assert_eq!(device.stats().compiles, 3, "each block once");
        session.write("x", &x).run();
        for (name, expected) in ["y", "z"].iter().zip(&expected) {
            for (a, b) in session.read(name).iter().zip(expected) {
                assert!((a - b).abs() < 1e-5, "{name}, {mode}: {a} {b}");
            }
        }
        // The arena holds the same intermediate results at every run.
        let first = session.read("y");
        assert_eq!(session.run().read("y"), first);
    }
}

#[test]
fn eager_is_compiled_in_f32() {
    let program = trace(nested);
    let names = ["0.a.weight", "0.b.weight", "1.a.weight", "1.b.weight"];
    let from =
        names.iter().fold(Checkpoint::default(), |c, n| c.with(n, &[4, 4], &numbers(16, n.len() as u64)));
    let [compiled, _, eager] = MODES.map(|mode| {
        let mut session = Session::of(&open(), &program, mode, &from);
        session.write("x", &numbers(16, 9)).run();
        (session.read("y"), session.instance.stats().launches)
    });
    assert_eq!(compiled.0, eager.0);
    assert!(compiled.1 < eager.1);
}

#[test]
fn dtypes_round_where_the_program_says() {
    for dtype in [DType::Bf16, DType::F16] {
        let program = trace(|scope| {
            let x = scope.input("x", TensorType::new(dtype, [4]))?;
            let w = scope.param_from(
                "w",
                TensorType::new(dtype, [4]),
                Default::default(),
                Some(Source::load("w")),
            )?;
            scope.output("y", &(&x * &w)?)
        });
        let from = Checkpoint::default().with("w", &[4], &[1.0, 0.5, 3.0, -1.0]);
        for mode in MODES {
            let mut session = Session::of(&open(), &program, mode, &from);
            session.write("x", &[1.5, 2.0, 0.25, 8.0]).run();
            assert_eq!(session.read("y"), [1.5, 1.0, 0.75, -8.0]);
        }
    }
}

#[test]
fn constants_are_exact_in_every_dtype() {
    let program = trace(|scope| {
        scope.output("large", &scope.constant(2_147_483_647.0, DType::I32)?)?;
        scope.output("byte", &scope.constant(255.0, DType::U8)?)?;
        scope.output("half", &scope.constant(0.1, DType::F16)?.broadcast_to(&[2, 2])?)
    });
    for mode in MODES {
        let device = open();
        let mut session = Session::of(&device, &program, mode, &Checkpoint::default());
        session.run();
        assert_eq!(device.download(&session.buffers["large"]).unwrap(), i32::MAX.to_le_bytes());
        assert_eq!(session.read("byte"), [255.0]);
        assert_eq!(session.read("half"), [half::f16::from_f32(0.1).to_f32(); 4]);
    }
}
