//! One module to measure: its Program, its weights and its inputs.

use crate::preset::preset;
use crate::random::Draws;
use crate::{Error, Options, Result, What};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tintype_accel::{TensorSource, from_f32};
use tintype_models::{clip, flux, t5, vae};
use tintype_pipeline::Quantization;
use tintype_pipeline::files::{Checkpoint, Dtype};
use tintype_program::{DType, Program, TensorType};

/// Where on the schedule the denoiser stands, and the guidance that it is told. A thousand times either is the same number in every
/// dtype, so that what two dtypes give can be compared.
const TIME: f64 = 0.7;
pub(crate) const GUIDANCE: f64 = 4.0;
/// What stands before CLIP's parameters in every checkpoint that transformers saves.
const CLIP_PREFIX: &str = "text_model";

/// A module, its inputs and, where it comes from a folder, its weights.
pub(crate) struct Case {
    /// The preset or folder.
    pub(crate) model: String,
    pub(crate) program: Program,
    pub(crate) dtype: DType,
    pub(crate) sizes: BTreeMap<String, u64>,
    /// In the order of the Program's inputs.
    pub(crate) inputs: Vec<Input>,
    pub(crate) weights: Option<Checkpoint>,
}

/// One input: a tensor's name, type and elements.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) ty: TensorType,
    pub(crate) bytes: Vec<u8>,
}

/// A config with the weights beside it, or a preset's without.
pub(crate) struct Source {
    pub(crate) model: String,
    pub(crate) config: String,
    pub(crate) weights: Option<Checkpoint>,
    side: [usize; 2],
    pub(crate) text_tokens: usize,
    /// Whether somebody asked for so many: if not, a model that takes fewer is given fewer.
    tokens_asked: bool,
    pub(crate) dtype: DType,
    pub(crate) quantize: Option<Quantization>,
}

impl Case {
    /// Reads the folder or preset that `options` name and traces its Program.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        Self::of(Source::open(options)?, options)
    }

    /// The module of a config, without weights. Sizes that `options` leaves open are small.
    pub(crate) fn described(config: String, options: &Options) -> Result<Self> {
        let side = |asked: Option<usize>| asked.unwrap_or(64);
        let source = Source {
            model: String::new(),
            config,
            weights: None,
            side: [side(options.width), side(options.height)],
            text_tokens: options.text_tokens.unwrap_or(77),
            tokens_asked: options.text_tokens.is_some(),
            dtype: options.dtype.unwrap_or(DType::F32),
            quantize: options.quantize,
        };
        Self::of(source, options)
    }

    fn of(source: Source, options: &Options) -> Result<Self> {
        match options.what {
            What::Transformer => transformer(source, options.seed),
            What::Vae => decoder(source, options.seed),
            What::T5 => t5(source, options.seed),
            What::Clip | What::Pipeline => clip(source, options.seed),
        }
    }
}

impl Source {
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let default = preset(options.what, options.preset.as_deref())?;
        if let (Some(quantization), false) = (options.quantize, options.what == What::Transformer) {
            let remedy = format!(
                "{} has no layers that are quantized; transformer, pipeline, cold and sizes have",
                options.what.name()
            );
            return Err(Error::Request { option: "quantize", value: quantization.name().into(), remedy });
        }
        let side = |asked: Option<usize>| asked.unwrap_or(default.side);
        let mut source = Source {
            model: default.name.into(),
            config: default.config.into(),
            weights: None,
            side: [side(options.width), side(options.height)],
            text_tokens: options.text_tokens.unwrap_or(default.text_tokens),
            tokens_asked: options.text_tokens.is_some(),
            dtype: options.dtype.unwrap_or(DType::F32),
            quantize: options.quantize,
        };
        if let Some(folder) = &options.model {
            let folder = component(folder, options.what);
            let path = folder.join("config.json");
            let read = std::fs::read_to_string(&path);
            source.config = read.map_err(|e| Error::File { path, reason: e.to_string() })?;
            let weights = Checkpoint::open(&folder, &["diffusion_pytorch_model", "model"])?;
            source.dtype = options.dtype.unwrap_or_else(|| stored(&weights));
            source.weights = Some(weights);
            source.model = folder.display().to_string();
        }
        Ok(source)
    }

    fn case(self, program: Program, sizes: &[(&str, usize)], inputs: Vec<Input>) -> Case {
        let sizes = sizes.iter().map(|&(name, size)| (name.to_string(), size as u64)).collect();
        let Source { model, weights, dtype, .. } = self;
        Case { model, program, dtype, sizes, inputs, weights }
    }

    /// Tokens of a Flux picture, down and across: 2 by 2 latent pixels, and each of those 8 by 8 pixels.
    pub(crate) fn grid(&self) -> Result<[usize; 2]> {
        let [across, down] = self.units(16)?;
        Ok([down, across])
    }

    /// Pixels as multiples of `unit`: width and height.
    fn units(&self, unit: usize) -> Result<[usize; 2]> {
        let [width, height] = self.side;
        for (option, value) in [("width", width), ("height", height)] {
            if value == 0 || !value.is_multiple_of(unit) {
                let remedy = format!("it must be a multiple of {unit}");
                return Err(Error::Request { option, value: value.to_string(), remedy });
            }
        }
        Ok([width / unit, height / unit])
    }
}

/// A component's folder itself, or that of the component within a whole model.
fn component(folder: &Path, what: What) -> PathBuf {
    match folder.join("config.json").exists() {
        true => folder.to_path_buf(),
        false => folder.join(what.folder()),
    }
}

fn stored(weights: &Checkpoint) -> DType {
    match weights.stored_dtype() {
        Some(Dtype::BF16) => DType::Bf16,
        Some(Dtype::F16) => DType::F16,
        _ => DType::F32,
    }
}

fn floats(name: &'static str, dtype: DType, shape: &[usize], values: &[f32]) -> Input {
    Input { name, ty: TensorType::new(dtype, shape), bytes: from_f32(dtype, values) }
}

pub(crate) fn normals(name: &'static str, dtype: DType, shape: &[usize], seed: u64) -> Input {
    let count = shape.iter().product();
    floats(name, dtype, shape, &Draws::of(seed, name).normals(count, 0.0, 1.0))
}

fn integers(name: &'static str, shape: &[usize], values: &[i32]) -> Input {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Input { name, ty: TensorType::new(DType::I32, shape), bytes }
}

fn transformer(source: Source, seed: u64) -> Result<Case> {
    let config = flux::Config::from_json(&source.config)?;
    let [down, across] = source.grid()?;
    let (dtype, text_tokens, image_tokens) = (source.dtype, source.text_tokens, across * down);
    let mut program = flux::program(&config, flux::Sizes { batch: 1, text_tokens, image_tokens }, dtype)?;
    if let Some(quantization) = source.quantize {
        program = quantization.apply(program);
    }
    let angles = flux::rope_tables(&config, text_tokens, down, across)?;
    let rows = [text_tokens + image_tokens, config.attention_head_dim];
    let features = |name, value| {
        let values = flux::timestep_features(&[flux::scaled_time(value, dtype)]);
        floats(name, DType::F32, &[1, flux::FEATURES], &values)
    };
    let mut inputs = vec![
        normals("hidden_states", dtype, &[1, image_tokens, config.in_channels], seed),
        normals("encoder_hidden_states", dtype, &[1, text_tokens, config.joint_attention_dim], seed),
        normals("pooled_projections", dtype, &[1, config.pooled_projection_dim], seed),
        features("timestep_features", TIME),
        floats("rope_cos", DType::F32, &rows, &angles.cos),
        floats("rope_sin", DType::F32, &rows, &angles.sin),
    ];
    if config.guidance_embeds {
        inputs.push(features("guidance_features", GUIDANCE));
    }
    let sizes = [("image_tokens", image_tokens), ("text_tokens", text_tokens)];
    Ok(source.case(program, &sizes, inputs))
}

fn decoder(source: Source, seed: u64) -> Result<Case> {
    let config = vae::Config::from_json(&source.config)?;
    let [width, height] = source.units(config.spatial_factor())?;
    let program =
        vae::decoder_program(&config, vae::AttentionNames::Current, [1, height, width], source.dtype)?;
    let inputs = vec![normals("latents", source.dtype, &[1, config.latent_channels, height, width], seed)];
    let sizes = [("width", source.side[0]), ("height", source.side[1])];
    Ok(source.case(program, &sizes, inputs))
}

fn t5(source: Source, seed: u64) -> Result<Case> {
    let config = t5::Config::from_json(&source.config)?;
    let length = source.text_tokens;
    let program = t5::program(&config, t5::EmbeddingName::Shared, 1, length, source.dtype)?;
    let ids = ids(config.vocab_size, length, seed);
    let inputs = vec![
        integers("input_ids", &[1, length], &ids),
        integers("relative_buckets", &[length, length], &t5::relative_buckets(&config, length)),
    ];
    Ok(source.case(program, &[("text_tokens", length)], inputs))
}

fn clip(source: Source, seed: u64) -> Result<Case> {
    let config = clip::Config::from_json(&source.config)?;
    let dtype = source.dtype;
    let length = match source.tokens_asked {
        true => source.text_tokens,
        false => source.text_tokens.min(config.max_position_embeddings),
    };
    let program = clip::program(&config, Some(CLIP_PREFIX), 1, length, dtype)?;
    let ids = ids(config.vocab_size, length, seed);
    let mask = clip::causal_mask(length, dtype);
    let inputs = vec![
        integers("input_ids", &[1, length], &ids),
        integers("pooled_index", &[1], &clip::pooled_index(&config, &ids, length)),
        floats("causal_mask", DType::F32, &[1, 1, length, length], &mask),
    ];
    Ok(source.case(program, &[("text_tokens", length)], inputs))
}

/// Random tokens; the last is the table's last, where published tokenizers have the end of the text.
fn ids(vocabulary: usize, length: usize, seed: u64) -> Vec<i32> {
    let last = i32::try_from(vocabulary).unwrap_or(i32::MAX).saturating_sub(1);
    let mut draws = Draws::of(seed, "input_ids");
    let mut ids: Vec<i32> = (0..length).map(|_| draws.integer(3.min(last), last)).collect();
    if let Some(end) = ids.last_mut() {
        *end = last;
    }
    ids
}

/// Names that a checkpoint holds and the Program of this module does not read.
pub(crate) fn ignored(what: What) -> fn(&str) -> bool {
    match what {
        What::Vae => |name| name.starts_with("encoder.") || name.starts_with("quant_conv."),
        What::T5 => |name| name == "encoder.embed_tokens.weight",
        What::Clip => |name| name.ends_with("position_ids") || name == "text_projection.weight",
        What::Transformer | What::Pipeline => |_| false,
    }
}

/// The weights as a source.
pub(crate) fn as_source(weights: &Checkpoint) -> &dyn TensorSource {
    weights
}
