//! The device: what it says of itself, what it compiles, its books.

mod common;

use common::*;
use std::sync::Arc;
use tintype_accel::{CompileOptions, Driver, Error, LaunchMode, OpenOptions, Registry, Support};
use tintype_cpu::CpuDriver;
use tintype_program::{Program, memory, passes};

#[test]
fn the_driver_tells_what_the_machine_is() {
    let probe = CpuDriver::default().probe();
    assert!(probe.obstacle.is_none());
    let device = &probe.devices[0];
    assert_eq!((device.label().as_str(), CpuDriver::default().preference()), ("cpu:0", 0));
    assert!(!device.name.is_empty() && device.arch.starts_with(std::env::consts::ARCH));
    assert!(matches!(CpuDriver::default().open(1, &OpenOptions::default()), Err(Error::NoSuchDevice { .. })));
    let mut registry = Registry::new();
    registry.register(Arc::new(CpuDriver::default()));
    let opened = registry.open("auto", None, &OpenOptions::default()).unwrap();
    assert!(opened.choice.to_string().starts_with("cpu:0 ("));
}

#[test]
fn launch_modes_that_it_lacks_are_refused() {
    let program = trace(|scope| scope.output("y", &scope.input("x", f32s(&[1]))?));
    {
        let launch = LaunchMode::Lazy;
        let Err(error) = open().compile(&program, &CompileOptions { launch }) else { panic!("{launch}") };
        assert!(matches!(&error, Error::LaunchMode { mode, .. } if *mode == launch), "{error}");
        assert!(error.to_string().contains("compiled, graph, eager"), "{error}");
    }
}

#[test]
fn a_block_is_compiled_once_whatever_changes_around_it() {
    let [one, other] = [1.0, 2.0].map(|factor| {
        trace(|scope| {
            let x = scope.input("x", f32s(&[4, 8]))?;
            scope.output("y", &(&layer(scope, &x)? * factor)?)
        })
    });
    for mode in MODES {
        let device = open();
        let counted = |program: &Program| {
            let before = device.stats();
            compile(&device, program, mode);
            let since = device.stats() - before;
            (since.compiles, since.cache_hits)
        };
        assert_eq!(counted(&one), (2, 0));
        assert_eq!(counted(&one), (0, 2));
        assert_eq!(counted(&other), (1, 1), "only the entry is another");
    }
}

#[test]
fn custom_operations_are_decomposed_and_said_to_be() {
    let program = trace(|scope| {
        let x = scope.input("x", f32s(&[2]))?;
        let y = scope.custom("test.double", Default::default(), &[&x], |_, x| Ok(vec![(&x[0] * 2.0)?]))?;
        scope.output("y", &y[0])
    });
    for mode in MODES {
        let device = open();
        let coverage = device.coverage(&program);
        let custom = coverage.ops.iter().find(|op| op.op == "test.double").unwrap();
        assert_eq!(custom.support, Support::Decomposed);
        assert!(
            coverage.ops.iter().filter(|op| op.op != "test.double").all(|op| op.support == Support::Native)
        );
        let mut session = Session::of(&device, &program, mode, &Checkpoint::default());
        assert_eq!(session.write("x", &[1.0, 2.0]).run().read("y"), [2.0, 4.0]);
    }
}

#[test]
fn the_arena_is_what_the_planner_says_and_is_counted() {
    let device = open();
    let program = trace(|scope| {
        let mut x = scope.input("x", f32s(&[64, 64]))?;
        for i in 0..10 {
            x = x.linear(&scope.param(&format!("w{i}"), &[64, 64])?, None)?;
        }
        scope.output("y", &x)
    });
    let module = compile(&device, &program, LaunchMode::Compiled);
    let planned = memory::plan(&passes::group_elementwise(program.clone()), 64, |_, node| {
        memory::Need::fresh(&node.op)
    });
    assert_eq!(module.arena_bytes(), planned.last().unwrap().size);
    assert_eq!(module.arena_bytes(), 2 * 64 * 64 * 4, "a chain takes two buffers");
    let from = (0..10).fold(Checkpoint::default(), |c, i| c.with(&format!("w{i}"), &[64, 64], &[0.0; 4096]));
    let set = weights(&device, module.as_ref(), &from);
    let instances = [module.bind(&set).unwrap(), module.bind(&set).unwrap()];
    assert_eq!(device.memory().arenas, 2 * module.arena_bytes() as u64);
    drop(instances);
    assert_eq!(device.memory().arenas, 0);
}

#[test]
fn calls_that_nest_too_deep_are_refused() {
    let program = trace(|scope| {
        let ty = f32s(&[1]);
        let mut block = scope.block("0", &[&ty], |_, x| Ok(vec![(&x[0] + 1.0)?]))?;
        for i in 1..400 {
            block = scope.block(&i.to_string(), &[&ty], |scope, x| block.call(scope, &[&x[0]]))?;
        }
        scope.output("y", &block.call(scope, &[&scope.input("x", ty.clone())?])?[0])
    });
    let Err(error) = open().compile(&program, &CompileOptions { launch: LaunchMode::Compiled }) else {
        panic!()
    };
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}
