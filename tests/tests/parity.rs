//! Parity with diffusers: every golden case, module by module, step by step, pixel by pixel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype::{CancelToken, DType, Event, LaunchMode, Request};
use tintype_tests::{Case, Denoiser, Golden, Recorder, Told, cases, open_cpu, relative_error, request_of};

/// The bound on every f32 result, `‖a − b‖ / ‖b‖`.
const BOUND: f64 = 1e-5;

/// Stages that a case may keep, and that a run shows.
fn stages(case: &Case) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for prefix in ["", "negative."] {
        for name in ["clip.last_hidden_state", "clip.pooled", "t5.last_hidden_state"] {
            names.push(format!("{prefix}{name}"));
        }
    }
    names.extend(["vae.sample", "latents_init"].map(String::from));
    names.extend((0..case.steps).map(|i| format!("latents_step_{i}")));
    names
}

fn check(case: &Case, launch: LaunchMode) -> Vec<String> {
    let golden = Golden::of(case);
    let mut pipeline = open_cpu(&case.model, DType::F32, Some(launch));
    let mut recorder = Recorder::default();
    let made = pipeline.generate(&request_of(case), &mut recorder, &CancelToken::default()).unwrap();
    let mut faults = Vec::new();
    for name in ["clip.ids", "t5.ids", "negative.clip.ids", "negative.t5.ids"] {
        if let (Some(ours), Some(theirs)) = (recorder.tensors.get(name), golden.get(name))
            && ours.values != theirs.values
        {
            faults.push(format!("{}: {name} differ: {:?} {:?}", case.case, ours.values, theirs.values));
        }
    }
    let mut compared = 0;
    for name in stages(case) {
        if let (Some(ours), Some(theirs)) = (recorder.tensors.get(&name), golden.get(&name)) {
            let error = relative_error(&ours.values, &theirs.values);
            compared += 1;
            if error > BOUND {
                faults.push(format!("{}: {name} is off by {error:.2e}", case.case));
            }
        }
    }
    if let Some(theirs) = golden.get("vae.decode_output") {
        let error = relative_error(&recorder.tensors["vae.decode_output"].values, &theirs.values);
        compared += 1;
        if error > BOUND {
            faults.push(format!("{}: vae.decode_output is off by {error:.2e}", case.case));
        }
    }
    if compared < 3 {
        faults.push(format!("{}: only {compared} results could be compared", case.case));
    }
    let pixels: Vec<f32> = made.pictures.iter().flat_map(|p| p.rgb.iter().map(|&b| f32::from(b))).collect();
    let theirs = &golden.get("image_u8").unwrap().values;
    let worst = pixels.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    if worst > 1.0 || pixels.len() != theirs.len() {
        faults.push(format!("{}: the picture is off by {worst} levels", case.case));
    }
    faults.extend(check_truncation(case, &recorder));
    faults
}

fn check_truncation(case: &Case, recorder: &Recorder) -> Option<String> {
    let told = |encoder: &str| {
        recorder.events.iter().find_map(|event| match event {
            Event::Truncated { encoder: e, removed, .. } if *e == encoder => Some(removed.clone()),
            _ => None,
        })
    };
    let (clip, t5) = (told("text_encoder"), told("text_encoder_2"));
    let agree = clip == case.truncated.clip && t5 == case.truncated.t5;
    (!agree).then(|| format!("{}: truncated {clip:?} {t5:?}, not {:?}", case.case, case.truncated))
}

fn f32_cases() -> Vec<Case> {
    let mut cases = cases();
    // diffusers rounds a size that it cannot make; we refuse it, see `errors.rs`.
    cases.retain(|case| case.dtype == "f32" && case.case != "size-rounded-down");
    assert!(cases.len() >= 40, "only {} golden cases were found", cases.len());
    cases
}

#[test]
fn every_f32_case_is_diffusers() {
    let faults: Vec<_> = f32_cases().iter().flat_map(|case| check(case, LaunchMode::Compiled)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The denoiser alone, on diffusers' own inputs, so that nothing before it can hide or excuse an error.
#[test]
fn the_denoiser_alone_is_diffusers() {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let mut compared = 0;
    for case in f32_cases() {
        let golden = Golden::of(&case);
        let get = |name: &str| golden.get(name).map(|tensor| tensor.values.as_slice());
        let (Some(hidden_states), Some(text), Some(pooled), Some(output)) = (
            get("transformer.hidden_states"),
            get("transformer.encoder_hidden_states").or(get("t5.last_hidden_state")),
            get("transformer.pooled_projections").or(get("clip.pooled")),
            get("transformer.output"),
        ) else {
            continue;
        };
        let ids = &golden.get("transformer.img_ids").unwrap().values;
        let largest = |axis: usize| ids.chunks(3).map(|id| id[axis] as usize + 1).max().unwrap();
        let batch = golden.get("transformer.output").unwrap().shape[0];
        let mut denoiser =
            Denoiser::new(&device, &case.model, batch, [largest(1), largest(2)], case.max_sequence_length);
        let time = f64::from(get("transformer.timestep").unwrap()[0] * 1000.0);
        let guidance = get("transformer.guidance").map_or(0.0, |guidance| f64::from(guidance[0] * 1000.0));
        let error =
            relative_error(&denoiser.predict(&Told { hidden_states, text, pooled, time, guidance }), output);
        assert!(error < BOUND, "{}: the transformer's output is off by {error:.2e}", case.case);
        compared += 1;
    }
    assert!(compared >= 30, "{compared} cases were compared");
}

#[test]
fn eager_launch_gives_the_same() {
    let few = ["base", "true-cfg", "image", "draw1", "draw4"];
    let cases = f32_cases().into_iter().filter(|case| few.contains(&case.case.as_str()));
    let faults: Vec<_> = cases.flat_map(|case| check(&case, LaunchMode::Eager)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// In bf16 only the draws can agree to the bit; how good the rest is, `bf16.rs` says.
#[test]
fn bf16_cases_start_from_the_same_noise() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.dtype == "bf16" && case.image.is_none()) {
        let golden = Golden::of(case);
        let mut recorder = Recorder::default();
        let mut pipeline = open_cpu(&case.model, DType::Bf16, None);
        pipeline.generate(&request_of(case), &mut recorder, &CancelToken::default()).unwrap();
        assert_eq!(recorder.tensors["latents_init"].values, golden.get("latents_init").unwrap().values);
        assert_eq!(recorder.tensors["clip.ids"].values, golden.get("clip.ids").unwrap().values);
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn batch_size_changes_no_picture() {
    let cases = cases();
    let case = cases.iter().find(|case| case.case == "three-pictures").unwrap();
    for dtype in [DType::F32, DType::Bf16, DType::F16] {
        let mut pipeline = open_cpu(&case.model, dtype, None);
        let mut with = |batch_size| {
            let request = Request { batch_size: Some(batch_size), ..request_of(case) };
            let made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
            made.pictures.into_iter().map(|picture| picture.rgb).collect::<Vec<_>>()
        };
        let one = with(1);
        assert_eq!(one, with(2), "{dtype}");
        assert_eq!(one, with(3), "{dtype}");
        assert_ne!(one[0], one[1], "pictures of one run differ");
    }
}
