//! FLUX.1-dev and FLUX.1-schnell at full size, without the bytes of their weights: what is known before a weight is read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;
use tintype::accel::Accelerator;
use tintype::pipeline::inspect::{Forecast, Inspector, Phase, Problem};
use tintype::{CancelToken, DType, LaunchMode, Pipeline, PipelineOptions, Request};
use tintype_tests::full_size::{Published, allocated, has_sparse_files};

/// The model's folder; none where it would take 34 GB.
fn published(model: Published) -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    if !has_sparse_files(folder.path()) {
        println!("skipped {}: files cannot have holes in {}", model.name(), folder.path().display());
        return None;
    }
    model.write(folder.path()).unwrap();
    Some(folder)
}

fn cpu() -> Arc<dyn Accelerator> {
    tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator
}

fn square(side: usize) -> Request {
    Request { width: Some(side), height: Some(side), ..Request::default() }
}

#[test]
fn files_are_as_long_as_the_published_ones_and_take_no_room() {
    for (model, first_shard) in [(Published::Dev, 9_983_040_304), (Published::Schnell, 9_962_580_296)] {
        let Some(folder) = published(model) else { return };
        let length = |file: &str| fs::metadata(folder.path().join(file)).unwrap().len();
        let shard =
            |i: usize| length(&format!("transformer/diffusion_pytorch_model-0000{i}-of-00003.safetensors"));
        assert_eq!([shard(1), shard(2), shard(3)], [first_shard, 9_949_328_904, 3_870_584_832]);
        let text = |i: usize| length(&format!("text_encoder_2/model-0000{i}-of-00002.safetensors"));
        assert_eq!([text(1), text(2)], [4_994_582_224, 4_530_066_360]);
        assert_eq!(length("text_encoder/model.safetensors"), 246_144_352);
        assert_eq!(length("vae/diffusion_pytorch_model.safetensors"), 167_666_902);
        assert!(allocated(folder.path()).unwrap() < 16 << 20);
    }
}

#[test]
fn names_and_shapes_are_those_that_the_configs_ask_for() {
    for (model, transformer) in [(Published::Dev, 11_901_408_320), (Published::Schnell, 11_891_178_560)] {
        let Some(folder) = published(model) else { return };
        let inspector = Inspector::open(folder.path()).unwrap();
        assert_eq!(inspector.differences().unwrap(), []);
        let report = inspector.model();
        let parameters: Vec<u64> = report.components.iter().map(|component| component.parameters).collect();
        assert_eq!(parameters, [123_060_480, 4_762_310_656, transformer, 83_819_683]);
        assert_eq!(report.bytes(), 2 * report.parameters(), "all in bf16");
        assert_eq!(inspector.default_dtype(), DType::Bf16);
    }
}

#[test]
fn the_work_of_a_step_is_what_is_counted_by_hand() {
    let Some(folder) = published(Published::Dev) else { return };
    let inspector = Inspector::open(folder.path()).unwrap();
    let work = inspector.work(&square(1024), DType::Bf16).unwrap();
    let step = work.stages.iter().find(|stage| stage.phase == Phase::Denoising).unwrap();
    assert_eq!((step.runs, work.asked.width, work.asked.max_sequence_length), (28, 1024, 512));
    // 4096 picture tokens and 512 text tokens; both kinds of block hold 12 width^2 of weights for each token.
    let (tokens, width, blocks) = (4096.0 + 512.0, 3072.0, 19.0 + 38.0);
    let linear = 2.0 * tokens * 12.0 * width * width * blocks;
    let attention = 4.0 * tokens * tokens * width * blocks;
    let counted = step.flops as f64 / (linear + attention);
    assert!((0.995..1.03).contains(&counted), "{counted}");
    assert!(step.bytes > 23_000_000_000, "every weight is read in every step");
}

#[test]
fn plans_take_seconds_and_no_weights() {
    let Some(folder) = published(Published::Schnell) else { return };
    let (inspector, device) = (Inspector::open(folder.path()).unwrap(), cpu());
    let started = Instant::now();
    let plan = |request: &Request, dtype, launch| -> Forecast {
        let options =
            PipelineOptions { dtype: Some(dtype), launch: Some(launch), ..PipelineOptions::default() };
        inspector.forecast(request, &*device, &options, None).unwrap()
    };
    let packed = plan(&square(1024), DType::Bf16, LaunchMode::Compiled);
    let phases: Vec<Phase> = packed.phases.iter().map(|phase| phase.phase).collect();
    assert_eq!(phases, [Phase::TextEncoding, Phase::Conditioning, Phase::Denoising, Phase::Decoding]);
    assert!(packed.exact && packed.phases.is_sorted_by_key(|phase| phase.mapped + phase.derived));
    assert!(packed.mapped > 33_000_000_000 && packed.mapped < 34_000_000_000, "{}", packed.mapped);
    assert!(packed.peak > 30 << 30, "packed copies of all linear layers: {}", packed.peak);
    let plain = plan(&square(1024), DType::Bf16, LaunchMode::Eager);
    assert!(plain.peak < 4 << 30, "weights stay in their files: {}", plain.peak);
    let wide = plan(&square(1024), DType::F32, LaunchMode::Eager);
    assert!(wide.peak > 62 << 30 && wide.mapped == 0, "weights are converted: {}", wide.peak);
    let sides = [256, 512, 768, 1024, 1536, 2048];
    let plans = sides.map(|side| plan(&square(side), DType::Bf16, LaunchMode::Eager).peak);
    assert!(plans.is_sorted(), "{plans:?}");
    let batch = Request { count: Some(4), batch_size: Some(4), ..square(512) };
    // The numbers of a phase include those of the phases before; what the steps themselves take is what they add.
    let steps = |request: &Request| {
        let plan = plan(request, DType::Bf16, LaunchMode::Eager);
        let arenas = |phase| plan.phases.iter().find(|at| at.phase == phase).unwrap().arenas;
        arenas(Phase::Denoising) - arenas(Phase::Conditioning)
    };
    let (single, four) = (steps(&square(512)), steps(&batch));
    assert!(four > 2 * single, "{four} and {single}");
    println!("12 plans in {:.2} s", started.elapsed().as_secs_f64());
    assert!(started.elapsed().as_secs() < 60);
    assert_eq!(device.memory().held(), 0);
}

#[test]
fn what_no_machine_holds_is_refused_before_anything_is_loaded() {
    let Some(folder) = published(Published::Dev) else { return };
    let device = cpu();
    let mut pipeline = Pipeline::open(folder.path(), device.clone(), PipelineOptions::default()).unwrap();
    let request = Request { count: Some(64), batch_size: Some(64), ..square(8192) };
    let told = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap_err().to_string();
    assert!(told.contains("a batch of 64 pictures of 8192 x 8192 in bf16 needs"), "{told}");
    assert!(told.contains("on cpu:0") && told.contains("are free"), "{told}");
    assert_eq!((device.memory().held(), device.memory().mapped, device.stats().compiles), (0, 0, 0));
}

#[test]
fn a_config_of_another_model_is_told_tensor_by_tensor() {
    let Some(folder) = published(Published::Schnell) else { return };
    let config = folder.path().join("transformer/config.json");
    let text = fs::read_to_string(&config).unwrap();
    let differences = |changed: &[(&str, &str)]| {
        let text = changed.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
        fs::write(&config, text).unwrap();
        Inspector::open(folder.path()).unwrap().differences().unwrap()
    };
    let fewer = differences(&[("\"num_single_layers\": 38", "\"num_single_layers\": 37")]);
    assert_eq!(fewer.len(), 14, "{fewer:?}");
    let unused =
        |problem: &Problem| matches!(problem, Problem::Unused { tensor, .. } if tensor.contains(".37."));
    assert!(fewer.iter().all(unused));
    let guided = differences(&[("\"guidance_embeds\": false", "\"guidance_embeds\": true")]);
    assert!(guided.iter().all(|problem| matches!(problem, Problem::Missing { .. })));
    assert_eq!(guided.len(), 4);
    let narrower = differences(&[("\"num_attention_heads\": 24", "\"num_attention_heads\": 23")]);
    let shapes = narrower.iter().filter(|problem| matches!(problem, Problem::Shape { .. })).count();
    assert_eq!(shapes, narrower.len());
    assert!(shapes > 1000, "all but the norms of heads: {shapes}");
}

/// What opening the folder says.
fn told(folder: &Path) -> String {
    Inspector::open(folder).err().expect("it should not open").to_string()
}

#[test]
fn damaged_shards_are_told_before_anything_is_read() {
    let Some(folder) = published(Published::Dev) else { return };
    let transformer = folder.path().join("transformer");
    let shard = transformer.join("diffusion_pytorch_model-00002-of-00003.safetensors");
    let length = fs::metadata(&shard).unwrap().len();
    let resize = |bytes| OpenOptions::new().write(true).open(&shard).unwrap().set_len(bytes).unwrap();

    resize(length - 1);
    let cut = told(folder.path());
    assert!(cut.contains("00002-of-00003") && cut.contains("truncated"), "{cut}");
    assert!(cut.contains(&length.to_string()), "{cut}");
    resize(length + 4096);
    assert!(told(folder.path()).contains("surplus"));
    resize(1000);
    assert!(told(folder.path()).contains("truncated"));
    resize(3);
    assert!(told(folder.path()).contains("too few"));
    fs::remove_file(&shard).unwrap();
    let missing = told(folder.path());
    assert!(missing.contains("lists shard `diffusion_pytorch_model-00002-of-00003"), "{missing}");

    let index = transformer.join("diffusion_pytorch_model.safetensors.index.json");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("00002-of-00003", "00001-of-00003")).unwrap();
    let elsewhere = told(folder.path());
    assert!(elsewhere.contains("which does not hold it"), "{elsewhere}");
    fs::write(&index, text.replace("diffusion_pytorch_model-00002", "../diffusion_pytorch_model-00002"))
        .unwrap();
    assert!(told(folder.path()).contains("is not a file name"));
}
