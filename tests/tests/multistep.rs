//! A scheduler with two history slots, so that states are real: each step of the pipeline, held against the denoiser run
//! by itself and the scheduler's arithmetic on the host (which is held against diffusers in the pipeline's own tests).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use tintype::accel::{Accelerator, Bindings, CompileOptions, Purpose, Weights, from_f32, to_f32};
use tintype::models::flux;
use tintype::pipeline::files::Checkpoint;
use tintype::pipeline::scheduler::{Sampler, ScheduleRequest, Scheduler};
use tintype::program::TensorType;
use tintype::{CancelToken, DType, LaunchMode, Pipeline, Request, Steps};
use tintype_tests::{Recorder, cases, copy_folder, model, relative_error, request_of};

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
    let mut denoiser = Denoiser::new(&device, tokens, [case.height / 16, case.width / 16], case.max_sequence_length);
    let (mut sample, mut history) = (seen.tensors["latents_init"].values.clone(), [vec![], vec![]]);
    for (i, row) in table.rows.iter().enumerate() {
        let output = denoiser.predict(&seen, &sample, f64::from(row.timestep / 1000.0), case.guidance);
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

struct Denoiser {
    device: Arc<dyn Accelerator>,
    config: flux::Config,
    instance: Box<dyn tintype::accel::Instance>,
    signature: Arc<tintype::accel::Signature>,
    angles: flux::RopeTables,
}

impl Denoiser {
    fn new(device: &Arc<dyn Accelerator>, image_tokens: usize, grid: [usize; 2], text_tokens: usize) -> Self {
        let folder = model("flux-base").join("transformer");
        let config = flux::Config::from_json(&std::fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
        let grid = if grid[0] * grid[1] == image_tokens { grid } else { panic!("{grid:?} is not {image_tokens} tokens") };
        let program = flux::program(&config, flux::Sizes { batch: 1, text_tokens, image_tokens }, DType::F32).unwrap();
        let module = device.compile(&program, &CompileOptions { launch: LaunchMode::Compiled }).unwrap();
        let checkpoint = Checkpoint::open(&folder, &["diffusion_pytorch_model"]).unwrap();
        let params = &module.signature().params;
        let weights = Weights::load(device, params, &checkpoint, &|_| false, &mut |_, _| {}).unwrap();
        Self {
            device: Arc::clone(device),
            instance: module.bind(&weights).unwrap(),
            signature: Arc::clone(module.signature()),
            angles: flux::rope_tables(&config, text_tokens, grid[0], grid[1]).unwrap(),
            config,
        }
    }

    fn predict(&mut self, seen: &Recorder, sample: &[f32], time: f64, guidance: f64) -> Vec<f32> {
        let features = |value| flux::timestep_features(&[flux::scaled_time(value, DType::F32)]);
        let mut inputs = vec![
            ("hidden_states", sample.to_vec()),
            ("encoder_hidden_states", seen.tensors["t5.last_hidden_state"].values.clone()),
            ("pooled_projections", seen.tensors["clip.pooled"].values.clone()),
            ("timestep_features", features(time)),
            ("rope_cos", self.angles.cos.clone()),
            ("rope_sin", self.angles.sin.clone()),
        ];
        if self.config.guidance_embeds {
            inputs.push(("guidance_features", features(guidance)));
        }
        let mut bindings = Bindings::new(Arc::clone(&self.signature));
        for (name, values) in inputs {
            let slot = self.signature.inputs.iter().find(|slot| slot.name == name).unwrap();
            let buffer = self.device.buffer_from(&slot.ty, from_f32(DType::F32, &values)).unwrap();
            bindings.input(name, &buffer).unwrap();
        }
        let ty: &TensorType = &self.signature.outputs[0].ty;
        let output = self.device.buffer(ty, Purpose::Data).unwrap();
        bindings.output("output", &output).unwrap();
        self.instance.run(&mut bindings).unwrap();
        to_f32(DType::F32, &self.device.download(&output).unwrap())
    }
}
