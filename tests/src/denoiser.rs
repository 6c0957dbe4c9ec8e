//! The denoiser by itself, as a Program of its own.

use crate::golden::model;
use std::path::Path;
use std::sync::Arc;
use tintype::accel::{
    Accelerator, Bindings, CompileOptions, Instance, Purpose, Signature, Weights, from_f32, to_f32,
};
use tintype::models::flux;
use tintype::pipeline::files::Checkpoint;
use tintype::{DType, LaunchMode};

/// A fixture's transformer on a device, in f32.
pub struct Denoiser {
    device: Arc<dyn Accelerator>,
    config: flux::Config,
    instance: Box<dyn Instance>,
    signature: Arc<Signature>,
    angles: flux::RopeTables,
    batch: usize,
}

/// What it is told. Time and guidance are on the model's scale, times 1000.
pub struct Told<'t> {
    /// Packed latents.
    pub hidden_states: &'t [f32],
    /// T5's output.
    pub text: &'t [f32],
    /// CLIP's pooled output.
    pub pooled: &'t [f32],
    /// The time.
    pub time: f64,
    /// The guidance; not read by a model without.
    pub guidance: f64,
}

impl Denoiser {
    /// The transformer of a fixture, for a picture of `grid` tokens down and across.
    pub fn new(
        device: &Arc<dyn Accelerator>,
        name: &str,
        batch: usize,
        grid: [usize; 2],
        text_tokens: usize,
    ) -> Self {
        Self::at(device, &model(name).join("transformer"), batch, grid, text_tokens)
    }

    /// The transformer in a folder.
    pub fn at(
        device: &Arc<dyn Accelerator>,
        folder: &Path,
        batch: usize,
        grid: [usize; 2],
        text_tokens: usize,
    ) -> Self {
        let config =
            flux::Config::from_json(&std::fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
        let sizes = flux::Sizes { batch, text_tokens, image_tokens: grid[0] * grid[1] };
        let program = flux::program(&config, sizes, DType::F32).unwrap();
        let module = device.compile(&program, &CompileOptions { launch: LaunchMode::Compiled }).unwrap();
        let checkpoint = Checkpoint::open(folder, &["diffusion_pytorch_model"]).unwrap();
        let params = &module.signature().params;
        let weights = Weights::load(device, params, &checkpoint, &|_| false, &mut |_, _| {}).unwrap();
        Self {
            device: Arc::clone(device),
            instance: module.bind(&weights).unwrap(),
            signature: Arc::clone(module.signature()),
            angles: flux::rope_tables(&config, text_tokens, grid[0], grid[1]).unwrap(),
            config,
            batch,
        }
    }

    /// The predicted velocity.
    pub fn predict(&mut self, told: &Told<'_>) -> Vec<f32> {
        let features = |value| flux::timestep_features(&vec![value; self.batch]);
        let mut inputs = vec![
            ("hidden_states", told.hidden_states.to_vec()),
            ("encoder_hidden_states", told.text.to_vec()),
            ("pooled_projections", told.pooled.to_vec()),
            ("timestep_features", features(told.time)),
            ("rope_cos", self.angles.cos.clone()),
            ("rope_sin", self.angles.sin.clone()),
        ];
        if self.config.guidance_embeds {
            inputs.push(("guidance_features", features(told.guidance)));
        }
        let mut bindings = Bindings::new(Arc::clone(&self.signature));
        for (name, values) in inputs {
            let slot = self.signature.inputs.iter().find(|slot| slot.name == name).unwrap();
            let buffer = self.device.buffer_from(&slot.ty, from_f32(DType::F32, &values)).unwrap();
            bindings.input(name, &buffer).unwrap();
        }
        let output = self.device.buffer(&self.signature.outputs[0].ty, Purpose::Data).unwrap();
        bindings.output("output", &output).unwrap();
        self.instance.run(&mut bindings).unwrap();
        to_f32(DType::F32, &self.device.download(&output).unwrap())
    }
}
