//! The pipeline under a software double of a driver, which computes nothing but witnesses every call: each launch mode, a process
//! each. Which vendor's that is, `super::VENDOR` says.

use super::VENDOR;
use super::double::{self, Witness, alive};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use tintype::accel::Stats;
use tintype::{CancelToken, Event, LaunchMode, OpenOptions, Pipeline, PipelineOptions, Request, Steps};

/// What a vendor calls the functions that are counted.
pub struct Vendor {
    pub backend: &'static str,
    /// What an error names where there is no compiler of kernels.
    pub compiler: &'static str,
    pub capture: &'static str,
    pub replay: &'static str,
    /// The last that a graph takes before it can be replayed.
    pub upload: &'static str,
    /// Those that enqueue a kernel, or a library's.
    pub launch: &'static [&'static str],
    /// Compiles a kernel, where the double stands for the compiler too.
    pub compile: Option<&'static str>,
    /// Asks after an event, which is no failure where it is not there yet.
    pub query: &'static str,
    /// What every copy's name begins with.
    pub copy: &'static str,
    /// What is never called behind the first picture, by how the names begin.
    pub never: &'static [&'static str],
}

/// Twice as many are still what the modulations of all steps are laid out for.
const STEPS: usize = 4;

/// Calls of each function.
type Calls = BTreeMap<String, u64>;

fn calls(witness: &Witness) -> Calls {
    let counts = witness.counts();
    let each = counts["calls"].as_object().unwrap().iter();
    each.map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect()
}

/// How many calls there are of functions whose names begin so.
fn of(calls: &Calls, begin: &str) -> u64 {
    calls.iter().filter(|(name, _)| name.starts_with(begin)).map(|(_, count)| count).sum()
}

/// How many launches there are.
fn launched(calls: &Calls) -> u64 {
    VENDOR.launch.iter().filter_map(|name| calls.get(*name)).sum()
}

/// What a picture took.
struct Took {
    stats: Stats,
    /// All calls.
    all: Calls,
    /// Those between the first and the last step.
    within: Calls,
    /// Kernels that ran, those of graphs included.
    kernels: u64,
}

fn open(launch: LaunchMode) -> Result<Pipeline, tintype::Error> {
    let device = tintype::backends().open(VENDOR.backend, None, &OpenOptions::default())?.accelerator;
    let options = PipelineOptions { dtype: None, launch: Some(launch), ..PipelineOptions::default() };
    Pipeline::open(tintype::bundled().unwrap(), device, options)
}

/// A picture of `steps` steps.
fn picture(pipeline: &mut Pipeline, witness: &Witness, steps: usize) -> Result<Took, tintype::Error> {
    witness.reset();
    let request = Request {
        prompt: "a red heart".into(),
        seed: steps as u64,
        steps: Some(Steps::Count(steps)),
        ..Request::default()
    };
    let (mut first, mut last) = (None, Calls::new());
    let mut watch = |event| {
        if let Event::Step { .. } = event {
            last = calls(witness);
            first.get_or_insert_with(|| last.clone());
        }
    };
    let made = pipeline.generate(&request, &mut watch, &CancelToken::default())?;
    // Nothing is computed, so nothing is to be seen.
    assert!(made.pictures[0].rgb.windows(2).all(|pair| pair[0] == pair[1]));
    let (first, all) = (first.unwrap(), calls(witness));
    let kernels = witness.counts()["totals"]["kernels_run"].as_u64().unwrap();
    let within = last.into_iter().map(|(name, count)| (name.clone(), count - first.get(&name).unwrap_or(&0)));
    Ok(Took { stats: made.stats, all, within: within.collect(), kernels })
}

/// Three pictures, the last of twice as many steps, by a pipeline that then goes, and with it all that it made. None where
/// there is no compiler of kernels.
fn three(launch: LaunchMode) -> Option<[Took; 3]> {
    let witness = Witness::new();
    let mut pipeline = open(launch).unwrap();
    let first = match picture(&mut pipeline, &witness, STEPS) {
        Err(error) if error.to_string().contains(VENDOR.compiler) => {
            assert!(env::var_os("TINTYPE_EXPECT_NVRTC").is_none(), "{error}");
            println!("NOT RUN: {error}");
            return None;
        }
        first => first.unwrap(),
    };
    let second = picture(&mut pipeline, &witness, STEPS).unwrap();
    let longer = picture(&mut pipeline, &witness, 2 * STEPS).unwrap();
    drop(pipeline);
    assert_eq!(alive(&witness), [""; 0], "{launch}: what is left");
    let mut failed = witness.counts()["failed"].clone();
    // That an event is not there yet is an answer.
    failed.as_object_mut().unwrap().remove(VENDOR.query);
    assert_eq!(failed, Value::Object(Default::default()), "{launch}: calls that failed");
    for took in [&first, &second, &longer] {
        println!("{launch}: {:?}\n  between the steps {:?}\n  {:?}", took.all, took.within, took.stats);
        agrees(launch, took);
    }
    Some([first, second, longer])
}

/// What we count is what the driver was told.
fn agrees(launch: LaunchMode, took: &Took) {
    let (stats, all) = (&took.stats, &took.all);
    assert_eq!(stats.captures, of(all, VENDOR.capture), "{launch}: captures");
    assert_eq!(stats.replays, of(all, VENDOR.replay), "{launch}: replays");
    assert_eq!(stats.launches, took.kernels, "{launch}: launches");
    if matches!(launch, LaunchMode::Compiled | LaunchMode::Eager) {
        assert_eq!(stats.launches, launched(all), "{launch}: launches");
    }
    assert_eq!(stats.fallbacks, 0, "{launch}");
}

/// A picture behind the first: nothing is allocated, captured, compiled, or waited for as a whole; and nothing is copied in its loop.
fn steady(launch: LaunchMode, later: &Took) {
    for begin in VENDOR.never {
        assert_eq!(of(&later.all, begin), 0, "{launch}: {begin} behind the first picture: {:?}", later.all);
    }
    assert_eq!(of(&later.within, VENDOR.copy), 0, "{launch}: copies in the loop: {:?}", later.within);
    assert_eq!(later.stats.compiles, 0, "{launch}");
}

/// How many more calls a picture of more steps takes, a step.
fn a_step(count: impl Fn(&Calls) -> u64, second: &Took, longer: &Took) -> f64 {
    (count(&longer.all) as f64 - count(&second.all) as f64) / STEPS as f64
}

pub fn in_graph_mode_a_step_is_one_launch_of_a_graph() {
    let Some([first, second, longer]) = three(LaunchMode::Graph) else { return };
    steady(LaunchMode::Graph, &second);
    steady(LaunchMode::Graph, &longer);
    assert!(first.stats.captures > 0);
    assert_eq!(a_step(|calls| of(calls, VENDOR.replay), &second, &longer), 1.0);
    assert_eq!(launched(&second.all), 0);
}

pub fn in_lazy_mode_a_step_is_one_launch_of_a_graph() {
    let Some([_, second, longer]) = three(LaunchMode::Lazy) else { return };
    steady(LaunchMode::Lazy, &second);
    steady(LaunchMode::Lazy, &longer);
    assert_eq!(a_step(|calls| of(calls, VENDOR.replay), &second, &longer), 1.0);
}

pub fn in_compiled_and_eager_mode_every_step_launches_the_same() {
    let mut launches = Vec::new();
    for launch in [LaunchMode::Compiled, LaunchMode::Eager] {
        let Some([first, second, longer]) = three(launch) else { return };
        steady(launch, &second);
        steady(launch, &longer);
        assert_eq!(first.stats.launches, second.stats.launches, "{launch}");
        launches.push(a_step(launched, &second, &longer));
    }
    assert!(launches[0] < launches[1], "{} launches a step, {} one by one", launches[0], launches[1]);
}

/// A picture is made without the graph that could not be had, and whoever watches is told once.
pub fn a_graph_that_is_refused_is_told_and_the_picture_is_made() {
    let witness = Witness::new();
    if three(LaunchMode::Compiled).is_none() {
        return;
    }
    let mut pipeline = open(LaunchMode::Graph).unwrap();
    witness.fail(VENDOR.upload, 1, 900);
    let mut told = Vec::new();
    let mut watch = |event| {
        if let Event::Fallback { what } = event {
            told.push(what);
        }
    };
    let request =
        Request { prompt: "a red heart".into(), steps: Some(Steps::Count(STEPS)), ..Request::default() };
    let first = pipeline.generate(&request, &mut watch, &CancelToken::default()).unwrap();
    let second = pipeline.generate(&request, &mut watch, &CancelToken::default()).unwrap();
    assert_eq!((first.stats.fallbacks, second.stats.fallbacks), (1, 0));
    let [told] = &told[..] else { panic!("{told:?}") };
    assert!(told.contains(VENDOR.upload) && told.contains("900") && told.contains("--strict"), "{told}");
    drop(pipeline);
    assert_eq!(alive(&witness), [""; 0]);
}

pub fn a_second_process_finds_every_kernel_on_disk(name: &str) {
    let Some([first, ..]) = three(LaunchMode::Graph) else { return };
    if env::var_os("WITH_KERNELS").is_some() {
        assert_eq!(VENDOR.compile.map_or(0, |compile| of(&first.all, compile)), 0, "{:?}", first.all);
        return;
    }
    let cache = env::var_os("TINTYPE_KERNEL_CACHE").unwrap();
    let kept = || -> BTreeMap<_, _> {
        let files = std::fs::read_dir(&cache).unwrap().map(|file| file.unwrap());
        files.map(|file| (file.file_name(), file.metadata().unwrap().modified().unwrap())).collect()
    };
    let before = kept();
    assert!(before.len() > 10, "{} files", before.len());
    let mut process = double::again(name, "");
    let again = process.env("TINTYPE_KERNEL_CACHE", &cache).env("WITH_KERNELS", "").status().unwrap();
    assert!(again.success());
    assert_eq!(kept(), before, "no kernel was compiled or written again");
}
