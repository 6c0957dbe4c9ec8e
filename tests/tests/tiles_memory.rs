//! Tiles where memory is short: chosen, forecast, told, recorded, and repeated.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod small;

use small::Small;
use std::sync::Arc;
use tintype::accel::Accelerator;
use tintype::pipeline::inspect::Fit;
use tintype::pipeline::recipe::Recipe;
use tintype::{CancelToken, Error, Event, Pipeline, PipelineOptions, Request, Steps, VaeTile};
use tintype_tests::model;

fn cpu() -> Arc<dyn Accelerator> {
    tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator
}

fn open(device: Arc<dyn Accelerator>) -> Pipeline {
    Pipeline::open(&model("flux-base"), device, PipelineOptions::default()).unwrap()
}

/// A picture whose decoding takes more than all else.
fn large() -> Request {
    Request {
        prompt: "a red heart".into(),
        width: Some(512),
        height: Some(320),
        steps: Some(Steps::Count(1)),
        max_sequence_length: Some(24),
        ..Request::default()
    }
}

fn peak(tile: VaeTile) -> u64 {
    open(cpu()).forecast(&Request { vae_tile: tile, ..large() }).unwrap().peak
}

#[test]
fn where_the_whole_does_not_fit_the_largest_tiles_that_do_are_taken_told_and_repeated() {
    let [whole, larger, tile] = [VaeTile::Off, VaeTile::Pixels(384), VaeTile::Pixels(256)].map(peak);
    assert!(tile < larger && larger < whole, "{tile} {larger} {whole}");
    let device = Small::of_size(cpu(), larger - 1);
    let mut pipeline = open(device.clone());
    let forecast = pipeline.forecast(&large()).unwrap();
    assert_eq!((forecast.fit, forecast.peak, forecast.whole), (Fit::Fits, tile, Some(whole)));
    assert_eq!(forecast.tiles.unwrap().side, 256);
    let mut told = Vec::new();
    let mut watch = |event| told.push(event);
    let made = pipeline.generate(&large(), &mut watch, &CancelToken::default()).unwrap();
    assert_eq!(device.memory().peak, tile, "forecast to the byte");
    let tiled = told.iter().find_map(|event| match event {
        Event::Tiled { tiles, needed: Some(needed), free: Some(free) } => Some((*tiles, *needed, *free)),
        _ => None,
    });
    let (tiles, needed, free) = tiled.unwrap();
    assert_eq!((Some(tiles), tiles.columns, tiles.rows), (forecast.tiles, 3, 2));
    assert!(needed > free);
    assert_eq!(made.settings.vae_tile, Some(256));

    // What the file says makes the same picture on a device with room for the whole.
    let recipe = Recipe::of(&made.pictures[0]).unwrap().unwrap();
    assert_eq!(recipe.request.vae_tile, VaeTile::Pixels(256));
    let mut roomy = open(cpu());
    let again = roomy.generate(&recipe.request, &mut |_| {}, &CancelToken::default()).unwrap();
    assert_eq!(again.pictures, made.pictures, "pixels and texts");
    let whole = roomy.generate(&large(), &mut |_| {}, &CancelToken::default()).unwrap();
    assert_eq!(whole.settings.vae_tile, None);
    assert_ne!(whole.pictures[0].rgb, made.pictures[0].rgb);
    let recipe = Recipe::of(&whole.pictures[0]).unwrap().unwrap();
    assert_eq!(recipe.request.vae_tile, VaeTile::Auto);

    // The second picture decides the same and compiles nothing.
    let before = device.stats().compiles;
    let second = pipeline.generate(&large(), &mut |_| {}, &CancelToken::default()).unwrap();
    assert_eq!((second.pictures, device.stats().compiles), (made.pictures, before));
}

#[test]
fn what_would_fit_is_named_before_anything_runs() {
    let refused = |bytes: u64, tile: VaeTile| {
        let mut pipeline = open(Small::of_size(cpu(), bytes));
        let mut events = 0;
        let request = Request { vae_tile: tile, ..large() };
        let told = pipeline.generate(&request, &mut |_| events += 1, &CancelToken::default());
        assert_eq!(events, 0);
        told.unwrap_err().to_string()
    };
    let [whole, smallest, smaller] = [VaeTile::Off, VaeTile::Pixels(256), VaeTile::Pixels(192)].map(peak);
    let told = refused(whole - 1, VaeTile::Off);
    assert!(told.contains("--vae-tile auto"), "{told}");
    let told = refused(smallest - 1, VaeTile::Auto);
    assert!(told.contains("decoded in tiles of 256") && told.contains("--vae-tile 192"), "{told}");
    let told = refused(smaller, VaeTile::Pixels(256));
    assert!(told.contains("--vae-tile 192"), "{told}");
    let told = refused(whole, VaeTile::Pixels(100));
    assert!(told.contains("vae-tile is 100") && told.contains("96 and 112"), "{told}");
}

#[test]
fn memory_that_goes_while_a_picture_is_denoised_leaves_its_latents() {
    let device = Small::of_size(cpu(), 1 << 40);
    let mut pipeline = open(device.clone());
    let shrinking = device.clone();
    let mut watch = move |event| {
        if let Event::Step { .. } = event {
            shrinking.set_free(shrinking.memory().held());
        }
    };
    let error = pipeline.generate(&large(), &mut watch, &CancelToken::default()).unwrap_err();
    let Error::Unfinished { latents, source } = error else { panic!("{error}") };
    let told = source.to_string();
    assert!(told.contains("decoding a picture of 512 x 320 in tiles of 256 in f32 needs"), "{told}");

    // Later, with room for tiles: the device decides anew, and the record says so.
    let forecast = open(cpu()).forecast(&Request { vae_tile: VaeTile::Pixels(256), ..large() }).unwrap();
    let [.., before, last] = &forecast.phases[..] else { panic!("{:?}", forecast.phases) };
    device.set_free(device.memory().held() + last.peak - before.peak);
    let made = pipeline.decode(&latents, &mut |_| {}, &CancelToken::default()).unwrap();
    assert_eq!(made.settings.vae_tile, Some(256));
    let request = Request { vae_tile: VaeTile::Pixels(256), ..large() };
    let whole = open(cpu()).generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
    assert_eq!(made.pictures, whole.pictures);
    // The caller may say otherwise.
    let made = open(cpu()).decode_with(&latents, VaeTile::Pixels(128), &mut |_| {}, &CancelToken::default());
    assert_eq!(made.unwrap().settings.vae_tile, Some(128));
}

#[test]
fn a_run_is_cancelled_between_tiles() {
    let (mut pipeline, cancel) = (open(cpu()), CancelToken::default());
    let token = cancel.clone();
    let mut tiles = 0;
    let mut watch = |event| {
        if let Event::Tile { done, .. } = event {
            tiles = done;
            if done == 2 {
                token.cancel();
            }
        }
    };
    let request = Request { vae_tile: VaeTile::Pixels(128), ..large() };
    let error = pipeline.generate(&request, &mut watch, &cancel).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!(tiles, 2);
}

#[test]
fn tiles_that_are_asked_for_are_forecast_to_the_byte() {
    for tile in [VaeTile::Pixels(64), VaeTile::Pixels(80), VaeTile::Pixels(336), VaeTile::Auto] {
        let (device, request) = (cpu(), Request { vae_tile: tile, count: Some(2), ..large() });
        let mut pipeline = open(device.clone());
        let forecast = pipeline.forecast(&request).unwrap();
        let made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
        assert_eq!(forecast.peak, device.memory().peak, "{tile}");
        assert_eq!(forecast.tiles.map(|tiles| tiles.side), made.settings.vae_tile);
        assert_eq!(forecast.tiles.is_none(), tile == VaeTile::Auto);
    }
}
