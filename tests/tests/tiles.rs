//! Decoding in tiles: parity with diffusers, and how near it comes to decoding whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde::Deserialize;
use tintype::pipeline::files::Latents;
use tintype::{
    CancelToken, DType, Event, Picture, Pipeline, PipelineOptions, Request, Settings, Steps, VaeTile,
};
use tintype_tests::{Golden, Recorder, Tensor, fixtures, open_cpu, relative_error};

#[derive(Deserialize)]
struct Table {
    tiled: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    case: String,
    model: String,
    tile: usize,
    width: usize,
    height: usize,
    decoder: String,
}

/// Latents of pictures of a size, as a run would have left them.
fn latents(width: usize, height: usize, packed: &Tensor) -> Latents {
    let [count, tokens, channels] = packed.shape[..] else { panic!("{:?}", packed.shape) };
    let settings = Settings { width, height, count, ..Settings::default() };
    let made = serde_json::from_value(serde_json::to_value(settings).unwrap()).unwrap();
    Latents { made, shape: [count, tokens, channels], values: packed.values.clone() }
}

/// The decoder's values, and the pictures.
fn decode(pipeline: &mut Pipeline, latents: &Latents, tile: VaeTile) -> (Recorder, Vec<Picture>) {
    let mut recorder = Recorder::default();
    let made = pipeline.decode_with(latents, tile, &mut recorder, &CancelToken::default()).unwrap();
    (recorder, made.pictures)
}

/// `[3, height, width]` without the last rows and columns.
fn without_last(values: &[f32], width: usize, height: usize, left_out: [usize; 2]) -> Vec<f32> {
    let rows = values.chunks(width).enumerate().filter(|(row, _)| row % height < height - left_out[0]);
    rows.flat_map(|(_, row)| row[..width - left_out[1]].to_vec()).collect()
}

#[test]
fn tiles_are_those_of_diffusers() {
    let text = std::fs::read_to_string(fixtures().join("golden/tiles.json")).unwrap();
    let (table, golden): (Table, _) = (serde_json::from_str(&text).unwrap(), Golden::open("tiles"));
    assert_eq!(table.tiled.len(), 4);
    for Case { case, model, tile, width, height, decoder } in table.tiled {
        let packed = golden.get(&format!("{case}.latents")).unwrap();
        let theirs = &golden.get(&format!("{case}.picture")).unwrap().values;
        let mut pipeline = open_cpu(&model, DType::F32, None);
        let (recorder, _) = decode(&mut pipeline, &latents(width, height, packed), VaeTile::Pixels(tile));
        let ours = &recorder.tensors["vae.decode_output"].values;
        // diffusers decodes a sliver where the last overlap is, which it has decoded with the tile before already.
        let sliver = if decoder == "tiled_decode" { [tile / 4, tile / 4] } else { [0, 0] };
        let [ours, theirs] = [ours, theirs].map(|values| without_last(values, width, height, sliver));
        let error = relative_error(&ours, &theirs);
        println!("{case}: {error:.2e}");
        assert!(error < 1e-5, "{case}: off by {error:.2e}");
    }
}

/// The model in the box, and latents that it has denoised.
fn denoised(width: usize, height: usize, count: usize) -> (Pipeline, Latents) {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let mut pipeline =
        Pipeline::open(tintype::bundled().unwrap(), device, PipelineOptions::default()).unwrap();
    let request = Request {
        prompt: "red heart".into(),
        width: Some(width),
        height: Some(height),
        count: Some(count),
        batch_size: Some(count),
        steps: Some(Steps::Count(4)),
        ..Request::default()
    };
    let mut recorder = Recorder::default();
    pipeline.generate(&request, &mut recorder, &CancelToken::default()).unwrap();
    let latents = latents(width, height, &recorder.tensors["latents_step_3"]);
    (pipeline, latents)
}

/// The largest and the mean difference, in levels of 8 bits.
fn apart(a: &[Picture], b: &[Picture]) -> (u8, f64) {
    let levels = || a.iter().zip(b).flat_map(|(a, b)| a.rgb.iter().zip(&b.rgb)).map(|(a, b)| a.abs_diff(*b));
    let (count, sum) = levels().fold((0u32, 0.0), |(n, sum), level| (n + 1, sum + f64::from(level)));
    (levels().max().unwrap(), sum / f64::from(count))
}

/// The mean step between two columns of pixels.
fn step(picture: &Picture, column: usize) -> f64 {
    let row = picture.width as usize * 3;
    let at = |y: usize, x: usize| picture.rgb[y * row + x];
    let steps = (0..picture.height as usize)
        .flat_map(|y| (0..3).map(move |c| (y, c)))
        .map(|(y, c)| f64::from(at(y, column * 3 + c).abs_diff(at(y, (column - 1) * 3 + c))));
    steps.sum::<f64>() / f64::from(picture.height * 3)
}

/// The half of the tokens from a column of tokens on, as latents of half the width.
fn half(whole: &Latents, right: bool) -> Latents {
    let (width, height) = (whole.made.settings.width, whole.made.settings.height);
    let [_, tokens, channels] = whole.shape;
    let columns = tokens / (height / 16);
    let keep = |token: &usize| (token % columns >= columns / 2) == right;
    let values = (0..tokens).filter(keep).flat_map(|t| whole.values[t * channels..][..channels].to_vec());
    let packed = Tensor { shape: vec![1, tokens / 2, channels], values: values.collect() };
    latents(width / 2, height, &packed)
}

/// The mean step between columns of pixels.
fn steps(picture: &Picture, columns: &[usize]) -> f64 {
    columns.iter().map(|column| step(picture, *column)).sum::<f64>() / columns.len() as f64
}

/// The picture with its rows as columns.
fn turned(picture: &Picture) -> Picture {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let pixels = (0..width).flat_map(|x| (0..height).map(move |y| (y * width + x) * 3));
    let rgb = pixels.flat_map(|at| picture.rgb[at..at + 3].to_vec()).collect();
    Picture { width: picture.height, height: picture.width, rgb, text: vec![] }
}

/// A seam is a step between two columns that is more than a quarter larger than in the whole picture, and by more than
/// the whole picture's mean step.
fn seam(tiled: &Picture, whole: &Picture, column: usize) -> bool {
    let all: Vec<usize> = (1..whole.width as usize).collect();
    step(tiled, column) > 1.25 * step(whole, column) + steps(whole, &all)
}

/// Where ramps begin and end along an axis.
fn borders(extent: usize, side: usize) -> Vec<usize> {
    let tile = side.min(extent);
    let last = extent - tile;
    let starts: Vec<usize> = (0..last).step_by(side * 3 / 4).chain([last]).collect();
    starts.windows(2).flat_map(|pair| [pair[1], pair[1] + 1, pair[0] + tile - 1, pair[0] + tile]).collect()
}

#[test]
fn tiles_of_a_trained_model_are_near_the_whole_and_show_no_seam() {
    // Side of the tiles, and the bounds in levels of 8 bits: the largest difference, the mean.
    let near = [(64, 64, 3.5), (96, 56, 2.2), (128, 24, 1.5)];
    for (width, height, bounds) in [(192, 128, &near[..]), (512, 256, &[(256, 48, 2.5)])] {
        let (mut pipeline, latents) = denoised(width, height, 1);
        let (_, whole) = decode(&mut pipeline, &latents, VaeTile::Off);
        for &(side, largest, mean) in bounds {
            let (_, tiled) = decode(&mut pipeline, &latents, VaeTile::Pixels(side));
            let found = apart(&tiled, &whole);
            println!("tiles of {side}: {} levels at most, {:.3} in the mean", found.0, found.1);
            assert!(found.0 <= largest && found.1 <= mean, "tiles of {side}: {found:?}");
            let (down, right) = (turned(&tiled[0]), &tiled[0]);
            for (tiled, whole, extent) in [(right, &whole[0], width), (&down, &turned(&whole[0]), height)] {
                let borders = borders(extent, side);
                if borders.is_empty() {
                    continue;
                }
                let (ours, theirs) = (steps(tiled, &borders), steps(whole, &borders));
                println!("  borders: {ours:.2} levels from column to column, whole {theirs:.2}");
                assert!(ours <= 1.5 * theirs, "tiles of {side}: {ours:.2} at borders, whole {theirs:.2}");
                for column in borders {
                    assert!(!seam(tiled, whole, column), "tiles of {side} show at {column} of {extent}");
                }
            }
        }
    }
}

#[test]
fn halves_that_are_decoded_apart_show_their_seam() {
    let (mut pipeline, latents) = denoised(192, 128, 1);
    let (_, whole) = decode(&mut pipeline, &latents, VaeTile::Off);
    let [(_, left), (_, right)] =
        [false, true].map(|right| decode(&mut pipeline, &half(&latents, right), VaeTile::Off));
    let mut rgb = Vec::new();
    for (left, right) in left[0].rgb.chunks(96 * 3).zip(right[0].rgb.chunks(96 * 3)) {
        rgb.extend([left, right].concat());
    }
    let cut = Picture { width: 192, height: 128, rgb, text: vec![] };
    assert!(seam(&cut, &whole[0], 96), "what the other test looks for cannot be seen");
}

/// Random weights have no reason to agree across tiles; the bounds are what they were found to be, and a little more.
#[test]
fn tiles_of_random_models_are_the_same_picture() {
    let golden = Golden::open("tiles");
    for (case, model, [width, height], tile, (largest, bound)) in [
        ("base", "flux-base", [112, 112], 64, (172, 10.0)),
        ("draw3", "flux-draw3", [80, 56], 32, (184, 17.5)),
    ] {
        let packed = golden.get(&format!("{case}.latents")).unwrap();
        let mut pipeline = open_cpu(model, DType::F32, None);
        let latents = latents(width, height, packed);
        let [whole, tiled] =
            [VaeTile::Off, VaeTile::Pixels(tile)].map(|tile| decode(&mut pipeline, &latents, tile));
        let (most, mean) = apart(&tiled.1, &whole.1);
        println!("{model}: {most} levels at most, {mean:.3} in the mean");
        assert!(mean <= bound && most <= largest, "{model}: {most} levels at most, {mean:.3} in the mean");
    }
}

#[test]
fn odd_sizes_and_several_pictures_are_decoded_by_one_program() {
    for (width, height, tile) in [(80, 64, 64), (144, 112, 64), (112, 144, 80), (64, 144, 64)] {
        let (mut pipeline, latents) = denoised(width, height, 2);
        let (_, whole) = decode(&mut pipeline, &latents, VaeTile::Off);
        let before = pipeline.accelerator().stats().compiles;
        let (recorder, tiled) = decode(&mut pipeline, &latents, VaeTile::Pixels(tile));
        let compiled = recorder.events.iter().filter(|e| matches!(e, Event::Compiling { .. })).count();
        assert_eq!(compiled, 1, "{width} x {height}: one Program");
        assert!(pipeline.accelerator().stats().compiles > before);
        let (most, mean) = apart(&tiled, &whole);
        println!("{width} x {height} in tiles of {tile}: {most} levels at most, {mean:.3} in the mean");
        assert!(mean <= 3.5 && most <= 64, "{width} x {height}: {most} at most, {mean:.3} in the mean");
        let told: Vec<_> = recorder
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Tile { picture, done, total } => Some((*picture, *done, *total)),
                _ => None,
            })
            .collect();
        let total = told[0].2;
        assert_eq!(told.len(), 2 * total);
        assert!(total > 1 && told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
    }
}

#[test]
fn a_tile_that_holds_the_picture_is_no_tile() {
    let (mut pipeline, latents) = denoised(96, 64, 1);
    let (_, whole) = decode(&mut pipeline, &latents, VaeTile::Off);
    for tile in [96, 112, 1024] {
        let (recorder, pictures) = decode(&mut pipeline, &latents, VaeTile::Pixels(tile));
        assert_eq!(pictures, whole, "pixels and texts");
        assert!(!recorder.events.iter().any(|e| matches!(e, Event::Tiled { .. } | Event::Tile { .. })));
    }
}
