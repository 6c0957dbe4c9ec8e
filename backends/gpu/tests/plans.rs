//! Every conformance case has a launch plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype_accel::LaunchMode;
use tintype_conformance::cases;
use tintype_gpu::{Architecture, launch_plan};
use tintype_program::{DType, Program, TensorType};

#[test]
fn every_case_has_a_plan() {
    let architecture = Architecture::hopper();
    for case in cases::all().unwrap() {
        for launch in [LaunchMode::Eager, LaunchMode::Compiled] {
            let plan = launch_plan(&case.program, launch, &architecture);
            let plan = plan.unwrap_or_else(|error| panic!("{}, {launch}: {error}", case.name));
            // A case without elements has nothing to launch.
            let moves =
                case.program.entry().results().any(|value| case.program.entry().ty(value).bytes() > 0);
            assert_eq!(plan.launches() > 0, moves, "{}, {launch}", case.name);
        }
    }
}

#[test]
fn blocks_get_arguments_from_aligned_addresses_on() {
    let launches = |start: usize| {
        let program = Program::trace("caller", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [1, 64]))?.slice(1, start, start + 32)?;
            let block = scope.block("norm", &[x.ty()], |_, x| Ok(vec![x[0].layer_norm(None, 1e-6)?]))?;
            scope.output("y", &block.call(scope, &[&x])?.remove(0))
        });
        launch_plan(&program.unwrap(), LaunchMode::Compiled, &Architecture::hopper()).unwrap().launches()
    };
    assert_eq!(launches(0), launches(4), "a multiple of 16 bytes is taken where it lies");
    assert_eq!(launches(0) + 1, launches(3), "others are copied first");
}
