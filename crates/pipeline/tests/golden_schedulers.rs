//! The schedulers against diffusers: `tests/fixtures/golden/schedulers.*`.

mod golden;

use golden::{Tensors, relative};
use serde::Deserialize;
use serde_json::Value;
use tintype_pipeline::scheduler::{
    DpmSolverMultistep, FlowMatchEulerDiscrete, Sampler, ScheduleRequest, Scheduler, Shift, Steps, first_step,
};

#[derive(Deserialize)]
struct Golden {
    euler: Vec<Euler>,
    multistep: Vec<Multistep>,
    strength: Vec<(usize, f64, usize)>,
    shift: Vec<(usize, f64, f64, f64, f64, f64)>,
}

#[derive(Deserialize)]
struct Euler {
    config: Value,
    call: Call,
    kind: String,
    timesteps: Vec<f64>,
    sigmas: Vec<f64>,
}

#[derive(Deserialize)]
struct Call {
    sigmas: Option<Vec<f64>>,
    mu: Option<f64>,
}

#[derive(Deserialize)]
struct Multistep {
    config: Value,
    steps: usize,
    timesteps: Vec<f64>,
    sigmas: Vec<f64>,
}

/// Units in the last place between two f32 of one sign.
fn ulps(a: f32, b: f32) -> u32 {
    a.to_bits().abs_diff(b.to_bits())
}

#[test]
fn euler_levels_are_diffusers() {
    let golden: Golden = golden::json("schedulers");
    let (mut compared, mut equal) = (0, 0);
    // "own" rows are what set_timesteps spaces by itself; the Flux pipelines always give sigmas.
    for row in golden.euler.iter().filter(|row| row.kind != "own") {
        let config: FlowMatchEulerDiscrete = serde_json::from_value(row.config.clone()).unwrap();
        let given = row.call.sigmas.clone().unwrap();
        let mut spellings = vec![Steps::Sigmas(given.clone())];
        if row.kind == "flux" {
            spellings.push(Steps::Count(given.len()));
        }
        for steps in spellings {
            let sigmas = config.sigmas_at(&steps, row.call.mu.unwrap_or(0.0)).unwrap();
            assert_eq!(sigmas.len(), row.sigmas.len());
            for (got, want) in sigmas.iter().zip(&row.sigmas) {
                compared += 1;
                equal += usize::from(*got == *want as f32);
                // Where the spacing runs through powers or logarithms, libm's last bit may differ.
                let bent =
                    config.use_karras_sigmas == Some(true) || config.use_exponential_sigmas == Some(true);
                assert!(ulps(*got, *want as f32) <= u32::from(bent), "{} {got} {want}", row.config);
            }
            let scale = config.num_train_timesteps as f32;
            let timesteps: Vec<f32> = sigmas.iter().take(given.len()).map(|sigma| sigma * scale).collect();
            for (got, want) in timesteps.iter().zip(&row.timesteps) {
                assert!(ulps(*got, *want as f32) <= 1, "{} {got} {want}", row.config);
            }
        }
    }
    assert!(compared > 900 && equal * 100 >= compared * 99, "{equal} of {compared} equal");
}

#[test]
fn euler_steps_are_diffusers() {
    let tensors = Tensors::read("schedulers");
    let scheduler = Scheduler::from(FlowMatchEulerDiscrete { shift: 3.0, ..Default::default() });
    let request = ScheduleRequest::text_to_image(4, 64);
    let table = scheduler.table(&request).unwrap();
    let mut sample = tensors.f32s("euler.f32.sample");
    for (i, row) in table.rows.iter().enumerate() {
        sample = row.apply(&sample, &tensors.f32s(&format!("euler.f32.output_{i}")), [&[], &[]], &[]).0;
        assert_eq!(sample, tensors.f32s(&format!("euler.f32.sample_{i}")), "step {i}");
    }
}

#[test]
fn multistep_samples_are_diffusers() {
    let golden: Golden = golden::json("schedulers");
    let tensors = Tensors::read("schedulers");
    for (number, case) in golden.multistep.iter().enumerate() {
        let config: DpmSolverMultistep = serde_json::from_value(case.config.clone()).unwrap();
        let table = config.table(&ScheduleRequest::text_to_image(case.steps, 64)).unwrap();
        assert_eq!(table.rows.len(), case.steps);
        let mut sample = tensors.f32s("multistep.start");
        let mut history: Vec<Vec<f32>> = vec![vec![]; 2];
        for (i, row) in table.rows.iter().enumerate() {
            assert_eq!(f64::from(row.timestep), case.timesteps[i], "{}", case.config);
            assert_eq!(
                [f64::from(row.sigma), f64::from(row.sigma_next)],
                case.sigmas[i..i + 2],
                "{}",
                case.config
            );
            let output = tensors.f32s(&format!("multistep.output_{i}"));
            let (next, x0) = row.apply(&sample, &output, [&history[0], &history[1]], &[]);
            sample = next;
            history.insert(0, x0);
            let error = relative(&sample, &tensors.f32s(&format!("multistep.{number}.sample_{i}")));
            assert!(error < 2e-6, "{} step {i}: {error}", case.config);
        }
    }
}

#[test]
fn strengths_and_shifts_are_diffusers() {
    let golden: Golden = golden::json("schedulers");
    for (steps, strength, first) in golden.strength {
        match first_step(steps, strength) {
            Ok(found) => assert_eq!(found, first, "{steps} {strength}"),
            // diffusers finds out later that no step is left.
            Err(_) => assert!(first >= steps, "{steps} {strength}"),
        }
    }
    for (tokens, base_tokens, max_tokens, base_shift, max_shift, mu) in golden.shift {
        assert_eq!(Shift { base_tokens, max_tokens, base_shift, max_shift }.mu(tokens), mu);
    }
}
