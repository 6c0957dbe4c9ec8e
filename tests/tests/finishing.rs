//! From denoised latents to the caller: previews on the way, pictures as they are done, latents that are not lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype::pipeline::files::{Latents, read_latents, write_latents};
use tintype::pipeline::scheduler::{Sampler, ScheduleRequest, Scheduler};
use tintype::{CancelToken, DType, Error, Event, Picture, Request, Result, Steps, Watcher};
use tintype_tests::{Recorder, cases, model, open_cpu, request_of};

fn base() -> Request {
    let cases = cases();
    request_of(cases.iter().find(|case| case.case == "base").unwrap())
}

/// Keeps pictures as they come, previews apart; refuses the picture of one number.
#[derive(Default)]
struct Keeper {
    finished: Vec<(usize, Picture)>,
    previews: Vec<(usize, usize, Picture)>,
    refuse: Option<usize>,
}

impl Watcher for Keeper {
    fn event(&mut self, event: Event) {
        if let Event::Preview { picture, done, preview, .. } = event {
            self.previews.push((picture, done, (*preview).clone()));
        }
    }

    fn finished(&mut self, index: usize, picture: &Picture) -> Result<()> {
        if self.refuse == Some(index) {
            let source = std::io::Error::other("the disk is full");
            return Err(Error::Write { path: "out.png".into(), source });
        }
        self.finished.push((index, picture.clone()));
        Ok(())
    }
}

#[test]
fn previews_come_when_they_are_due_and_leave_the_picture_alone() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let request = Request { steps: Some(Steps::Count(8)), count: Some(3), batch_size: Some(2), ..base() };
    let plain = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
    let mut keeper = Keeper::default();
    let watched = Request { preview: Some(3), ..request };
    let made = pipeline.generate(&watched, &mut keeper, &CancelToken::default()).unwrap();
    assert_eq!(plain.pictures, made.pictures);
    let when: Vec<_> = keeper.previews.iter().map(|(picture, done, _)| (*picture, *done)).collect();
    assert_eq!(when, [(0, 3), (1, 3), (0, 6), (1, 6), (2, 3), (2, 6)]);
    assert_ne!(keeper.previews[0].2.rgb, keeper.previews[2].2.rgb);
    for (_, _, preview) in &keeper.previews {
        assert_eq!((preview.width, preview.height), (made.pictures[0].width, made.pictures[0].height));
    }
}

/// What a preview shows, computed from the latents before and after its step.
#[test]
fn a_preview_is_the_estimate_without_noise() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let mut recorder = Recorder::default();
    let request = Request { steps: Some(Steps::Count(4)), preview: Some(2), ..base() };
    let made = pipeline.generate(&request, &mut recorder, &CancelToken::default()).unwrap();
    let mut previews = recorder.events.iter().filter_map(|event| match event {
        Event::Preview { preview, done: 2, .. } => Some(preview),
        _ => None,
    });
    let preview = previews.next_back().unwrap();

    let latents = &recorder.tensors["latents_step_1"];
    let [pictures, tokens, channels] = latents.shape[..] else { panic!("{:?}", latents.shape) };
    let scheduler = Scheduler::open(&model("flux-base").join("scheduler")).unwrap();
    let row = scheduler.table(&ScheduleRequest::text_to_image(4, tokens)).unwrap().rows[1];
    let before = &recorder.tensors["latents_step_0"].values;
    let estimate = |(next, sample): (&f32, &f32)| (next - row.c_sample * sample) / row.c_x0;
    let values = latents.values.iter().zip(before).map(estimate).collect();
    let (_, text) = made.pictures[0].text.iter().find(|(keyword, _)| keyword == "tintype").unwrap();
    let made = serde_json::from_str(text).unwrap();
    let latents = Latents { made, shape: [pictures, tokens, channels], values };
    let expected = pipeline.decode(&latents, &mut |_| {}, &CancelToken::default()).unwrap();
    let pairs = preview.rgb.iter().zip(&expected.pictures[0].rgb);
    assert!(pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap() <= 1);
}

#[test]
fn a_preview_of_a_large_picture_is_small() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let mut keeper = Keeper::default();
    let request = Request {
        width: Some(512),
        height: Some(320),
        steps: Some(Steps::Count(2)),
        preview: Some(1),
        ..base()
    };
    let cancel = CancelToken::default();
    let made = pipeline.generate(&request, &mut keeper, &cancel).unwrap();
    let (_, _, preview) = &keeper.previews[0];
    assert_eq!((preview.width, preview.height), (256, 160));
    // The mean colour of what is averaged is near that of the whole.
    let mean = |p: &Picture| p.rgb.iter().map(|b| f64::from(*b)).sum::<f64>() / p.rgb.len() as f64;
    assert!((mean(preview) - mean(&made.pictures[0])).abs() < 40.0);
}

#[test]
fn pictures_are_given_as_they_are_done_with_their_texts() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let mut keeper = Keeper::default();
    let request = Request { count: Some(3), batch_size: Some(2), ..base() };
    let made = pipeline.generate(&request, &mut keeper, &CancelToken::default()).unwrap();
    let numbers: Vec<_> = keeper.finished.iter().map(|(index, _)| *index).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert!(keeper.finished.iter().map(|(_, picture)| picture).eq(&made.pictures));
    for only in 0..3 {
        let request = Request { only: Some(only), ..request.clone() };
        let mut keeper = Keeper::default();
        let alone = pipeline.generate(&request, &mut keeper, &CancelToken::default()).unwrap();
        assert_eq!(alone.pictures, made.pictures[only..=only]);
        assert_eq!(keeper.finished[0].0, only);
    }
    let none = Request { only: Some(3), ..request };
    let told = pipeline.generate(&none, &mut |_| {}, &CancelToken::default()).unwrap_err().to_string();
    assert!(told.contains("only is 3"), "{told}");
}

#[test]
fn what_a_watcher_cannot_take_is_kept_and_finished_later() {
    let mut pipeline = open_cpu("flux-bf16", DType::Bf16, None);
    let request = Request { count: Some(5), batch_size: Some(3), ..base() };
    let whole = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
    let mut keeper = Keeper { refuse: Some(1), ..Keeper::default() };
    let error = pipeline.generate(&request, &mut keeper, &CancelToken::default()).unwrap_err();
    let Error::Unfinished { latents, source } = error else { panic!("{error}") };
    assert!(source.to_string().contains("the disk is full"));
    assert_eq!((latents.made.picture, latents.shape[0]), (1, 2), "the rest of the batch");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.latents.safetensors");
    write_latents(&path, &latents).unwrap();
    let kept = read_latents(&path).unwrap();
    assert_eq!(kept, *latents);
    let mut later = Keeper::default();
    let mut other = open_cpu("flux-bf16", DType::Bf16, None);
    let made = other.decode(&kept, &mut later, &CancelToken::default()).unwrap();
    assert_eq!(made.pictures, whole.pictures[1..3], "pixels and texts");
    assert_eq!(later.finished.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(other.weights().len(), 1, "only the decoder is loaded");
}

#[test]
fn a_cancelled_decode_is_cancelled_and_no_failure() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let cancel = CancelToken::default();
    let token = cancel.clone();
    let mut watch = move |event| {
        if matches!(event, Event::Decoding { .. }) {
            token.cancel();
        }
    };
    let error = pipeline.generate(&base(), &mut watch, &cancel).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
}
