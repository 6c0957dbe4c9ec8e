//! Models that are known by name. Each is a config as it would stand in a `config.json`.

use crate::{Error, Result, What};

/// A config and the sizes that it is measured at by default.
#[derive(Clone, Copy)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) config: &'static str,
    /// Width and height in pixels; 0 for text encoders.
    pub(crate) side: usize,
    /// Tokens of text; 0 for the autoencoder.
    pub(crate) text_tokens: usize,
}

/// FLUX.1-dev's denoiser: the defaults of the published class, and guidance.
const FLUX_DEV: &str = r#"{"guidance_embeds": true}"#;
const FLUX_VAE: &str = r#"{"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 16,
                    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D",
                                         "DownEncoderBlock2D"],
                    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D",
                                       "UpDecoderBlock2D"],
                    "use_quant_conv": false, "use_post_quant_conv": false,
                    "scaling_factor": 0.3611, "shift_factor": 0.1159}"#;
const T5_XXL: &str = r#"{"d_model": 4096, "d_kv": 64, "num_heads": 64, "d_ff": 10240, "num_layers": 24,
                    "feed_forward_proj": "gated-gelu"}"#;
const CLIP_L: &str = r#"{"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}"#;
const TINY_TRANSFORMER: &str = r#"{"num_layers": 2, "num_single_layers": 2, "attention_head_dim": 16, "num_attention_heads": 2,
                    "joint_attention_dim": 32, "pooled_projection_dim": 32, "guidance_embeds": true,
                    "axes_dims_rope": [4, 6, 6]}"#;

const TRANSFORMER: &[Preset] = &[
    Preset {
        name: "flux-4-8",
        config: r#"{"num_layers": 4, "num_single_layers": 8, "attention_head_dim": 128, "num_attention_heads": 8,
                    "joint_attention_dim": 1024, "pooled_projection_dim": 768, "guidance_embeds": false,
                    "axes_dims_rope": [16, 56, 56]}"#,
        side: 512,
        text_tokens: 128,
    },
    Preset { name: "flux-dev", config: FLUX_DEV, side: 1024, text_tokens: 512 },
    Preset { name: "tiny", config: TINY_TRANSFORMER, side: 64, text_tokens: 8 },
];

const VAE: &[Preset] = &[
    Preset { name: "flux", config: FLUX_VAE, side: 256, text_tokens: 0 },
    Preset {
        name: "tiny",
        config: r#"{"block_out_channels": [8, 16], "norm_num_groups": 4,
                    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
                    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}"#,
        side: 32,
        text_tokens: 0,
    },
];

const T5: &[Preset] = &[
    Preset {
        name: "t5-large-8",
        config: r#"{"d_model": 1024, "d_kv": 64, "num_heads": 16, "d_ff": 2816, "num_layers": 8,
                    "feed_forward_proj": "gated-gelu"}"#,
        side: 0,
        text_tokens: 128,
    },
    Preset { name: "t5-xxl", config: T5_XXL, side: 0, text_tokens: 512 },
    Preset {
        name: "tiny",
        config: r#"{"d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 64, "num_layers": 2, "vocab_size": 128,
                    "feed_forward_proj": "gated-gelu"}"#,
        side: 0,
        text_tokens: 16,
    },
];

const CLIP: &[Preset] = &[
    Preset { name: "clip-l", config: CLIP_L, side: 0, text_tokens: 77 },
    Preset {
        name: "tiny",
        config: r#"{"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2,
                    "vocab_size": 128, "eos_token_id": 127}"#,
        side: 0,
        text_tokens: 77,
    },
];

/// The configs of a whole model, and the sizes that it is measured at by default.
#[derive(Clone, Copy)]
pub(crate) struct Whole {
    pub(crate) name: &'static str,
    /// By module.
    pub(crate) configs: [(What, &'static str); 4],
    /// Width and height in pixels.
    pub(crate) side: usize,
    /// Tokens of text.
    pub(crate) text_tokens: usize,
}

const WHOLE: &[Whole] = &[
    Whole {
        name: "flux-dev",
        configs: [
            (What::Clip, CLIP_L),
            (What::T5, T5_XXL),
            (What::Transformer, FLUX_DEV),
            (What::Vae, FLUX_VAE),
        ],
        side: 1024,
        text_tokens: 512,
    },
    Whole {
        name: "tiny",
        configs: [
            (
                What::Clip,
                r#"{"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}"#,
            ),
            (
                What::T5,
                r#"{"d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 64, "num_layers": 2,
                    "feed_forward_proj": "gated-gelu"}"#,
            ),
            (What::Transformer, TINY_TRANSFORMER),
            (
                What::Vae,
                r#"{"block_out_channels": [8, 16], "norm_num_groups": 4, "latent_channels": 16,
                    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
                    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
                    "use_quant_conv": false, "use_post_quant_conv": false}"#,
            ),
        ],
        side: 64,
        text_tokens: 16,
    },
];

/// The whole model of this name, or the default.
pub(crate) fn whole(name: Option<&str>) -> Result<Whole> {
    let found = match name {
        None => WHOLE.first(),
        Some(name) => WHOLE.iter().find(|whole| whole.name == name),
    };
    found.copied().ok_or_else(|| {
        let names: Vec<_> = WHOLE.iter().map(|whole| whole.name).collect();
        let remedy = format!("presets of a whole model are {}", names.join(", "));
        Error::Request { option: "preset", value: name.unwrap_or("none").into(), remedy }
    })
}

/// The presets of a module, the default first.
pub(crate) fn presets(what: What) -> &'static [Preset] {
    match what {
        What::Transformer => TRANSFORMER,
        What::Vae => VAE,
        What::T5 => T5,
        What::Clip => CLIP,
        What::Pipeline => &[],
    }
}

/// The preset of this name, or the default.
pub(crate) fn preset(what: What, name: Option<&str>) -> Result<Preset> {
    let known = presets(what);
    let found = match name {
        None => known.first(),
        Some(name) => known.iter().find(|preset| preset.name == name),
    };
    found.copied().ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|preset| preset.name).collect();
        let remedy = match names.is_empty() {
            true => format!("{} has no presets; name a folder with --model", what.name()),
            false => format!("presets of {} are {}", what.name(), names.join(", ")),
        };
        Error::Request { option: "preset", value: name.unwrap_or("none").into(), remedy }
    })
}
