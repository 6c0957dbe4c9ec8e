//! Five hundred pictures in a row. Alone in its file: what other tests of the same process hold would be counted too.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype::{CancelToken, DType, Pipeline, Request, Steps};
use tintype_tests::open_cpu;

fn pixels(pipeline: &mut Pipeline, request: &Request) -> Vec<u8> {
    let made = pipeline.generate(request, &mut |_| {}, &CancelToken::default()).unwrap();
    made.pictures.iter().flat_map(|picture| picture.rgb.clone()).collect()
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Sizes, prompts and lengths change, so that Programs are compiled and dropped all the while.
#[test]
fn five_hundred_pictures_in_a_row_take_no_more_memory_than_fifty() {
    let count = 500;
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let one = |pipeline: &mut Pipeline, i: usize| {
        let request = Request {
            prompt: format!("a red heart, {i}"),
            width: Some([48, 32, 64, 48, 80, 96][i % 6]),
            height: Some([32, 48, 32][i % 3]),
            steps: Some(Steps::Count(1 + i % 2)),
            max_sequence_length: Some(16 + 8 * (i % 2)),
            seed: i as u64,
            ..Request::default()
        };
        pixels(pipeline, &request)
    };
    let first = one(&mut pipeline, 0);
    (1..50).for_each(|i| drop(one(&mut pipeline, i)));
    let held = pipeline.accelerator().memory().held();
    let early = resident();
    (50..count).for_each(|i| drop(one(&mut pipeline, i)));
    let late = resident();
    assert_eq!(one(&mut pipeline, 0), first);
    let grown = late.saturating_sub(early);
    println!("resident after 50: {early} bytes, after {count}: {late}");
    // A leak of one latent a picture, 1.5 KB, would be under this; one of a picture's activations would not.
    assert!(grown < 4 << 20, "resident memory grew by {grown} bytes over {} pictures", count - 50);
    // What the device holds depends on which shapes are kept, not on how many pictures there were.
    let now = pipeline.accelerator().memory().held();
    assert!(now <= held + (1 << 20), "{held} bytes held after 50 pictures, {now} after {count}");
}
