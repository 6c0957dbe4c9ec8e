//! A whole model with random weights, as a folder in the diffusers layout: in memory, or written to disk.

use crate::case::Case;
use crate::preset::{Whole, whole};
use crate::random::{RandomWeights, draw};
use crate::save::stored;
use crate::{Error, Options, Result, What};
use safetensors::tensor::{Metadata, TensorInfo};
use std::io::{self, Write};
use std::path::Path;
use tintype_accel::Signature;
use tintype_pipeline::files::write_beside;
use tintype_pipeline::folder::Location;
use tintype_program::{DType, TensorType};

/// A model of a preset. Weights are drawn when it is put somewhere: none are kept here.
pub struct RandomModel {
    whole: Whole,
    /// Configs and tokenizers.
    texts: Vec<(String, Vec<u8>)>,
    weights: Vec<(String, Weights)>,
}

/// One safetensors file.
struct Weights {
    seed: u64,
    header: Vec<u8>,
    /// In the order of the file.
    tensors: Vec<(String, TensorType)>,
}

/// What both tokenizers' folders may hold.
const TOKENIZERS: [(&str, &[&str]); 2] = [
    ("tokenizer", &["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"]),
    ("tokenizer_2", &["spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]),
];

const MODEL_INDEX: &str = r#"{"_class_name": "FluxPipeline",
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "T5TokenizerFast"],
    "transformer": ["diffusers", "FluxTransformer2DModel"], "vae": ["diffusers", "AutoencoderKL"]}"#;

const SCHEDULER: &str = r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "base_image_seq_len": 256, "base_shift": 0.5,
    "max_image_seq_len": 4096, "max_shift": 1.15, "num_train_timesteps": 1000, "shift": 3.0, "use_dynamic_shifting": true}"#;

impl RandomModel {
    /// The model of a preset, the first where none is named. Tokenizers cannot be drawn: they are copied from the model
    /// folder `tokenizers`, whose vocabularies must not be larger than the preset's.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for a preset that is not known, and whatever is wrong with the tokenizers' files.
    pub fn new(preset: Option<&str>, dtype: DType, seed: u64, tokenizers: &Location) -> Result<Self> {
        let whole = whole(preset)?;
        let mut texts = vec![
            ("model_index.json".to_string(), MODEL_INDEX.into()),
            ("scheduler/scheduler_config.json".to_string(), SCHEDULER.into()),
        ];
        for (folder, names) in TOKENIZERS {
            let from = tokenizers.join(folder);
            for name in names.iter().filter(|name| from.join(name).is_file()) {
                texts.push((format!("{folder}/{name}"), from.join(name).read()?));
            }
        }
        let mut weights = Vec::new();
        for (what, config) in whole.configs {
            let folder = what.folder();
            texts.push((format!("{folder}/config.json"), config.into()));
            let case =
                Case::described(config.into(), &Options { dtype: Some(dtype), seed, ..Options::of(what) })?;
            let stem = match what {
                What::Transformer | What::Vae => "diffusion_pytorch_model",
                _ => "model",
            };
            let refuse = |remedy: String| Error::Request {
                option: "preset",
                value: whole.name.into(),
                remedy: format!("{folder}: {remedy}"),
            };
            let drawn = RandomWeights::of(&Signature::of(&case.program).params, seed).map_err(refuse)?;
            let tensors = drawn.types().iter().map(|(name, ty)| (name.clone(), ty.clone())).collect();
            weights.push((
                format!("{folder}/{stem}.safetensors"),
                Weights::new(seed, tensors).map_err(|error| refuse(error.to_string()))?,
            ));
        }
        Ok(Self { whole, texts, weights })
    }

    /// The preset's name.
    pub fn name(&self) -> &'static str {
        self.whole.name
    }

    /// Bytes of all files of weights.
    pub fn bytes(&self) -> u64 {
        self.weights.iter().map(|(_, weights)| weights.bytes() as u64).sum()
    }

    /// The folder in memory, its weights drawn now: as much memory of the host as the weights take.
    pub fn in_memory(&self) -> Location {
        let weights = self.weights.iter().map(|(path, weights)| (path.clone(), weights.drawn()));
        Location::in_memory(self.whole.name, self.texts.iter().cloned().chain(weights).collect())
    }

    /// Writes the folder. A file of weights that is there whole already is left as it is: it has the length that this
    /// preset's has, and a header that says the same.
    ///
    /// # Errors
    ///
    /// [`Error::File`], and an error of the write, which leaves no half file behind.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let made = |path: &Path| -> Result<()> {
            let Some(parent) = path.parent() else { return Ok(()) };
            let made = std::fs::create_dir_all(parent);
            made.map_err(|e| Error::File { path: parent.to_path_buf(), reason: e.to_string() })
        };
        for (name, content) in &self.texts {
            let path = folder.join(name);
            made(&path)?;
            write_beside(&path, |file| file.write_all(content))?;
        }
        for (name, weights) in &self.weights {
            let path = folder.join(name);
            made(&path)?;
            if !weights.is_at(&path) {
                write_beside(&path, |file| weights.write(file))?;
            }
        }
        Ok(())
    }
}

impl Weights {
    fn new(
        seed: u64,
        tensors: Vec<(String, TensorType)>,
    ) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let mut end = 0;
        let infos = tensors.iter().map(|(name, ty)| {
            let start = end;
            end += ty.bytes();
            let info =
                TensorInfo { dtype: stored(ty.dtype), shape: ty.shape.clone(), data_offsets: (start, end) };
            (name.clone(), info)
        });
        // The seed stands in the header, so that files of two seeds are told apart without reading them.
        let notes = [("seed".to_string(), seed.to_string())].into_iter().collect();
        let json = serde_json::to_string(&Metadata::new(Some(notes), infos.collect())?)?;
        // Elements begin at a multiple of 64 bytes.
        let length = (json.len() + 8).next_multiple_of(64) - 8;
        let mut header = (length as u64).to_le_bytes().to_vec();
        header.extend(json.bytes());
        header.resize(8 + length, b' ');
        Ok(Self { seed, header, tensors })
    }

    fn bytes(&self) -> usize {
        self.header.len() + self.tensors.iter().map(|(_, ty)| ty.bytes()).sum::<usize>()
    }

    fn drawn(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes()];
        let (header, mut rest) = bytes.split_at_mut(self.header.len());
        header.copy_from_slice(&self.header);
        for (name, ty) in &self.tensors {
            let (tensor, others) = rest.split_at_mut(ty.bytes());
            draw(self.seed, name, ty, tensor);
            rest = others;
        }
        bytes
    }

    fn write(&self, file: &mut dyn Write) -> io::Result<()> {
        file.write_all(&self.header)?;
        let mut bytes = Vec::new();
        for (name, ty) in &self.tensors {
            bytes.resize(ty.bytes(), 0);
            draw(self.seed, name, ty, &mut bytes);
            file.write_all(&bytes)?;
        }
        Ok(())
    }

    fn is_at(&self, path: &Path) -> bool {
        let same = || -> io::Result<bool> {
            let mut file = std::fs::File::open(path)?;
            if file.metadata()?.len() != self.bytes() as u64 {
                return Ok(false);
            }
            let mut header = vec![0; self.header.len()];
            io::Read::read_exact(&mut file, &mut header)?;
            Ok(header == self.header)
        };
        same().unwrap_or(false)
    }
}
