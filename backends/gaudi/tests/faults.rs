//! Every call of the library fails once, on the software Synapse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::sim::Sim;
use common::work::Work;
use tintype_accel::{Driver, LaunchMode, OpenOptions, Result};
use tintype_gaudi::GaudiDriver;

/// Calls that give something back, or that only tell: what was asked for is done without them.
const QUIET: [&str; 8] = [
    "synStatusGetBriefDescription",
    "synDriverGetVersion",
    "synDestroy",
    "synDeviceRelease",
    "synDeviceFree",
    "synHostFree",
    "synRecipeDestroy",
    "synGraphDestroy",
];

fn work(launch: LaunchMode) -> Result<[Vec<f32>; 2]> {
    let device = GaudiDriver::default().open(0, &OpenOptions::default())?;
    let mut work = Work::new(device, launch, 8)?;
    work.step()?;
    work.step()?;
    work.read()
}

#[test]
fn every_call_that_fails_is_told_and_leaves_nothing_behind() {
    common::passes("each_call_fails_once", &[]);
}

#[test]
#[ignore = "run by every_call_that_fails_is_told_and_leaves_nothing_behind"]
fn each_call_fails_once() {
    let sim = Sim::open(&common::synapse().unwrap());
    let mut tried = 0;
    for launch in LaunchMode::ALL {
        sim.reset();
        let expected = work(launch).unwrap();
        let counts = sim.counts();
        assert_eq!(sim.live(), [""; 0], "a run that succeeds leaves something behind");
        for (function, calls) in counts.iter().filter(|(name, _)| !name.starts_with("synapse_sim")) {
            // The first calls and the last: those between do the same.
            for nth in (1..=*calls).filter(|nth| *nth <= 4 || *nth == *calls) {
                sim.reset();
                sim.inject(&format!("{function}:{nth}:synFail"));
                let quiet = QUIET.contains(&function.as_str())
                    || function.ends_with("Destroy")
                    || function == "synEventQuery"
                    || function == "synEventRecord"
                    || function == "synEventCreate"
                    || function == "synStreamSynchronize";
                let result = work(launch);
                // Polls and waits come as often as they must: this one did not come this time.
                if sim.counts().get(function).is_none_or(|calls| *calls < nth) {
                    continue;
                }
                match result {
                    Err(error) => {
                        let told = error.to_string();
                        assert!(told.contains(function.as_str()), "{launch}: {function} {nth}: {told}");
                        assert!(told.contains("synFail (26)"), "{launch}: {function} {nth}: {told}");
                    }
                    Ok(got) => {
                        assert!(quiet, "{launch}: {function} failed at call {nth}, and nobody was told");
                        assert_eq!(got, expected, "{launch}: {function} {nth}");
                    }
                }
                let gives_back = function.ends_with("Destroy")
                    || function.ends_with("Free")
                    || function.ends_with("Release");
                if !gives_back {
                    assert_eq!(sim.live(), [""; 0], "{launch}: {function} {nth} leaves something behind");
                }
                sim.reset();
                assert_eq!(work(launch).unwrap(), expected, "{launch}: after {function} {nth}");
                tried += 1;
            }
        }
    }
    println!("{tried} failures");
    assert!(tried > 200);
    assert_eq!(sim.misuse().as_array().map(Vec::len), Some(0), "{}", sim.misuse());
}
