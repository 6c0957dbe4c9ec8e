//! How far bf16 is from f32, beside how far diffusers' bf16 is from its own f32, from identical latents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde::Deserialize;
use tintype::{CancelToken, DType, Request, Steps};
use tintype_tests::{Golden, Recorder, fixtures, open_cpu, relative_error};

#[derive(Deserialize)]
struct Call {
    model: String,
    prompt: String,
    steps: usize,
    guidance: f64,
    width: usize,
    height: usize,
    max_sequence_length: usize,
    error_latents_final: Errors,
}

#[derive(Deserialize)]
struct Errors {
    by_seed: Vec<f64>,
    mean: f64,
}

/// Ours may be this much larger than diffusers', on average over eight seeds.
const RATIO: f64 = 1.1;

fn check(name: &str) {
    let text = std::fs::read_to_string(fixtures().join("golden").join(format!("{name}.json"))).unwrap();
    let call: Call = serde_json::from_str(&text).unwrap();
    let golden = Golden::open(name);
    let (start, reference) = (golden.get("latents_init").unwrap(), golden.get("f32.latents_final").unwrap());
    let seeds = call.error_latents_final.by_seed.len();
    assert_eq!(seeds, 8);
    let size = start.values.len() / seeds;
    let mut pipeline = open_cpu(&call.model, DType::Bf16, None);
    let mut errors = Vec::new();
    for seed in 0..seeds {
        let range = seed * size..(seed + 1) * size;
        let request = Request {
            prompt: call.prompt.clone(),
            guidance: Some(call.guidance),
            steps: Some(Steps::Count(call.steps)),
            width: Some(call.width),
            height: Some(call.height),
            max_sequence_length: Some(call.max_sequence_length),
            latents: Some(start.values[range.clone()].to_vec()),
            ..Request::default()
        };
        let mut recorder = Recorder::default();
        pipeline.generate(&request, &mut recorder, &CancelToken::default()).unwrap();
        let last = &recorder.tensors[&format!("latents_step_{}", call.steps - 1)];
        errors.push(relative_error(&last.values, &reference.values[range]));
    }
    let mean = errors.iter().sum::<f64>() / seeds as f64;
    let theirs = call.error_latents_final.mean;
    println!("{name}: bf16 is {mean:.3e} from f32, diffusers' {theirs:.3e}: {:.3}x", mean / theirs);
    assert!(mean <= RATIO * theirs, "{name}: {mean:.3e} against {theirs:.3e}; by seed {errors:?}");
}

#[test]
fn stored_bf16() {
    check("bf16-flux-bf16");
}

#[test]
fn second_draw() {
    check("bf16-flux-draw2");
}

#[test]
fn fourth_draw() {
    check("bf16-flux-draw4");
}
