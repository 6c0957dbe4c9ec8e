//! Random Programs full of views, calls and states, held against the float64 interpreter: what shares memory with what
//! is the planner's business, and shows here where it is wrong.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tintype_conformance::interpreter::{Bindings, Tensor, interpret};
use tintype_program::{Program, Result, Scope, Value, concat};

/// Where random choices come from.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn of<'v>(&mut self, values: &'v [Value]) -> &'v Value {
        // Late values more often, so that chains grow.
        let (a, b) = (self.below(values.len()), self.below(values.len()));
        &values[a.max(b)]
    }
}

/// A value of shape `[4, 6]` made from two others.
fn step(choices: &mut Choices, values: &[Value]) -> Result<Value> {
    let (x, y) = (choices.of(values).clone(), choices.of(values).clone());
    match choices.below(9) {
        0 => &x + &y,
        1 => &x * &y.slice(0, 1, 2)?,
        2 => x.transpose(&[1, 0])?.reshape(&[4, 6]),
        3 => x.reshape(&[6, 4])?.transpose(&[1, 0]),
        4 => concat(&[&x.slice(1, 3, 6)?, &y.slice(1, 0, 3)?], 1),
        5 => x.matmul(&y.transpose(&[1, 0])?)?.matmul(&(&x * 0.1)?),
        6 => y.slice(1, 2, 3)?.broadcast_to(&[4, 6]),
        7 => x.softmax(1),
        _ => x.reshape(&[2, 2, 6])?.slice(0, 1, 2)?.broadcast_to(&[2, 2, 6])?.reshape(&[4, 6]),
    }
}

fn random(seed: u64) -> Program {
    let mut choices = Choices(seed);
    let build = |scope: &Scope| {
        let ty = f32s(&[4, 6]);
        let mut values = vec![scope.input("x", ty.clone())?, scope.param("w", &[4, 6])?];
        let states: Result<Vec<_>> = (0..3).map(|i| scope.state(&format!("s{i}"), ty.clone())).collect();
        let states = states?;
        values.extend(states.iter().map(|state| state.value().clone()));
        let inner = scope.block("inner", &[&ty, &ty], |scope, x| {
            let mut values = vec![x[0].clone(), x[1].clone(), scope.param("w", &[4, 6])?];
            for _ in 0..choices.below(6) {
                values.push(step(&mut choices, &values)?);
            }
            Ok((0..3).map(|_| choices.of(&values).clone()).collect())
        })?;
        let outer = scope.block("outer", &[&ty], |scope, x| {
            let mut values = inner.call(&scope.child("a"), &[&x[0], &step(&mut choices, x)?])?;
            values.push(step(&mut choices, &values)?);
            values.extend(inner.call(&scope.child("b"), &[choices.of(&values), choices.of(&values)])?);
            Ok(values)
        })?;
        for i in 0..8 + choices.below(8) {
            match choices.below(5) {
                0 => values.extend(outer.call(&scope.child(i), &[choices.of(&values)])?),
                1 => values.extend(inner.call(&scope.child(i), &[choices.of(&values), choices.of(&values)])?),
                _ => values.push(step(&mut choices, &values)?),
            }
        }
        for state in &states {
            scope.update(state, choices.of(&values))?;
        }
        for i in 0..4 {
            scope.output(&format!("y{i}"), choices.of(&values))?;
        }
        Ok(())
    };
    Program::trace("random", build).unwrap()
}

fn tensor(values: &[f32]) -> Tensor {
    Tensor::new(vec![4, 6], values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()).unwrap()
}

#[test]
fn random_programs_compute_what_the_interpreter_does() {
    let mut compared = 0;
    for seed in 0..60 {
        let program = random(seed);
        let mut bindings = Bindings::new();
        let mut from = Checkpoint::default();
        for (i, param) in program.entry().params.iter().enumerate() {
            let values = numbers(24, 100 + i as u64);
            bindings.set(&param.name, tensor(&values));
            from = from.with(&param.name, &[4, 6], &values);
        }
        let names = ["x", "s0", "s1", "s2"];
        let given = names.map(|name| (name, numbers(24, name.len() as u64 + seed)));
        given.iter().for_each(|(name, values)| bindings.set(*name, tensor(values)));
        let expected = interpret(&program, &bindings).unwrap();
        for mode in MODES {
            let mut session = Session::of(&open(), &program, mode, &from);
            given.iter().for_each(|(name, values)| _ = session.write(name, values));
            session.run();
            for (name, wanted) in expected.outputs.iter().chain(&expected.states) {
                for (got, wanted) in session.read(name).iter().zip(&wanted.data) {
                    // Products of products grow; beyond f32 there is nothing to compare.
                    if wanted.abs() < 1e6 {
                        let error = (f64::from(*got) - wanted).abs() / wanted.abs().max(1.0);
                        assert!(error < 1e-3, "seed {seed}, {mode}, {name}: {got} {wanted}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}
