//! A scheduler with two history slots, so that states are real: each step of the pipeline, held against the denoiser run
//! by itself and the scheduler's arithmetic on the host (which is held against diffusers in the pipeline's own tests).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use tintype::models::flux::scaled_time;
use tintype::pipeline::scheduler::{Sampler, ScheduleRequest, Scheduler};
use tintype::{CancelToken, DType, Pipeline, Request, Steps};
use tintype_tests::{Denoiser, Recorder, Told, cases, copy_folder, model, relative_error, request_of};

const STEPS: usize = 6;

#[test]
fn two_history_slots_are_carried_from_step_to_step() {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&model("flux-base"), folder.path());
    let config = r#"{"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": true, "solver_order": 3,
        "prediction_type": "flow_prediction", "flow_shift": 1.7}"#;
    std::fs::write(folder.path().join("scheduler/scheduler_config.json"), config).unwrap();
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let mut pipeline = Pipeline::open(folder.path(), Arc::clone(&device), Default::default()).unwrap();
    let cases = cases();
    let case = cases.iter().find(|case| case.case == "base").unwrap();
    let request = Request { steps: Some(Steps::Count(STEPS)), ..request_of(case) };
    let mut seen = Recorder::default();
    pipeline.generate(&request, &mut seen, &CancelToken::default()).unwrap();

    let scheduler = Scheduler::open(&folder.path().join("scheduler")).unwrap();
    assert_eq!(scheduler.history(), 2);
    let tokens = seen.tensors["latents_init"].shape[1];
    let table = scheduler.table(&ScheduleRequest::text_to_image(STEPS, tokens)).unwrap();
    assert!(table.rows.iter().any(|row| row.c_hist1 != 0.0), "the second slot is used");
    let grid = [case.height / 16, case.width / 16];
    assert_eq!(grid[0] * grid[1], tokens);
    let mut denoiser = Denoiser::new(&device, "flux-base", 1, grid, case.max_sequence_length);
    let (mut sample, mut history) = (seen.tensors["latents_init"].values.clone(), [vec![], vec![]]);
    for (i, row) in table.rows.iter().enumerate() {
        let output = denoiser.predict(&Told {
            hidden_states: &sample,
            text: &seen.tensors["t5.last_hidden_state"].values,
            pooled: &seen.tensors["clip.pooled"].values,
            time: scaled_time(f64::from(row.timestep / 1000.0), DType::F32),
            guidance: scaled_time(case.guidance, DType::F32),
        });
        let (next, x0) = row.apply(&sample, &output, [&history[0], &history[1]], &[]);
        let theirs = &seen.tensors[&format!("latents_step_{i}")].values;
        let error = relative_error(theirs, &next);
        assert!(error < 1e-5, "step {i} is off by {error:.2e}");
        let [newest, _] = history;
        history = [x0, newest];
        // From the pipeline's own latents, so that errors do not add up to hide a wrong step.
        sample.clone_from(theirs);
    }
}
