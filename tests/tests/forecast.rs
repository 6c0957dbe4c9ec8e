//! What is forecast is what happens: memory to the byte, and refusal before any work.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod small;

use small::Small;
use std::sync::Arc;
use tintype::accel::Accelerator;
use tintype::pipeline::folder::ModelFolder;
use tintype::pipeline::inspect::{Fit, Inspector, TimedRun, Timings, check};
use tintype::{CancelToken, DType, LaunchMode, Picture, Pipeline, PipelineOptions, Request, Steps};
use tintype_tests::model;

fn cpu() -> Arc<dyn Accelerator> {
    tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator
}

fn small_request() -> Request {
    Request {
        prompt: "a red heart".into(),
        width: Some(64),
        height: Some(48),
        steps: Some(Steps::Count(3)),
        max_sequence_length: Some(24),
        ..Request::default()
    }
}

/// Requests that differ in what they keep in memory.
fn requests() -> Vec<Request> {
    let base = small_request();
    let several = |count, batch| Request { count: Some(count), batch_size: Some(batch), ..base.clone() };
    let picture = Picture { width: 8, height: 8, rgb: vec![9; 192], text: vec![] };
    vec![
        base.clone(),
        several(2, 1),
        several(2, 2),
        several(3, 2),
        several(7, 1),
        Request { negative: Some("blue".into()), true_cfg: Some(2.0), ..base.clone() },
        Request { image: Some((picture, Some(0.7))), ..base },
    ]
}

#[test]
fn memory_is_what_was_forecast_to_the_byte() {
    for name in ["flux-sharded", "flux-bf16", "flux-base"] {
        for launch in [LaunchMode::Compiled, LaunchMode::Graph, LaunchMode::Eager] {
            for dtype in [None, Some(DType::F32), Some(DType::Bf16)] {
                for request in requests() {
                    let (device, options) = (
                        cpu(),
                        PipelineOptions { dtype, launch: Some(launch), ..PipelineOptions::default() },
                    );
                    let mut pipeline = Pipeline::open(&model(name), device.clone(), options).unwrap();
                    let forecast = pipeline.forecast(&request).unwrap();
                    assert_eq!((device.memory().peak, device.stats().compiles), (0, 0));
                    pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
                    let found = device.memory();
                    let told = (found.peak, found.mapped, found.derived, found.arenas);
                    let last = forecast.phases.last().unwrap();
                    let wanted = (forecast.peak, forecast.mapped, last.derived, last.arenas);
                    assert_eq!(told, wanted, "{name}, {launch}, {dtype:?}, {:?}", forecast.asked);
                }
            }
        }
    }
}

#[test]
fn the_denoiser_is_costed_as_often_as_it_runs() {
    let inspector = Inspector::open(&model("flux-base")).unwrap();
    let work = inspector.work(&requests()[3], DType::F32).unwrap();
    let runs: Vec<(&str, usize)> =
        work.stages.iter().map(|stage| (stage.name.as_str(), stage.runs)).collect();
    let expected = [
        ("text_encoder", 1),
        ("text_encoder_2", 1),
        ("transformer.conditioning", 1),
        ("transformer", 6),
        ("vae.decoder", 3),
    ];
    assert_eq!(runs, expected);
}

#[test]
fn a_run_that_does_not_fit_is_refused_and_what_would_is_named() {
    let request = small_request();
    let needed = {
        let pipeline = Pipeline::open(&model("flux-base"), cpu(), PipelineOptions::default()).unwrap();
        pipeline.forecast(&request).unwrap().peak
    };
    let device = Small::new(cpu(), needed - 1);
    let mut pipeline =
        Pipeline::open(&model("flux-base"), device.clone(), PipelineOptions::default()).unwrap();
    assert_eq!(pipeline.forecast(&request).unwrap().fit, Fit::DoesNotFit);
    let mut events = 0;
    let refused = pipeline.generate(&request, &mut |_| events += 1, &CancelToken::default());
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("a picture of 64 x 48 in f32 needs"), "{told}");
    assert!(told.contains("--launch eager") && told.contains("--width 48 --height 32"), "{told}");
    assert_eq!((events, device.memory().held(), device.stats().compiles), (0, 0, 0));
    device.set_free(needed);
    pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
    // What the device holds for this model need not be free a second time.
    device.set_free(0);
    pipeline.generate(&Request { seed: 1, ..request }, &mut |_| {}, &CancelToken::default()).unwrap();
}

#[test]
fn a_step_is_timed_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, request) = (folder.path().join("timings.json"), small_request());
    let mut pipeline = Pipeline::open(&model("flux-base"), cpu(), PipelineOptions::default()).unwrap();
    let generated = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
    let seconds = generated.step_seconds.unwrap();
    assert!(seconds > 0.0 && seconds < 10.0);
    let made = TimedRun::made(&pipeline, &request, &generated, None);
    Timings::keep(&path, made.clone(), generated.step_seconds).unwrap();
    let forecast = pipeline.forecast(&request).unwrap();
    assert_eq!(TimedRun::forecast(pipeline.fingerprint(), &forecast, None), made);
    assert_eq!(Timings::read(&path).unwrap().find(&made).unwrap().seconds_per_step, seconds);
}

#[test]
fn good_models_have_nothing_wrong_with_them() {
    for name in ["flux-base", "flux-sharded", "flux-bf16", "flux-no-text-model-prefix", "flux-draw3"] {
        let mut told = Vec::new();
        let checked = check(
            &ModelFolder::open(model(name).as_path()).unwrap(),
            &CancelToken::default(),
            &mut |done, total| told.push((done, total)),
        );
        let checked = checked.unwrap();
        assert_eq!(checked.problems, [], "{name}");
        assert!(told.is_sorted() && told.last() == Some(&(checked.bytes, checked.bytes)), "{told:?}");
    }
}
