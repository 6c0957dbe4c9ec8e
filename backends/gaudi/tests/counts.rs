//! How often the library is called, by its own count, on the software Synapse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::sim::Sim;
use common::work::Work;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tintype_accel::LaunchMode;

#[test]
fn steps_compile_nothing_and_wait_for_nothing() {
    common::passes("steps_are_counted", &[]);
}

#[test]
#[ignore = "run by steps_compile_nothing_and_wait_for_nothing"]
fn steps_are_counted() {
    let sim = Sim::open(&common::synapse().unwrap());
    for (launch, recipes, launches) in [
        // The layer, and what comes after it: one launch for each call.
        (LaunchMode::Compiled, 2, 3),
        (LaunchMode::Graph, 2, 3),
        // Two operations a layer, and the sum.
        (LaunchMode::Eager, 3, 5),
        (LaunchMode::Lazy, 1, 1),
    ] {
        sim.reset();
        let device = common::open();
        let count = |name: &str| sim.counts().get(name).copied().unwrap_or(0);
        let mut work = Work::new(device.clone(), launch, 8).unwrap();
        assert_eq!(count("synGraphCompile"), recipes, "{launch}");
        let _again = Work::new(device.clone(), launch, 8).unwrap();
        assert_eq!(count("synGraphCompile"), recipes, "{launch}: one compile a block and shape");
        work.step().unwrap();
        sim.reset();
        let before = device.stats();
        for _ in 0..10 {
            work.step().unwrap();
        }
        let done = device.stats() - before;
        assert_eq!(count("synLaunch"), 10 * launches, "{launch}");
        assert_eq!((done.launches, done.runs, done.compiles), (10 * launches, 10, 0), "{launch}");
        for waits in ["synStreamSynchronize", "synEventSynchronize", "synDeviceSynchronize"] {
            assert_eq!(count(waits), 0, "{launch}: {waits}");
        }
        for makes in ["synGraphCompile", "synDeviceMalloc", "synHostMalloc"] {
            assert_eq!(count(makes), 0, "{launch}: {makes}");
        }
        let flushes = if launch == LaunchMode::Lazy { 10 } else { 0 };
        let replays = if launch == LaunchMode::Graph { 10 } else { 0 };
        assert_eq!((done.flushes, done.replays, done.captures), (flushes, replays, 0), "{launch}");
        assert_eq!(done.host_synchronizations, 0, "{launch}");
        let _other = Work::new(device.clone(), launch, 16).unwrap();
        assert_eq!(count("synGraphCompile"), recipes, "{launch}: another shape is compiled, once");
    }
}

#[test]
fn graphs_beyond_the_limit_are_recorded_again() {
    common::passes("graphs_are_counted", &[("TINTYPE_GAUDI_MAX_GRAPHS", "2")]);
}

#[test]
#[ignore = "run by graphs_beyond_the_limit_are_recorded_again"]
fn graphs_are_counted() {
    let device = common::open();
    let mut work = [8, 16, 24].map(|width| Work::new(device.clone(), LaunchMode::Graph, width).unwrap());
    let mut expected = work.iter().map(|_| Vec::new()).collect::<Vec<_>>();
    for (turn, which) in [0, 1, 0, 1, 2, 1, 0, 0].into_iter().enumerate() {
        let before = device.stats();
        work[which].step().unwrap();
        let done = device.stats() - before;
        // Of three shapes two are kept: the third takes the place of the one that was used longest ago.
        let recorded = [true, true, false, false, true, false, true, false][turn];
        assert_eq!((done.captures, done.replays), (u64::from(recorded), u64::from(!recorded)), "turn {turn}");
        assert_eq!(done.compiles, 0, "turn {turn}");
        expected[which].push(work[which].read().unwrap()[0].clone());
    }
    for outputs in expected {
        assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "replay is what recording was");
    }
}

#[test]
fn a_second_process_compiles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{},false,64", folder.path().display());
    let compiles = |log: &str| {
        let path = folder.path().join(log);
        let variables =
            [("PT_HPU_RECIPE_CACHE_CONFIG", config.as_str()), ("SYNAPSE_SIM_LOG", path.to_str().unwrap())];
        common::alone("works_in_a_process_of_its_own", &variables).map(|output| {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            fs::read_to_string(path)
                .unwrap()
                .lines()
                .filter(|line| line.contains("synGraphCompile syn"))
                .count()
        })
    };
    let Some(first) = compiles("first.log") else { return };
    assert_eq!(first, 2);
    assert_eq!(compiles("second.log"), Some(0));
    let recipes = || {
        let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|e| e == "recipe")).collect::<Vec<_>>()
    };
    let cut = recipes().remove(0);
    fs::write(&cut, b"not a recipe").unwrap();
    assert_eq!(compiles("third.log"), Some(1), "the corrupt one is made again");
    assert_eq!(compiles("fourth.log"), Some(0));
    assert!(!Path::new(&cut).with_extension("unfinished").exists());
}

#[test]
fn processes_share_a_folder_and_take_turns() {
    let Some(library) = common::synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = |most: &str| {
        let config = format!("{},false,{most}", folder.path().display());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "works_in_a_process_of_its_own", "--ignored", "--test-threads=1"]);
        command.env("TINTYPE_SYNAPSE", &library).env("PT_HPU_RECIPE_CACHE_CONFIG", config);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let held = || {
        let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let mut kinds: Vec<_> = files.filter_map(|file| Some(file.extension()?.to_owned())).collect();
        kinds.sort();
        kinds
    };
    let lock = fs::File::create(folder.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let mut both = [start("64"), start("64")];
    std::thread::sleep(Duration::from_secs(1));
    for process in &mut both {
        assert!(process.try_wait().unwrap().is_none(), "it did not wait for the lock");
    }
    assert!(held().is_empty());
    lock.unlock().unwrap();
    for mut process in both {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(held(), ["json", "json", "recipe", "recipe"]);
    assert!(start("0").wait().unwrap().success());
    assert_eq!(held().len(), 4, "nothing was written, so nothing goes");
    fs::remove_file(folder.path().join("lock")).unwrap();
    fs::read_dir(folder.path()).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    assert!(start("0").wait().unwrap().success());
    assert_eq!(held(), ["json", "recipe"], "without room, what was made last is kept");
}

#[test]
#[ignore = "run by a_second_process_compiles_nothing"]
fn works_in_a_process_of_its_own() {
    let mut work = Work::new(common::open(), LaunchMode::Compiled, 8).unwrap();
    work.step().unwrap();
    work.read().unwrap();
}
