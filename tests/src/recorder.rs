//! Running golden cases: a watcher that keeps all it sees.

use crate::golden::{Case, Tensor, fixtures, model};
use std::collections::BTreeMap;
use tintype::pipeline::files::read_png;
use tintype::{DType, Event, LaunchMode, NoiseDtype, Pipeline, PipelineOptions, Request, Steps, Watcher};

/// Keeps every event and every intermediate result.
#[derive(Default)]
pub struct Recorder {
    /// The events, in order.
    pub events: Vec<Event>,
    /// The results by name. Latents of several batches follow each other.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Watcher for Recorder {
    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    fn wants_tensors(&self) -> bool {
        true
    }

    fn tensor(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let new = || Tensor { shape: shape.to_vec(), values: Vec::new() };
        self.tensors.entry(name.to_owned()).or_insert_with(new).values.extend_from_slice(values);
    }
}

/// A fixture's model on the CPU.
pub fn open_cpu(name: &str, dtype: DType, launch: Option<LaunchMode>) -> Pipeline {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    Pipeline::open(&model(name), device, PipelineOptions { dtype: Some(dtype), launch, ..Default::default() })
        .unwrap()
}

/// The request that a case stands for.
pub fn request_of(case: &Case) -> Request {
    Request {
        prompt: case.prompt.clone(),
        negative: case.negative.clone(),
        true_cfg: Some(case.true_cfg),
        guidance: Some(case.guidance),
        steps: Some(case.sigmas.clone().map_or(Steps::Count(case.steps), Steps::Sigmas)),
        width: Some(case.width),
        height: Some(case.height),
        seed: case.seed,
        count: Some(case.count),
        batch_size: Some(case.count),
        max_sequence_length: Some(case.max_sequence_length),
        noise_dtype: Some(match case.noise_dtype.as_str() {
            "bf16" => NoiseDtype::BF16,
            "f16" => NoiseDtype::F16,
            _ => NoiseDtype::F32,
        }),
        image: case.image.as_ref().map(|path| (read_png(&fixtures().join(path)).unwrap(), case.strength)),
        ..Request::default()
    }
}
