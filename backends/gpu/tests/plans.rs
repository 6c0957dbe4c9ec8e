//! Every conformance case has a launch plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype_accel::LaunchMode;
use tintype_conformance::cases;
use tintype_gpu::{Architecture, launch_plan};

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
