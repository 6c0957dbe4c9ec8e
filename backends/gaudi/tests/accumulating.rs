//! Lazy mode: runs of several Programs accumulate until a flush, on the software Synapse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::sim::Sim;
use common::work::{Work, bound};
use std::fs;
use tintype_accel::{FlushReason, LaunchMode, Purpose, from_f32, to_f32};
use tintype_program::{DType, Program, TensorType};

#[test]
fn runs_accumulate_until_something_wants_them() {
    common::passes("runs_are_counted", &[]);
}

#[test]
#[ignore = "run by runs_accumulate_until_something_wants_them"]
fn runs_are_counted() {
    let sim = Sim::open(&common::synapse().unwrap());
    let device = common::open();
    let launches = || sim.counts().get("synLaunch").copied().unwrap_or(0);
    let flushes = || device.stats().flushes;
    let mut compiled = Work::new(device.clone(), LaunchMode::Compiled, 8).unwrap();
    let mut lazy = Work::new(device.clone(), LaunchMode::Lazy, 8).unwrap();
    for _ in 0..3 {
        compiled.run().unwrap();
    }
    sim.reset();
    for _ in 0..3 {
        lazy.run().unwrap();
    }
    assert_eq!((launches(), flushes()), (0, 0), "nothing wants them yet");
    assert_eq!(lazy.read().unwrap(), compiled.read().unwrap());
    assert_eq!((launches(), flushes()), (1, 1), "three runs are one recipe, and reading flushes them");

    sim.reset();
    lazy.run().unwrap();
    compiled.run().unwrap();
    assert_eq!((launches(), flushes()), (1 + 3, 2), "what runs otherwise comes behind what has accumulated");
    lazy.run().unwrap();
    device.flush(FlushReason::Step).unwrap();
    assert_eq!(flushes(), 3, "the end of a step");
    lazy.run().unwrap();
    device.record().unwrap();
    assert_eq!(flushes(), 4, "a fence");

    sim.reset();
    for _ in 0..63 {
        lazy.run().unwrap();
    }
    assert_eq!(launches(), 0);
    lazy.run().unwrap();
    assert_eq!((launches(), flushes()), (1, 5), "as many as may accumulate");
}

/// A Program that adds a number.
fn adding(number: f64) -> Program {
    let program = Program::trace("adding", |scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [4]))?;
        scope.output("y", &(&x + number)?)
    });
    program.unwrap()
}

#[test]
fn what_nobody_holds_never_reaches_memory() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    common::passes("two_programs_are_one_recipe", &[("SYNAPSE_SIM_LOG", log.to_str().unwrap())]);
    let Ok(text) = fs::read_to_string(log) else { return };
    let launches = text.lines().filter(|line| line.contains("synLaunch synSuccess"));
    let tensors = launches.map(|line| line.split("tensors=").nth(1).unwrap().split(' ').next().unwrap());
    assert_eq!(tensors.collect::<Vec<_>>(), ["3", "2"], "what lies in between is held, then it is not");
}

#[test]
#[ignore = "run by what_nobody_holds_never_reaches_memory"]
fn two_programs_are_one_recipe() {
    let device = common::open();
    let ty = TensorType::new(DType::F32, [4]);
    let x = device.buffer_from(&ty, from_f32(DType::F32, &[1.0, 2.0, 3.0, 4.0])).unwrap();
    let y = device.buffer(&ty, Purpose::Data).unwrap();
    let [first, second] = [0.5, 8.0].map(adding);
    for held in [true, false] {
        let between = device.buffer(&ty, Purpose::Data).unwrap();
        // An instance that goes flushes what has accumulated, so these stay.
        let mut instances = Vec::new();
        for (program, from, to) in [(&first, &x, &between), (&second, &between, &y)] {
            let (mut instance, mut bindings) = bound(&device, program, LaunchMode::Lazy).unwrap();
            bindings.input("x", from).unwrap().output("y", to).unwrap();
            instance.run(&mut bindings).unwrap();
            instances.push(instance);
        }
        let between = held.then_some(between);
        let got = to_f32(DType::F32, &device.download(&y).unwrap());
        assert_eq!(got, [9.5, 10.5, 11.5, 12.5]);
        drop(between);
    }
}
