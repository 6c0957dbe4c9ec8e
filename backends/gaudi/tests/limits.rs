//! What the interface takes at most, on the software Synapse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::work::bound;
use tintype_accel::{LaunchMode, Purpose, from_f32, to_f32};
use tintype_program::{DType, Program, TensorType, concat};

/// More parts than a node has operands, and so many that what they are joined to is joined twice.
const PARTS: usize = 300;

fn joining() -> Program {
    let program = Program::trace("joining", |scope| {
        let parts =
            (0..PARTS).map(|i| scope.input(&format!("x{i}"), TensorType::new(DType::F32, [2, i % 3 + 1, 1])));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let doubled = parts.iter().map(|x| x + x).collect::<Result<Vec<_>, _>>()?;
        scope.output("y", &concat(&doubled.iter().collect::<Vec<_>>(), 1)?)
    });
    program.unwrap()
}

#[test]
fn many_parts_are_joined_in_turns() {
    common::passes("parts_are_joined", &[]);
}

#[test]
#[ignore = "run by many_parts_are_joined_in_turns"]
fn parts_are_joined() {
    let device = common::open();
    let (mut instance, mut bindings) = bound(&device, &joining(), LaunchMode::Compiled).unwrap();
    let mut expected = [Vec::new(), Vec::new()];
    for i in 0..PARTS {
        let extent = i % 3 + 1;
        let values: Vec<f32> = (0..2 * extent).map(|j| (8 * i + j) as f32).collect();
        for (row, values) in expected.iter_mut().zip(values.chunks(extent)) {
            row.extend(values.iter().map(|value| 2.0 * value));
        }
        let ty = TensorType::new(DType::F32, [2, extent, 1]);
        let buffer = device.buffer_from(&ty, from_f32(DType::F32, &values)).unwrap();
        bindings.input(&format!("x{i}"), &buffer).unwrap();
    }
    let ty = TensorType::new(DType::F32, [2, expected[0].len(), 1]);
    let y = device.buffer(&ty, Purpose::Data).unwrap();
    bindings.output("y", &y).unwrap();
    instance.run(&mut bindings).unwrap();
    assert_eq!(to_f32(DType::F32, &device.download(&y).unwrap()), expected.concat());
}
