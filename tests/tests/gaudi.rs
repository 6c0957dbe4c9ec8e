//! FLUX.1-dev at full size as Synapse recipes, by shapes alone: no library, no device, no weights.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use tintype::gaudi::{Options, Region, outline};
use tintype::pipeline::inspect::Inspector;
use tintype::{DType, LaunchMode, Request};
use tintype_tests::full_size::{Published, has_sparse_files};

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

#[test]
fn flux_dev_becomes_the_recipes_that_are_expected() {
    let folder = tempfile::tempdir().unwrap();
    if !has_sparse_files(folder.path()) {
        println!("skipped: files cannot have holes in {}", folder.path().display());
        return;
    }
    Published::Dev.write(folder.path()).unwrap();
    let inspector = Inspector::open(folder.path()).unwrap();
    let request = Request { width: Some(1024), height: Some(1024), ..Request::default() };
    let mut step = Options::default();
    step.region = Some(Region::Step);
    let mut text = String::new();
    for (name, program) in inspector.programs(&request, DType::Bf16).unwrap() {
        for (region, options) in [("block", &Options::default()), ("step", &step)] {
            let outline = outline(&program, LaunchMode::Compiled, options).unwrap();
            write!(text, "== {name}, a recipe a {region}\n{}", summary(&outline)).unwrap();
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/gaudi-flux-dev-1024.txt");
    if std::env::var_os("TINTYPE_WRITE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert!(fs::read_to_string(&golden).unwrap_or_default() == text, "{}", text);
}
