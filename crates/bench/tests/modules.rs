//! Every module's small preset runs, and its result survives its JSON.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use tintype_accel::{Accelerator, Driver, LaunchMode, OpenOptions};
use tintype_bench::{Bench, BenchResult, Options, RandomModel, SCHEMA, What};
use tintype_pipeline::folder::Location;
use tintype_program::DType;

fn cpu() -> std::sync::Arc<dyn Accelerator> {
    tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap()
}

fn tiny(what: What) -> Options {
    Options { preset: Some("tiny".into()), repeats: 2, ..Options::of(what) }
}

#[test]
fn results_survive_their_json() {
    for what in [What::Transformer, What::Vae, What::T5, What::Clip] {
        for dtype in [DType::F32, DType::Bf16] {
            let options = Options { dtype: Some(dtype), launch: Some(LaunchMode::Eager), ..tiny(what) };
            let result = Bench::open(cpu(), options).unwrap().run().unwrap();
            assert_eq!((result.schema, result.what.as_str()), (SCHEMA, what.name()));
            assert_eq!((result.dtype.as_str(), result.launch.as_str()), (dtype.name(), "eager"));
            assert_eq!(result.seconds.steady.len(), 2);
            assert!(result.seconds.cold > 0.0 && result.work.flops > 0 && result.work.bytes > 0);
            assert_eq!((result.counters.steady.runs, result.counters.steady.compiles), (2, 0));
            assert!(result.seconds.launch.is_some_and(|launch| launch.min > 0.0));
            assert!(result.memory.planned_arena.is_some() && !result.operations.is_empty());
            let json = serde_json::to_string(&result).unwrap();
            assert_eq!(serde_json::from_str::<BenchResult>(&json).unwrap(), result);
        }
    }
}

#[test]
fn steps_are_measured_with_what_comes_before_them() {
    let whole = Bench::open(cpu(), tiny(What::Transformer)).unwrap().run().unwrap();
    assert_eq!(whole.seconds.steps, None);
    for steps in [1, 9] {
        let options = Options { steps: Some(steps), ..tiny(What::Transformer) };
        let result = Bench::open(cpu(), options).unwrap().run().unwrap();
        let (taken, median) = (result.seconds.steps.unwrap(), result.seconds.summary.unwrap().median);
        assert_eq!((taken.count, taken.each), (steps as u64, Some(median / steps as f64)));
        assert!(taken.before > 0.0);
        assert_eq!((result.counters.steady.compiles, result.counters.steady.allocations), (0, 0));
        assert_eq!(
            result.counters.steady.runs,
            2 * (1 + steps as u64),
            "the steps, and once what they share"
        );
        assert!(result.to_string().contains("before them"), "{result}");
        let json = serde_json::to_string(&result).unwrap();
        assert_eq!(serde_json::from_str::<BenchResult>(&json).unwrap(), result);
        let times = result.work.flops as f64 / whole.work.flops as f64;
        assert!(times < 1.5 * steps as f64 + 4.0, "{times}");
    }
}

#[test]
fn options_that_fit_nothing_are_refused_with_what_would() {
    let refusal = |options| Bench::open(cpu(), options).err().unwrap().to_string();
    let named = Options { preset: Some("flux-4-9".into()), ..Options::of(What::Transformer) };
    assert!(refusal(named).contains("flux-4-8"));
    assert!(refusal(Options { width: Some(60), ..tiny(What::Transformer) }).contains("multiple of 16"));
    assert!(refusal(Options::of(What::Pipeline)).contains("--model"));
    assert!(refusal(Options { steps: Some(4), ..tiny(What::T5) }).contains("t5 has no steps"));
}

fn fixture() -> Location {
    Location::from(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/models/flux-base")))
}

#[test]
fn a_whole_model_of_random_weights_makes_pictures_from_memory_and_from_disk() {
    let options = Options {
        tokenizers: Some(fixture()),
        dtype: Some(DType::Bf16),
        steps: Some(2),
        ..tiny(What::Pipeline)
    };
    let held = Bench::open(cpu(), options.clone()).unwrap().run().unwrap();
    assert_eq!((held.model.as_str(), held.sizes["steps"], held.sizes["width"]), ("tiny", 2, 64));
    assert!(held.seconds.launch.is_none() && held.work.flops > 0);

    let folder = tempfile::tempdir().unwrap();
    let model = RandomModel::new(Some("tiny"), DType::Bf16, 0, &fixture()).unwrap();
    model.write(folder.path()).unwrap();
    let weights = folder.path().join("transformer/diffusion_pytorch_model.safetensors");
    let written = std::fs::metadata(&weights).unwrap().modified().unwrap();
    model.write(folder.path()).unwrap();
    assert_eq!(std::fs::metadata(&weights).unwrap().modified().unwrap(), written, "written again");
    let whole: u64 = ["text_encoder/model", "text_encoder_2/model", "vae/diffusion_pytorch_model"]
        .iter()
        .map(|name| std::fs::metadata(folder.path().join(format!("{name}.safetensors"))).unwrap().len())
        .sum();
    assert_eq!(model.bytes(), whole + std::fs::metadata(&weights).unwrap().len());

    let options = Options { model: Some(folder.path().into()), preset: None, ..options };
    let (width, height, text_tokens) = (Some(64), Some(64), Some(16));
    let mut bench = Bench::open(cpu(), Options { width, height, text_tokens, ..options.clone() }).unwrap();
    assert_eq!(bench.run().unwrap().dtype, "bf16");
    let pictures = tempfile::tempdir().unwrap();
    bench.save(pictures.path()).unwrap();
}
