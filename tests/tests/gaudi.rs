//! FLUX.1-dev at full size as Synapse recipes, by shapes alone: no weights, and no device but the software Synapse, whose
//! sizes are emulated.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use tintype::accel::{CompileOptions, Driver, OpenOptions, Slot};
use tintype::gaudi::{GaudiDriver, Options, Region, outline};
use tintype::pipeline::inspect::{Fit, Inspector};
use tintype::program::Program;
use tintype::{DType, LaunchMode, PipelineOptions, Request};
use tintype_tests::full_size::{Published, has_sparse_files};
use tintype_tests::synapse;

/// Each recipe with how often each kind of node is in it.
fn summary(outline: &str) -> String {
    let mut text = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let finish = |text: &mut String, counts: &mut BTreeMap<&str, usize>| {
        for (guid, count) in std::mem::take(counts) {
            writeln!(text, "  {guid} {count}").unwrap();
        }
    };
    for line in outline.lines() {
        match line.strip_prefix("  ") {
            Some(node) => *counts.entry(node.split_whitespace().next().unwrap()).or_default() += 1,
            None => {
                finish(&mut text, &mut counts);
                writeln!(text, "{line}").unwrap();
            }
        }
    }
    finish(&mut text, &mut counts);
    text
}

/// Inputs of a node, and dimensions of a tensor, at most: MAX_TENSOR_NR and SYN_MAX_TENSOR_DIM.
const MOST_INPUTS: usize = 16;
const MOST_DIMENSIONS: usize = 5;
/// A node's name is at most so long.
const LONGEST_NAME: usize = 30;

/// Holds every node of an outline against what the interface takes.
fn within_limits(outline: &str) {
    for line in outline.lines().filter(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap();
        assert!(name.len() <= LONGEST_NAME, "{line}");
        let (inputs, _) = line.split_once(" -> ").unwrap();
        let absent = inputs.split([' ', ',']).filter(|word| *word == "-").count();
        assert!(inputs.matches('[').count() + absent <= MOST_INPUTS, "{line}");
        for shape in line.split('[').skip(1).map(|rest| rest.split(']').next().unwrap()) {
            assert!((1..=MOST_DIMENSIONS).contains(&shape.split(',').count()), "{line}");
        }
    }
}

/// The published model's folder; none where it would take 34 GB.
fn published() -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    if !has_sparse_files(folder.path()) {
        println!("skipped: files cannot have holes in {}", folder.path().display());
        return None;
    }
    Published::Dev.write(folder.path()).unwrap();
    Some(folder)
}

fn programs(folder: &Path) -> Vec<(&'static str, Program)> {
    let request = Request { width: Some(1024), height: Some(1024), ..Request::default() };
    Inspector::open(folder).unwrap().programs(&request, DType::Bf16).unwrap()
}

fn regions() -> [(&'static str, Options); 2] {
    let mut step = Options::default();
    step.region = Some(Region::Step);
    [("block", Options::default()), ("step", step)]
}

/// Runs [`compiled_by_the_software_synapse`] in a process of its own, for a device of so many bytes. What it prints, by the heading's text.
fn compiled(device: &str, memory: &str, library: &Path) -> BTreeMap<String, String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "compiled_by_the_software_synapse", "--ignored", "--nocapture"]);
    command.env("TINTYPE_SYNAPSE", library);
    command.env("SYNAPSE_SIM_DEVICE", device).env("SYNAPSE_SIM_MEMORY", memory);
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines = told.lines().filter_map(|line| line.split_once("= "));
    lines.map(|(heading, sizes)| (heading.trim().to_owned(), sizes.to_owned())).collect()
}

#[test]
fn flux_dev_becomes_the_recipes_that_are_expected_and_fits() {
    let (Some(folder), Some(library)) = (published(), synapse()) else { return };
    let sizes = compiled("gaudi2", "96000000000", &library);
    assert_eq!(sizes, compiled("gaudi3", "128000000000", &library), "both compile the same");
    let mut text = String::new();
    for (name, program) in programs(folder.path()) {
        for (region, options) in regions() {
            let outline = outline(&program, LaunchMode::Compiled, &options).unwrap();
            within_limits(&outline);
            let heading = format!("{name}, a recipe a {region}");
            write!(text, "== {heading}\n{}\n{}", sizes[&heading], summary(&outline)).unwrap();
        }
    }
    writeln!(text, "== the whole model\n{}", sizes["whole"]).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/gaudi-flux-dev-1024.txt");
    if std::env::var_os("TINTYPE_WRITE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert!(fs::read_to_string(&golden).unwrap_or_default() == text, "{}", text);
}

/// Nothing is loaded or run: Programs are compiled, and what they take is added up.
#[test]
#[ignore = "run by flux_dev_becomes_the_recipes_that_are_expected_and_fits"]
fn compiled_by_the_software_synapse() {
    let folder = published().unwrap();
    let programs = programs(folder.path());
    let memory: u64 = std::env::var("SYNAPSE_SIM_MEMORY").unwrap().parse().unwrap();
    for (region, options) in regions() {
        let device = GaudiDriver::with(options).open(0, &OpenOptions::default()).unwrap();
        assert!(device.device().emulated && device.device().memory == Some(memory));
        let (mut weights, mut data, mut arena, mut workspace) = (BTreeMap::new(), 0, 0, 0);
        for (name, program) in &programs {
            let options = CompileOptions { launch: LaunchMode::Compiled };
            let module = device.compile(program, &options).unwrap();
            let signature = module.signature();
            let bytes = |slots: &[Slot]| slots.iter().map(|slot| slot.ty.bytes()).sum::<usize>();
            let params: usize = signature.params.iter().map(|slot| slot.ty.bytes()).sum();
            let given = [&signature.inputs, &signature.states, &signature.outputs].map(|slots| bytes(slots));
            println!(
                "\n{name}, a recipe a {region}= persistent: weights {params}, inputs {}, states {}, outputs {}, between \
                 recipes {}; workspace {}, emulated",
                given[0],
                given[1],
                given[2],
                module.arena_bytes(),
                module.workspace_bytes()
            );
            data += given.iter().sum::<usize>();
            arena = arena.max(module.arena_bytes());
            workspace = workspace.max(module.workspace_bytes());
            for slot in &signature.params {
                // Both Programs of the transformer read one set.
                let component = name.split('.').next().unwrap();
                weights.insert((component, slot.name.clone()), slot.ty.bytes());
            }
        }
        let weights: usize = weights.values().sum();
        let total = weights + data + arena + workspace;
        assert!((total as u64) < memory, "{total} bytes, a recipe a {region}");
        if region == "block" {
            println!(
                "\nwhole= weights {weights}, data {data}, arena {arena}, workspace {workspace}, together {total}"
            );
        }
        // As a run plans it, cautiously, before anything is compiled.
        let request = Request { width: Some(1024), height: Some(1024), ..Request::default() };
        let how = PipelineOptions {
            dtype: Some(DType::Bf16),
            launch: Some(LaunchMode::Compiled),
            ..PipelineOptions::default()
        };
        let inspector = Inspector::open(folder.path()).unwrap();
        let forecast = inspector.forecast(&request, &*device, &how, None).unwrap();
        assert_eq!(forecast.fit, Fit::Fits, "{} bytes", forecast.peak);
        assert_eq!((device.stats().runs, device.memory().held()), (0, 0), "nothing was loaded or run");
    }
}
