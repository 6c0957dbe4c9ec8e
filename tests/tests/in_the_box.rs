//! The model in the box draws what diffusers draws with the same folder: parity from prompt to picture on trained weights.
#![allow(clippy::unwrap_used)]

use serde::Deserialize;
use std::path::{Path, PathBuf};
use tintype::pipeline::files::read_png;
use tintype::{CancelToken, LaunchMode, Pipeline, PipelineOptions, Request, Steps};

#[derive(Deserialize)]
struct Case {
    prompt: String,
    seed: u64,
    steps: usize,
    true_cfg: f64,
    negative: Option<String>,
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/emoji")
}

fn open(launch: Option<LaunchMode>) -> Pipeline {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let model = tintype::bundled().unwrap();
    Pipeline::open(model, device, PipelineOptions { launch, ..PipelineOptions::default() }).unwrap()
}

#[test]
fn pictures_are_those_of_diffusers_within_a_level() {
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(golden().join("cases.json")).unwrap()).unwrap();
    for launch in [LaunchMode::Compiled, LaunchMode::Graph, LaunchMode::Eager] {
        let mut pipeline = open(Some(launch));
        for (number, case) in cases.iter().enumerate() {
            let request = Request {
                prompt: case.prompt.clone(),
                seed: case.seed,
                steps: Some(Steps::Count(case.steps)),
                true_cfg: Some(case.true_cfg),
                negative: case.negative.clone(),
                ..Request::default()
            };
            let made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
            let theirs = read_png(&golden().join(format!("{number}.png"))).unwrap();
            let ours = &made.pictures[0];
            assert_eq!((ours.width, ours.height), (theirs.width, theirs.height));
            let apart = ours.rgb.iter().zip(&theirs.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            let many = ours.rgb.iter().zip(&theirs.rgb).filter(|(a, b)| a != b).count();
            println!(
                "{launch:?}, `{}`: {many} of {} levels differ, by at most {apart}",
                case.prompt,
                ours.rgb.len()
            );
            assert!(apart <= 1, "{launch:?}, `{}`: {apart} levels apart", case.prompt);
        }
    }
}

#[test]
fn a_prompt_is_all_that_is_needed() {
    let mut pipeline = open(None);
    let mut draw = |seed| {
        let request = Request { prompt: "a red apple".into(), seed, ..Request::default() };
        pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap()
    };
    let (one, again, other) = (draw(0), draw(0), draw(1));
    assert_eq!((one.settings.width, one.settings.height, one.settings.steps), (128, 128, 20));
    assert_eq!(one.pictures[0].rgb, again.pictures[0].rgb);
    assert_ne!(one.pictures[0].rgb, other.pictures[0].rgb);
    // The middle of the picture is the apple's, and red.
    let middle = (64 * 128 + 64) * 3;
    let [red, green, blue] = one.pictures[0].rgb[middle..middle + 3] else { unreachable!() };
    assert!(red > 150 && green < 120 && blue < 120, "{red} {green} {blue}");
}
