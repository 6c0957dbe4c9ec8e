//! What must not happen twice: compiles, loads; and what a write to a weight must do at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype::accel::{Stats, to_f32};
use tintype::{CancelToken, DType, Pipeline, Request, Steps};
use tintype_tests::{cases, copy_folder, open_cpu, request_of};

fn base() -> Request {
    let cases = cases();
    request_of(cases.iter().find(|case| case.case == "base").unwrap())
}

fn generate(pipeline: &mut Pipeline, request: &Request) -> (Vec<u8>, Stats) {
    let made = pipeline.generate(request, &mut |_| {}, &CancelToken::default()).unwrap();
    (made.pictures[0].rgb.clone(), made.stats)
}

#[test]
fn nothing_is_compiled_after_the_first_picture() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let (first, stats) = generate(&mut pipeline, &base());
    assert!(stats.compiles > 0);
    for (seed, prompt) in
        [(1, "a blue circle"), (2, ""), (3, "snow on a mountain at night, and much more besides")]
    {
        let (picture, stats) = generate(&mut pipeline, &Request { seed, prompt: prompt.into(), ..base() });
        assert_eq!((stats.compiles, stats.cache_hits), (0, 0));
        assert_eq!(stats.fallbacks, 0);
        assert_ne!(picture, first);
    }
    assert_eq!(generate(&mut pipeline, &base()).0, first, "the same request gives the same picture");
}

#[test]
fn another_number_of_steps_compiles_one_small_block_at_most_and_guidance_only_the_step() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let (_, first) = generate(&mut pipeline, &base());
    let (_, steps) = generate(&mut pipeline, &Request { steps: Some(Steps::Count(7)), ..base() });
    assert_eq!(steps.compiles, 0);
    let (_, more) = generate(&mut pipeline, &Request { steps: Some(Steps::Count(9)), ..base() });
    assert_eq!((more.compiles, more.cache_hits), (1, 0), "the table of modulations, which has one block");
    let (_, again) = generate(&mut pipeline, &base());
    assert_eq!((again.compiles, again.cache_hits), (0, 0));
    let request = Request { negative: Some("blurry".into()), true_cfg: Some(3.0), ..base() };
    let (_, guided) = generate(&mut pipeline, &request);
    assert!(
        guided.compiles > 0 && guided.compiles < first.compiles / 2,
        "{} of {}",
        guided.compiles,
        first.compiles
    );
    assert!(guided.cache_hits > 0, "the denoiser's blocks were found");
}

#[test]
fn the_loop_waits_only_to_pace_itself() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let with = |pipeline: &mut Pipeline, steps| {
        generate(pipeline, &Request { steps: Some(Steps::Count(steps)), ..base() }).1
    };
    with(&mut pipeline, 4);
    let (few, many) = (with(&mut pipeline, 4), with(&mut pipeline, 40));
    assert_eq!(many.runs - few.runs, 36, "one run a step");
    assert!(many.host_synchronizations <= few.host_synchronizations + 1, "{many:?} {few:?}");
    assert_eq!(many.bytes_uploaded, few.bytes_uploaded, "nothing is uploaded in the loop");
}

#[test]
fn a_weight_written_in_place_is_as_good_as_a_fresh_pipeline() {
    written("single_transformer_blocks.0.attn.to_q.weight");
}

/// What is computed once a picture from these is computed anew.
#[test]
fn so_is_one_that_no_step_reads() {
    written("transformer_blocks.0.norm1.linear.weight");
    written("context_embedder.weight");
}

fn written(name: &str) {
    let mut written = open_cpu("flux-base", DType::F32, None);
    let (before, _) = generate(&mut written, &base());
    let weights = |pipeline: &Pipeline| {
        pipeline.weights().into_iter().find(|(component, _)| *component == "transformer").unwrap().1
    };
    let set = weights(&written);
    let ty = set.slot(name).unwrap().ty.clone();
    let changed: Vec<f32> = (0..ty.elements()).map(|i| (i as f32 * 0.37).sin() * 0.2).collect();
    let bytes: Vec<u8> = changed.iter().flat_map(|v| v.to_le_bytes()).collect();
    set.write(name, bytes.clone()).unwrap();
    let (after, stats) = generate(&mut written, &base());
    assert_eq!(stats.compiles, 0);
    assert_ne!(after, before);

    // The same weight, read from a file of another model folder.
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&tintype_tests::model("flux-base"), folder.path());
    let file = folder.path().join("transformer/diffusion_pytorch_model.safetensors");
    let mut content = std::fs::read(&file).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&content).unwrap();
    let view = tensors.tensor(name).unwrap();
    assert_eq!(to_f32(DType::F32, view.data()).len(), changed.len());
    let start = view.data().as_ptr() as usize - content.as_ptr() as usize;
    content[start..start + bytes.len()].copy_from_slice(&bytes);
    std::fs::write(&file, content).unwrap();
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let mut fresh = Pipeline::open(folder.path(), device, Default::default()).unwrap();
    assert_eq!(generate(&mut fresh, &base()).0, after);
}
