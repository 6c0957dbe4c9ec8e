//! What stands around the denoising step: the start, the upload of weights, several sizes.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::{Accelerator, Driver, OpenOptions};
use tintype_bench::{Options, RandomModel, What, cold, sizes, upload};
use tintype_pipeline::folder::Location;
use tintype_program::DType;

fn cpu() -> Arc<dyn Accelerator> {
    tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap()
}

fn fixture() -> Location {
    Location::from(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/models/flux-base")))
}

fn tiny(what: What) -> Options {
    let tokenizers = Some(fixture());
    Options { preset: Some("tiny".into()), tokenizers, repeats: 2, steps: Some(3), ..Options::of(what) }
}

#[test]
fn a_start_is_told_mark_by_mark() {
    let result = cold(Instant::now(), &cpu(), &tiny(What::Pipeline)).unwrap();
    let startup = result.startup.clone().unwrap();
    let names: Vec<_> = startup.marks.iter().map(|mark| mark.name.as_str()).collect();
    let begin =
        ["device opened", "model opened", "found to fit", "text_encoder traced", "text_encoder compiled"];
    assert_eq!(names[..5], begin);
    for name in
        ["transformer compiled", "transformer loaded", "first step", "last step", "vae loaded", "picture"]
    {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(startup.marks.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(startup.loading > 0.0 && startup.loading < startup.first_step);
    assert!(startup.first_step < result.seconds.cold);
    // The decoder comes behind the first step: its weights do not count.
    let dtype = DType::F32;
    let model = RandomModel::new(Some("tiny"), dtype, 0, &fixture()).unwrap();
    assert!(startup.loaded > 0 && startup.loaded < model.bytes());
    assert!(startup.bare.is_none() && result.to_string().contains("without loading"));
}

#[test]
fn weights_are_loaded_from_memory_from_files_and_from_mapped_pages() {
    let folder = tempfile::tempdir().unwrap();
    let model = RandomModel::new(Some("tiny"), DType::Bf16, 0, &fixture()).unwrap();
    model.write(folder.path()).unwrap();
    let bf16 = Options { dtype: Some(DType::Bf16), ..tiny(What::Pipeline) };
    let files = Options { model: Some(folder.path().into()), preset: None, ..bf16.clone() };
    let one = Options { model: Some(folder.path().join("transformer")), ..files.clone() };
    let mapped = Options { mapped: true, ..files.clone() };
    let [memory, files, mapped, one] =
        [bf16, files, mapped, one].map(|options| upload(&cpu(), &options).unwrap());
    assert_eq!((memory.work.bytes, mapped.work.bytes), (files.work.bytes, files.work.bytes));
    assert!(one.work.bytes < files.work.bytes && files.work.bytes < model.bytes());
    assert_eq!((memory.sizes["mapped"], mapped.sizes["mapped"]), (0, 1));
    assert_eq!(files.seconds.steady.len(), 2);
    assert!(files.work.bytes_per_second.is_some() && files.to_string().contains("GB/s"));
}

#[test]
fn sizes_share_one_set_of_weights() {
    let three = vec![[64, 64], [96, 48], [32, 32]];
    let result = sizes(&cpu(), &Options { sizes: three, ..tiny(What::Transformer) }).unwrap();
    let places: Vec<_> = result.at_sizes.iter().map(|at| (at.width, at.height)).collect();
    assert_eq!(places, [(64, 64), (96, 48), (32, 32)]);
    let weights: Vec<_> = result.at_sizes.iter().map(|at| at.memory.weights).collect();
    assert!(weights[0] > 0 && weights.windows(2).all(|pair| pair[0] == pair[1]), "{weights:?}");
    assert!(result.at_sizes.iter().all(|at| at.grown_arenas == at.planned_arena + at.workspace));
    assert!(result.to_string().contains("96 x 48"));
}
