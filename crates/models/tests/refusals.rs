//! Configs and sizes that make no model are refused, by the field's name, with what to do.

// A test says what failed by panicking; helpers outside `#[test]` functions do too.
#![allow(clippy::unwrap_used)]

use tintype_models::{Error, clip, flux, t5, vae};
use tintype_program::{DType, Program, TensorType};

/// Each pair is a config and the words its error must have.
fn refused<T: std::fmt::Debug>(read: fn(&str) -> Result<T, Error>, cases: &[(&str, &[&str])]) {
    for (json, words) in cases {
        let message = read(json).unwrap_err().to_string();
        for word in *words {
            assert!(message.contains(word), "{json}: {message:?} lacks {word:?}");
        }
    }
}

#[test]
fn flux_configs() {
    refused(
        flux::Config::from_json,
        &[
            (r#"{"num_attention_heads": 0}"#, &["transformer", "`num_attention_heads` is 0", "from 1"]),
            (r#"{"num_layers": 1001}"#, &["`num_layers` is 1001", "at most 1000"]),
            (r#"{"num_layers": 0, "num_single_layers": 0}"#, &["num_layers", "at least one"]),
            (r#"{"num_attention_heads": 1048576}"#, &["num_attention_heads", "attention_head_dim"]),
            (r#"{"in_channels": 18446744073709551615}"#, &["in_channels"]),
            (r#"{"axes_dims_rope": [16, 56, 54]}"#, &["axes_dims_rope", "[16, 56, 54]", "128"]),
            (r#"{"axes_dims_rope": [15, 57, 56]}"#, &["axes_dims_rope", "even"]),
            (r#"{"axes_dims_rope": [64, 64]}"#, &["axes_dims_rope", "3"]),
            (r#"{"num_layers": -1}"#, &["transformer", "config.json"]),
            ("[", &["transformer", "config.json"]),
        ],
    );
}

#[test]
fn clip_configs() {
    refused(
        clip::Config::from_json,
        &[
            (r#"{"num_attention_heads": 7}"#, &["CLIP", "`num_attention_heads` is 7", "512"]),
            (r#"{"hidden_act": "gelu_new"}"#, &["hidden_act", "gelu_new", "quick_gelu"]),
            (r#"{"layer_norm_eps": -1}"#, &["layer_norm_eps"]),
            (r#"{"vocab_size": 0}"#, &["vocab_size"]),
        ],
    );
    let error = clip::program(&clip::Config::default(), None, 1, 78, DType::F32).unwrap_err();
    assert!(matches!(error, Error::Size { value: 78, .. }), "{error}");
    assert!(error.to_string().contains("from 1 to 77"), "{error}");
}

#[test]
fn t5_configs() {
    refused(
        t5::Config::from_json,
        &[
            (
                r#"{"feed_forward_proj": "gated-mish"}"#,
                &["T5", "feed_forward_proj", "gated-mish", "gelu_new"],
            ),
            (r#"{"dense_act_fn": "mish"}"#, &["dense_act_fn", "mish"]),
            (r#"{"relative_attention_num_buckets": 3}"#, &["relative_attention_num_buckets", "from 4"]),
            (r#"{"relative_attention_max_distance": 8}"#, &["relative_attention_max_distance", "8"]),
            (r#"{"num_heads": 1000000}"#, &["num_heads", "d_kv"]),
            (r#"{"num_layers": 0}"#, &["num_layers"]),
        ],
    );
}

#[test]
fn vae_configs() {
    refused(
        vae::Config::from_json,
        &[
            (r#"{"down_block_types": ["AttnDownEncoderBlock2D"]}"#, &["vae", "down_block_types", "Attn"]),
            (r#"{"up_block_types": []}"#, &["up_block_types", "a list of 0", "1 levels"]),
            (r#"{"block_out_channels": []}"#, &["block_out_channels", "1 to 12"]),
            (r#"{"block_out_channels": [40]}"#, &["norm_num_groups", "40"]),
            (r#"{"norm_num_groups": 0}"#, &["norm_num_groups"]),
            (r#"{"act_fn": "mish"}"#, &["act_fn", "mish", "silu"]),
            (r#"{"scaling_factor": 0}"#, &["scaling_factor"]),
        ],
    );
}

#[test]
fn programs_validate_first() {
    let config = flux::Config { num_attention_heads: 0, ..Default::default() };
    let sizes = flux::Sizes { batch: 1, text_tokens: 1, image_tokens: 1 };
    assert!(matches!(flux::program(&config, sizes, DType::F32), Err(Error::Config { .. })));
    let absurd = flux::Sizes { batch: usize::MAX, text_tokens: usize::MAX, image_tokens: usize::MAX };
    assert!(matches!(flux::program(&flux::Config::default(), absurd, DType::F32), Err(Error::Program(_))));
    let config = vae::Config::default();
    assert!(vae::decoder_program(&config, Default::default(), [1, 0, 4], DType::F32).is_err());
    assert!(flux::rope_tables(&flux::Config::default(), 1, usize::MAX, 2).is_err());
}

#[test]
fn a_model_without_guidance_takes_none() {
    let trace = |guidance_embeds, given: bool| {
        let config =
            flux::Config { guidance_embeds, num_layers: 1, num_single_layers: 1, ..Default::default() };
        Program::trace("flux", |scope| {
            let of = |name: &str, shape: &[usize]| scope.input(name, TensorType::new(DType::F32, shape));
            let guidance = of("guidance", &[1, 256])?;
            let inputs = flux::Inputs {
                hidden_states: &of("picture", &[1, 2, 64])?,
                encoder_hidden_states: &of("text", &[1, 3, 4096])?,
                pooled_projections: &of("pooled", &[1, 768])?,
                timestep_features: &of("time", &[1, 256])?,
                guidance_features: given.then_some(&guidance),
                rope_cos: &of("cos", &[5, 128])?,
                rope_sin: &of("sin", &[5, 128])?,
            };
            scope.output("output", &flux::transformer(scope, &config, &inputs)?)
        })
    };
    assert!(trace(true, true).is_ok() && trace(false, false).is_ok());
    for (embeds, given) in [(true, false), (false, true)] {
        let message = trace(embeds, given).unwrap_err().to_string();
        assert!(message.contains("guidance_features") && message.contains("guidance_embeds"), "{message}");
    }
}
