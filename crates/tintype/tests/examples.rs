//! The examples, run: what they show is what the library promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use tintype::Picture;

#[path = "../examples/picture_in_memory.rs"]
mod picture_in_memory;
#[path = "../examples/progress_and_cancel.rs"]
mod progress_and_cancel;
#[path = "../examples/shared_weights.rs"]
mod shared_weights;
#[path = "../examples/two_pipelines.rs"]
mod two_pipelines;

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/flux-base")
}

#[test]
fn a_picture_in_memory_is_a_png_that_says_what_made_it() {
    let png = picture_in_memory::picture(&model()).unwrap();
    let picture = Picture::from_png(&png).unwrap();
    assert_eq!((picture.width, picture.height), (64, 64));
    let (_, made) = picture.text.iter().find(|(keyword, _)| keyword == "tintype").unwrap();
    assert!(made.contains("\"seed\":7") && made.contains("a red heart"), "{made}");
}

#[test]
fn another_thread_sees_every_step_and_stops_the_run() {
    let (steps, cancelled) = progress_and_cancel::cancel_after(&model(), 400, 3).unwrap();
    assert!(cancelled);
    assert!((3..400).contains(&steps), "{steps}");
    assert_eq!(progress_and_cancel::cancel_after(&model(), 4, 9).unwrap(), (4, false));
}

#[test]
fn two_pipelines_hold_the_weights_once() {
    let shared_weights::Shared { one, two, pictures } = shared_weights::two_pipelines(&model()).unwrap();
    assert!(one.weights + one.mapped > 0);
    assert_eq!((one.weights, one.mapped, one.derived), (two.weights, two.mapped, two.derived));
    // What each pipeline has of its own: arenas of its compiled Programs.
    assert!(two.arenas > one.arenas);
    assert_ne!(pictures[0].rgb, pictures[1].rgb);
}

#[test]
fn two_pipelines_at_once_draw_what_each_draws_alone() {
    let task = two_pipelines::Task {
        backend: "cpu".into(),
        model: model().as_path().into(),
        options: Default::default(),
        rounds: 2,
        requests: two_pipelines::requests([48, 32], 2),
    };
    let mut told = Vec::new();
    let found = two_pipelines::differences(&task, &mut |line| told.push(line)).unwrap();
    assert_eq!((found, told.len()), (vec![], 4));
    let absent = two_pipelines::Task { backend: "none".into(), ..task };
    assert!(two_pipelines::differences(&absent, &mut |_| {}).is_err());
}
