//! Pipelines that share weights: what is held once, what is not, and when it goes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tintype::accel::Accelerator;
use tintype::{CancelToken, DType, Event, Pipeline, PipelineOptions, Quantization, Request, Steps};

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/flux-base")
}

fn device() -> Arc<dyn Accelerator> {
    tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator
}

fn small() -> Request {
    Request {
        prompt: "a red heart".into(),
        width: Some(48),
        height: Some(32),
        steps: Some(Steps::Count(1)),
        max_sequence_length: Some(24),
        ..Request::default()
    }
}

/// Makes a picture; gives its pixels and how many components were loaded.
fn run(pipeline: &mut Pipeline) -> (Vec<u8>, usize) {
    let mut loaded = 0;
    let mut watch = |event| {
        loaded += usize::from(matches!(event, Event::Loading { done, total, .. } if done == total));
    };
    let made = pipeline.generate(&small(), &mut watch, &CancelToken::default()).unwrap();
    (made.pictures[0].rgb.clone(), loaded)
}

/// Bytes of weights, in memory of their own or in the files' pages.
fn weights(device: &Arc<dyn Accelerator>) -> u64 {
    let report = device.memory();
    report.weights + report.mapped
}

#[test]
fn pipelines_opened_apart_hold_their_weights_twice_and_shared_ones_once() {
    let device = device();
    let open = || Pipeline::open(&model(), device.clone(), PipelineOptions::default()).unwrap();
    let mut first = open();
    let (picture, loaded) = run(&mut first);
    assert_eq!(loaded, 4, "CLIP, T5, the denoiser and the decoder");
    let once = weights(&device);

    let mut shared = first.share(PipelineOptions::default()).unwrap();
    assert_eq!(run(&mut shared), (picture.clone(), 0));
    assert_eq!(weights(&device), once);

    let mut apart = open();
    assert_eq!(run(&mut apart), (picture.clone(), 4));
    assert_eq!(weights(&device), 2 * once);
}

#[test]
fn weights_go_with_the_last_pipeline() {
    let device = device();
    let mut first = Pipeline::open(&model(), device.clone(), PipelineOptions::default()).unwrap();
    let (picture, _) = run(&mut first);
    let once = weights(&device);
    let mut second = first.share(PipelineOptions::default()).unwrap();
    let third = first.share(PipelineOptions::default()).unwrap();
    assert_eq!(run(&mut second).1, 0);
    drop(first);
    assert_eq!(weights(&device), once);
    assert_eq!(run(&mut second), (picture.clone(), 0));
    drop(second);
    assert_eq!(weights(&device), 0, "the third has not run, so it holds none");
    let mut third = third;
    assert_eq!(run(&mut third), (picture, 4));
}

#[test]
fn another_dtype_has_weights_of_its_own() {
    let device = device();
    let mut first = Pipeline::open(&model(), device.clone(), PipelineOptions::default()).unwrap();
    run(&mut first);
    let bf16 = PipelineOptions { dtype: Some(DType::Bf16), ..Default::default() };
    let mut second = first.share(bf16).unwrap();
    assert_eq!(run(&mut second).1, 4);
    // What is left open is as in the pipeline that shares.
    let mut third = second.share(PipelineOptions::default()).unwrap();
    assert_eq!(third.dtype(), DType::Bf16);
    assert_eq!(run(&mut third).1, 0);
}

#[test]
fn another_quantization_has_weights_of_its_own_and_they_serve_every_size() {
    let device = device();
    let mut pipeline = Pipeline::open(&model(), device.clone(), PipelineOptions::default()).unwrap();
    let (plain, _) = run(&mut pipeline);
    let how = [Some(Quantization::Fp8Row), Some(Quantization::Fp8Tensor), None];
    let mut kept = Vec::new();
    for quantize in how {
        let options = PipelineOptions { quantize: Some(quantize), ..Default::default() };
        let next = pipeline.share(options).unwrap();
        kept.push(std::mem::replace(&mut pipeline, next));
        let (picture, loaded) = run(&mut pipeline);
        assert_eq!(picture == plain, quantize.is_none(), "{quantize:?}");
        // The denoiser's only; those of the first are there still.
        assert_eq!(loaded, usize::from(quantize.is_some()), "{quantize:?}");
        let shorter = Request { max_sequence_length: Some(8), ..small() };
        pipeline.generate(&shorter, &mut |_| {}, &CancelToken::default()).unwrap();
    }
    let mut last = pipeline.share(PipelineOptions::default()).unwrap();
    assert_eq!((last.arithmetic().quantize, run(&mut last)), (None, (plain, 0)));
}

#[test]
fn two_that_start_at_once_load_once() {
    let device = device();
    let mut first = Pipeline::open(&model(), device.clone(), PipelineOptions::default()).unwrap();
    let mut second = first.share(PipelineOptions::default()).unwrap();
    let (left, right) = std::thread::scope(|threads| {
        let other = threads.spawn(|| run(&mut second));
        (run(&mut first), other.join().unwrap())
    });
    assert_eq!(left.0, right.0);
    assert_eq!(left.1 + right.1, 4);
}

#[test]
fn a_weight_written_through_one_changes_both() {
    let device = device();
    let mut first = Pipeline::open(&model(), device, PipelineOptions::default()).unwrap();
    let (before, _) = run(&mut first);
    let mut second = first.share(PipelineOptions::default()).unwrap();
    assert_eq!(run(&mut second).0, before);
    let all = first.weights();
    let (_, denoiser) = all.iter().find(|(name, _)| *name == "transformer").unwrap();
    let name = "x_embedder.bias";
    let bytes = denoiser.slot(name).unwrap().ty.bytes();
    denoiser.write(name, 1f32.to_le_bytes().repeat(bytes / 4)).unwrap();
    let after = run(&mut second).0;
    assert_ne!(after, before);
    assert_eq!(run(&mut first).0, after);
}
