//! What happens in use: pipelines side by side on threads, and runs that are stopped at any point.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype::pipeline::files::read_png;
use tintype::{CancelToken, DType, Error, Pipeline, Request, Steps};
use tintype_tests::{fixtures, open_cpu};

fn small(seed: u64) -> Request {
    Request {
        prompt: "a red heart".into(),
        width: Some(48),
        height: Some(32),
        steps: Some(Steps::Count(3)),
        max_sequence_length: Some(24),
        seed,
        ..Request::default()
    }
}

fn pixels(pipeline: &mut Pipeline, request: &Request) -> Vec<u8> {
    let made = pipeline.generate(request, &mut |_| {}, &CancelToken::default()).unwrap();
    made.pictures.iter().flat_map(|picture| picture.rgb.clone()).collect()
}

#[test]
fn pipelines_on_threads_give_the_pictures_that_they_give_alone() {
    let open = || open_cpu("flux-base", DType::F32, None);
    let mut alone = open();
    let expected: Vec<_> = (0..6).map(|seed| pixels(&mut alone, &small(seed))).collect();
    // Of a device each; on one device, weights shared; and both at once.
    let shared = alone.share(Default::default()).unwrap();
    let mut pipelines = [alone, shared, open(), open()];
    for round in 0..3 {
        std::thread::scope(|threads| {
            for (offset, pipeline) in pipelines.iter_mut().enumerate() {
                let expected = &expected;
                threads.spawn(move || {
                    for i in 0..expected.len() {
                        let seed = (i + offset) % expected.len();
                        let made = pixels(pipeline, &small(seed as u64));
                        assert!(made == expected[seed], "round {round}, pipeline {offset}, seed {seed}");
                    }
                });
            }
        });
    }
}

/// Cancels at the event of every number in turn, in new pipelines and in one that has all its weights.
fn cancel_everywhere(request: &Request) {
    let open = || open_cpu("flux-base", DType::F32, None);
    let mut warm = open();
    let expected = pixels(&mut warm, request);
    let cancel_at = |pipeline: &mut Pipeline, stop: usize| {
        let cancel = CancelToken::default();
        let token = cancel.clone();
        let mut events = 0;
        let mut watch = |_| {
            if events == stop {
                token.cancel();
            }
            events += 1;
        };
        let result = pipeline.generate(request, &mut watch, &cancel);
        (result, events)
    };
    let (whole, cold_events) = cancel_at(&mut open(), usize::MAX);
    whole.unwrap();
    let (whole, warm_events) = cancel_at(&mut warm, usize::MAX);
    whole.unwrap();
    assert!(cold_events > warm_events && warm_events > 5, "{cold_events} cold, {warm_events} warm");
    // Loading tells of every tensor: the first and last of each component, and some between, stand for all.
    let stops =
        (0..cold_events).filter(|stop| cold_events < 100 || stop % 7 == 0 || *stop + 20 > cold_events);
    for stop in stops {
        let mut pipeline = open();
        let (result, events) = cancel_at(&mut pipeline, stop);
        assert!(matches!(result, Err(Error::Cancelled)), "cold, event {stop} of {cold_events}: {result:?}");
        // At most two steps are in flight, and both are told of; the next stage may be announced.
        assert!(events <= stop + 4, "cold: {events} events, cancelled at {stop}");
        assert!(pixels(&mut pipeline, request) == expected, "cold, after a stop at event {stop}");
    }
    for stop in 0..warm_events {
        let (result, events) = cancel_at(&mut warm, stop);
        assert!(matches!(result, Err(Error::Cancelled)), "warm, event {stop} of {warm_events}: {result:?}");
        assert!(events <= stop + 4, "warm: {events} events, cancelled at {stop}");
        assert!(pixels(&mut warm, request) == expected, "warm, after a stop at event {stop}");
    }
}

#[test]
fn a_run_can_be_cancelled_at_every_event() {
    cancel_everywhere(&Request { count: Some(3), batch_size: Some(2), ..small(1) });
}

#[test]
fn a_run_from_a_picture_can_be_cancelled_at_every_event() {
    let picture = read_png(&fixtures().join("inputs/48x32.png"));
    let image = picture.ok().map(|picture| (picture, Some(0.7)));
    assert!(image.is_some(), "the fixture's picture");
    let prompt = "a red heart and ".repeat(20);
    cancel_everywhere(&Request {
        image,
        prompt,
        negative: Some("dull".into()),
        true_cfg: Some(2.0),
        ..small(1)
    });
}

#[test]
fn a_token_that_is_cancelled_before_the_run_starts_it_not() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let cancel = CancelToken::default();
    cancel.cancel();
    let mut events = 0;
    let result = pipeline.generate(&small(0), &mut |_| events += 1, &cancel);
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(events <= 1, "{events}");
}
