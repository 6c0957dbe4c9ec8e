//! What is written is what is read, for Programs that nobody chose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use tintype_program::{DType, Program, TensorType, Value};

/// One operation; which, the number says.
fn apply(x: &Value, weight: &Value, step: u8) -> tintype_program::Result<Value> {
    match step % 6 {
        0 => x.silu(),
        1 => x.softmax(0),
        2 => x + weight,
        3 => &(x * 0.1)? + f64::from(step),
        4 => x.cast(DType::F32)?.cast(x.dtype()),
        _ => x.reshape(x.shape()),
    }
}

/// A chain of operations over one input and a parameter, each in a block of its own where `nested` says so.
fn trace(shape: &[usize], dtype: DType, steps: &[u8], nested: bool) -> tintype_program::Result<Program> {
    Program::trace("chain", |scope| {
        let scope = &scope.with_dtype(dtype);
        let ty = TensorType::new(dtype, shape);
        let mut value = scope.input("x", ty.clone())?;
        let weight = scope.param("weight", shape)?;
        for (i, &step) in steps.iter().enumerate() {
            value = if nested {
                let block = scope.block("step", &[&ty], |scope, given| {
                    let weight = scope.with_dtype(dtype).param("weight", shape)?;
                    Ok(vec![apply(&given[0], &weight, step)?])
                })?;
                block.call(&scope.child(i), &[&value])?.remove(0)
            } else {
                apply(&value, &weight, step)?
            };
        }
        scope.output("y", &value)
    })
}

proptest! {
    #[test]
    fn programs_survive_their_json(
        shape in proptest::collection::vec(1usize..5, 1..5),
        dtype in prop_oneof![Just(DType::F32), Just(DType::Bf16), Just(DType::F16)],
        steps in proptest::collection::vec(any::<u8>(), 0..20),
        nested in any::<bool>(),
    ) {
        let program = trace(&shape, dtype, &steps, nested).unwrap();
        let text = program.to_json().unwrap();
        let read = Program::from_json(&text).unwrap();
        prop_assert_eq!(&read, &program);
        prop_assert_eq!(read.hashes(), program.hashes());
        prop_assert_eq!(read.to_json().unwrap(), text);
    }
}
