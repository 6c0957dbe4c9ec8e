//! Every call of the library fails once, on the software Synapse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::sim::{STATUSES, Sim};
use common::work::Work;
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tintype_accel::{Driver, LaunchMode, OpenOptions, Result};
use tintype_gaudi::GaudiDriver;

/// Calls that give something back, or that only tell: what was asked for is done without them.
const QUIET: [&str; 9] = [
    "synStatusGetBriefDescription",
    "synDriverGetVersion",
    "synEventQuery",
    "synEventRecord",
    "synEventCreate",
    "synStreamSynchronize",
    "synDestroy",
    "synDeviceRelease",
    "synGraphDestroy",
];

type Read = [Vec<f32>; 2];

/// Two steps of a block that is called twice, by a thread of its own: a call that hangs is told from one that fails.
fn work(launch: LaunchMode) -> Result<Read> {
    let (done, told) = mpsc::channel();
    thread::spawn(move || {
        let work = || {
            let device = GaudiDriver::default().open(0, &OpenOptions::default())?;
            let mut work = Work::new(device, launch, 8)?;
            work.step()?;
            work.step()?;
            work.read()
        };
        // All that was made is gone when the result is there.
        let result = work();
        let _ = done.send(result);
    });
    told.recv_timeout(Duration::from_secs(30)).expect("it hangs")
}

fn gives_back(function: &str) -> bool {
    function.ends_with("Destroy") || function.ends_with("Free") || function.ends_with("Release")
}

/// A run of a launch mode that nothing is wrong with, and how often it calls what.
struct Sound {
    launch: LaunchMode,
    expected: Read,
    counts: BTreeMap<String, u64>,
}

impl Sound {
    fn of(sim: &Sim, launch: LaunchMode) -> Self {
        sim.reset();
        let expected = work(launch).unwrap();
        let mut counts = sim.counts();
        counts.retain(|name, _| !name.starts_with("synapse_sim"));
        assert_eq!(sim.live(), [""; 0], "a run that succeeds leaves something behind");
        Self { launch, expected, counts }
    }

    /// Fails the n-th call of a function. Whether that call came.
    fn fails(&self, sim: &Sim, function: &str, nth: u64, status: &str) -> bool {
        let at = format!("{}: {function} {nth} {status}", self.launch);
        sim.reset();
        sim.inject(&format!("{function}:{nth}:{status}"));
        let result = work(self.launch);
        // Polls and waits come as often as they must: this one may not have come this time.
        if sim.counts().get(function).is_none_or(|calls| *calls < nth) {
            return false;
        }
        match result {
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains(function) && told.contains(status), "{at}: {told}");
            }
            Ok(got) => {
                let quiet = gives_back(function) || QUIET.contains(&function);
                assert!(quiet, "{at}: nobody was told");
                assert_eq!(got, self.expected, "{at}");
            }
        }
        if !gives_back(function) {
            assert_eq!(sim.live(), [""; 0], "{at} leaves something behind");
        }
        self.next_is_right(sim, &at);
        true
    }

    /// The call succeeds, and its work fails on the stream.
    fn fails_later(&self, sim: &Sim, function: &str, nth: u64, status: &str) {
        let at = format!("{}: {function} {nth} {status}, on the stream", self.launch);
        sim.reset();
        sim.inject(&format!("{function}:{nth}:async:{status}"));
        let told = work(self.launch).expect_err(&at).to_string();
        assert!(told.contains("syn") && told.contains(status), "{at}: {told}");
        assert_eq!(sim.live(), [""; 0], "{at} leaves something behind");
        self.next_is_right(sim, &at);
    }

    fn next_is_right(&self, sim: &Sim, at: &str) {
        sim.reset();
        assert_eq!(work(self.launch).unwrap(), self.expected, "after {at}");
    }
}

/// The first, the middle and the last.
fn some(calls: u64) -> impl Iterator<Item = u64> {
    let mut chosen = vec![1, calls.div_ceil(2), calls];
    chosen.dedup();
    chosen.into_iter()
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
        let sound = Sound::of(&sim, launch);
        for (function, &calls) in &sound.counts {
            for nth in 1..=calls {
                tried += u64::from(sound.fails(&sim, function, nth, "synFail"));
            }
        }
    }
    println!("{tried} calls failed, one at a time");
    assert!(tried > 500, "{tried}");
    assert_eq!(sim.misuse().as_array().map(Vec::len), Some(0), "{}", sim.misuse());
}

#[test]
fn every_status_is_told_by_its_name() {
    common::passes("each_status_is_returned", &[]);
}

#[test]
#[ignore = "run by every_status_is_told_by_its_name"]
fn each_status_is_returned() {
    let sim = Sim::open(&common::synapse().unwrap());
    let mut tried = 0;
    for launch in [LaunchMode::Compiled, LaunchMode::Lazy] {
        let sound = Sound::of(&sim, launch);
        for (function, &calls) in &sound.counts {
            for nth in some(calls) {
                for status in STATUSES {
                    tried += u64::from(sound.fails(&sim, function, nth, status));
                }
            }
        }
    }
    println!("{tried} calls failed, by function and status");
    assert_eq!(sim.misuse().as_array().map(Vec::len), Some(0), "{}", sim.misuse());
}

#[test]
fn work_that_fails_on_the_stream_is_told_by_who_waits_for_it() {
    common::passes("each_piece_of_work_fails_once", &[]);
}

#[test]
#[ignore = "run by work_that_fails_on_the_stream_is_told_by_who_waits_for_it"]
fn each_piece_of_work_fails_once() {
    let sim = Sim::open(&common::synapse().unwrap());
    let mut tried = 0;
    for launch in LaunchMode::ALL {
        let sound = Sound::of(&sim, launch);
        for function in ["synLaunch", "synMemCopyAsync"] {
            for nth in 1..=sound.counts[function] {
                for status in ["synFail", "synDeviceReset", "synTimeout"] {
                    sound.fails_later(&sim, function, nth, status);
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} pieces of work failed");
    assert_eq!(sim.misuse().as_array().map(Vec::len), Some(0), "{}", sim.misuse());
}

#[test]
fn recipes_that_cannot_be_kept_or_read_are_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{},false,64", folder.path().display());
    common::passes("recipes_are_kept", &[("PT_HPU_RECIPE_CACHE_CONFIG", &config)]);
}

#[test]
#[ignore = "run by recipes_that_cannot_be_kept_or_read_are_compiled"]
fn recipes_are_kept() {
    let sim = Sim::open(&common::synapse().unwrap());
    let mut first = None;
    for (plan, compiles, what) in [
        ("synRecipeSerialize:1:synFail", 2, "one of two is kept"),
        ("", 1, "the other is kept"),
        ("synRecipeDeSerialize:2:synFail", 1, "one that is refused is made again"),
        ("", 0, "both are kept"),
    ] {
        sim.reset();
        if !plan.is_empty() {
            sim.inject(plan);
        }
        let got = work(LaunchMode::Compiled).unwrap();
        assert_eq!(*first.get_or_insert_with(|| got.clone()), got, "{what}");
        assert_eq!(sim.counts().get("synGraphCompile").copied().unwrap_or(0), compiles, "{what}");
        assert_eq!(sim.live(), [""; 0], "{what}");
    }
}
