//! Batches of one size: nothing is compiled for the last one, and no picture knows which others it was made with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype::pipeline::files::{read_latents, write_latents};
use tintype::pipeline::inspect::Inspector;
use tintype::{
    CancelToken, DType, Error, Event, Generated, Picture, Pipeline, Request, Result, Steps, Watcher,
};
use tintype_tests::{cases, model, open_cpu, request_of};

fn base() -> Request {
    let cases = cases();
    let request = request_of(cases.iter().find(|case| case.case == "base").unwrap());
    Request { steps: Some(Steps::Count(2)), ..request }
}

fn generate(pipeline: &mut Pipeline, request: &Request) -> Generated {
    pipeline.generate(request, &mut |_| {}, &CancelToken::default()).unwrap()
}

#[test]
fn sixteen_pictures_at_batch_five_compile_what_one_batch_compiles() {
    let sixteen = Request { count: Some(16), batch_size: Some(5), ..base() };
    let mut one = open_cpu("flux-base", DType::F32, None);
    let batch = generate(&mut one, &Request { count: Some(5), ..sixteen.clone() });
    assert_eq!(batch.throughput, None, "one batch is all warm-up");

    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let made = generate(&mut pipeline, &sixteen);
    assert_eq!((made.pictures.len(), made.stats.compiles), (16, batch.stats.compiles));
    let told = made.throughput.unwrap();
    assert_eq!((told.warmup_pictures, told.pictures), (5, 11), "without what fills the last batch up");
    assert_eq!((told.compiles, told.captures), (0, 0));
    assert!(told.pictures_per_second > 0.0 && told.warmup_seconds > 0.0);

    // Any other number, in a run of its own.
    for count in [1, 4, 7] {
        let made = generate(&mut pipeline, &Request { count: Some(count), ..sixteen.clone() });
        assert_eq!((made.pictures.len(), made.stats.compiles), (count, 0), "{count}");
    }
}

#[test]
fn pictures_of_a_batch_are_those_that_are_drawn_one_by_one() {
    for (name, dtype) in [("flux-base", DType::F32), ("flux-bf16", DType::Bf16)] {
        let mut pipeline = open_cpu(name, dtype, None);
        let one_by_one = Request { count: Some(16), batch_size: Some(1), ..base() };
        let alone = generate(&mut pipeline, &one_by_one);
        let together = generate(&mut pipeline, &Request { batch_size: Some(5), ..one_by_one });
        assert!(together.pictures == alone.pictures, "{name}: every pixel and text");
    }
}

#[test]
fn seeds_share_batches_and_stay_what_they_are_alone() {
    let seeds: Vec<u64> = (3..10).collect();
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let request = Request { seeds: seeds.clone(), count: Some(2), batch_size: Some(5), ..base() };
    let mut numbers = Vec::new();
    let mut told = Vec::new();
    let mut watch = |event| match event {
        Event::Decoding { picture, count } => numbers.push((picture, count)),
        Event::Step { done: 1, first, batch, .. } => told.push((first, batch)),
        _ => {}
    };
    let made = pipeline.generate(&request, &mut watch, &CancelToken::default()).unwrap();
    assert_eq!(numbers, (0..14).map(|number| (number, 14)).collect::<Vec<_>>());
    assert_eq!(told, [(0, 5), (5, 5), (10, 4)], "only pictures that are asked for");
    let single = Request { seeds: Vec::new(), batch_size: Some(1), ..request.clone() };
    let one = |seed| Request { seed, ..single.clone() };
    let alone: Vec<_> = seeds.iter().flat_map(|&seed| generate(&mut pipeline, &one(seed)).pictures).collect();
    assert!(made.pictures == alone, "every pixel and text");

    let image = (alone[0].clone(), Some(0.5));
    let request = Request { image: Some(image.clone()), seeds: vec![8, 1], count: None, ..request };
    let together = generate(&mut pipeline, &request).pictures;
    for (picture, seed) in together.iter().zip([8, 1]) {
        let one = Request { image: Some(image.clone()), count: None, ..one(seed) };
        assert!(*picture == generate(&mut pipeline, &one).pictures[0], "from a picture, seed {seed}");
    }
    let only = Request { only: Some(0), ..request };
    let error = pipeline.generate(&only, &mut |_| {}, &CancelToken::default()).unwrap_err().to_string();
    assert!(error.contains("only is 0") && error.contains("one seed"), "{error}");
}

/// Refuses one picture.
struct Full(usize);

impl Watcher for Full {
    fn event(&mut self, _: Event) {}

    fn finished(&mut self, index: usize, _: &Picture) -> Result<()> {
        match index == self.0 {
            true => Err(Error::Write { path: "out.png".into(), source: std::io::Error::other("full") }),
            false => Ok(()),
        }
    }
}

#[test]
fn pictures_of_several_seeds_are_finished_later_with_their_own_records() {
    let mut pipeline = open_cpu("flux-base", DType::F32, None);
    let request = Request { seeds: vec![5, 6, 9], count: Some(2), batch_size: Some(4), ..base() };
    let whole = generate(&mut pipeline, &request).pictures;
    let error = pipeline.generate(&request, &mut Full(1), &CancelToken::default()).unwrap_err();
    let Error::Unfinished { latents, .. } = error else { panic!("{error}") };
    assert_eq!((latents.made.picture, latents.shape[0]), (1, 3));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.latents.safetensors");
    write_latents(&path, &latents).unwrap();
    let kept = read_latents(&path).unwrap();
    assert_eq!(kept, *latents);
    let made = pipeline.decode(&kept, &mut |_| {}, &CancelToken::default()).unwrap();
    assert!(made.pictures == whole[1..4], "the second of seed 5 and both of seed 6");
}

#[test]
fn the_steps_graph_knows_no_step_no_prompt_and_no_seed() {
    let inspector = Inspector::open(&model("flux-base")).unwrap();
    let hash = |request: &Request| {
        let programs = inspector.programs(request, DType::Bf16).unwrap();
        programs.into_iter().map(|(name, program)| (name, program.hashes())).collect::<Vec<_>>()
    };
    let request = Request { batch_size: Some(5), ..base() };
    let usual = hash(&request);
    for (what, other) in [
        ("steps", Request { steps: Some(Steps::Count(7)), ..request.clone() }),
        ("noise levels", Request { steps: Some(Steps::Sigmas(vec![1.0, 0.6, 0.2])), ..request.clone() }),
        ("prompt", Request { prompt: "a hot air balloon, and much more besides".into(), ..request.clone() }),
        ("seed", Request { seed: 77, ..request.clone() }),
        ("seeds", Request { seeds: vec![4, 2], ..request.clone() }),
        ("number of pictures", Request { count: Some(16), ..request.clone() }),
        ("guidance", Request { guidance: Some(1.5), ..request.clone() }),
    ] {
        assert_eq!(hash(&other), usual, "{what}");
    }
    assert_ne!(hash(&Request { batch_size: Some(4), ..request }), usual, "another batch is another shape");
}
