//! What tracing makes of published configs: repeated blocks, calls, shapes of outputs.

// A test says what failed by panicking; helpers outside `#[test]` functions do too.
#![allow(clippy::unwrap_used)]

use tintype_models::{clip, flux, pack, t5, vae};
use tintype_program::{BlockHash, DType, Op, Program, TensorType};

const DEV: &str =
    r#"{"_class_name": "FluxTransformer2DModel", "guidance_embeds": true, "out_channels": null}"#;
const FLUX_VAE: &str = r#"{
    "block_out_channels": [128, 256, 512, 512], "latent_channels": 16, "layers_per_block": 2,
    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
    "scaling_factor": 0.3611, "shift_factor": 0.1159, "use_quant_conv": false, "use_post_quant_conv": false}"#;

fn output(program: &Program, name: &str) -> TensorType {
    let port = program.entry().outputs.iter().find(|port| port.name == name).unwrap();
    program.entry().ty(port.value).clone()
}

fn calls(program: &Program) -> usize {
    program.blocks.iter().flat_map(|block| &block.nodes).filter(|n| matches!(n.op, Op::Call { .. })).count()
}

fn flux(json: &str, sizes: flux::Sizes, dtype: DType) -> Program {
    flux::program(&flux::Config::from_json(json).unwrap(), sizes, dtype).unwrap()
}

#[test]
fn flux_dev_is_two_blocks_and_57_calls() {
    let sizes = flux::Sizes { batch: 1, text_tokens: 512, image_tokens: 4096 };
    let program = flux(DEV, sizes, DType::Bf16);
    assert_eq!(program.runs_of_blocks(), [19, 38, 1]);
    assert_eq!(calls(&program), 57);
    assert_eq!(program.entry().params.len(), 1160);
    assert_eq!(output(&program, "output"), TensorType::new(DType::Bf16, [1, 4096, 64]));
    let inputs: Vec<_> = program.entry().inputs.iter().map(|port| port.name.as_str()).collect();
    let expected = [
        "hidden_states",
        "encoder_hidden_states",
        "pooled_projections",
        "timestep_features",
        "guidance_features",
        "rope_cos",
        "rope_sin",
    ];
    assert_eq!(inputs, expected);
}

#[test]
fn depth_and_guidance_leave_the_blocks_as_they_are() {
    let sizes = flux::Sizes { batch: 2, text_tokens: 8, image_tokens: 6 };
    let hashes = |json: &str| -> Vec<BlockHash> { flux(json, sizes, DType::F32).hashes() };
    let (dev, schnell) = (hashes(DEV), hashes(r#"{"num_layers": 3, "num_single_layers": 1}"#));
    assert_eq!(dev[..2], schnell[..2]);
    assert_ne!(dev[2], schnell[2]);
}

#[test]
fn a_denoiser_may_lack_either_kind_of_block() {
    let sizes = flux::Sizes { batch: 1, text_tokens: 3, image_tokens: 4 };
    assert_eq!(flux(r#"{"num_single_layers": 0}"#, sizes, DType::F32).runs_of_blocks(), [19, 1]);
    assert_eq!(flux(r#"{"num_layers": 0}"#, sizes, DType::F32).runs_of_blocks(), [38, 1]);
}

#[test]
fn modulations_keep_the_batch_apart() {
    let sizes = flux::Sizes { batch: 3, text_tokens: 5, image_tokens: 4 };
    let program = flux(DEV, sizes, DType::F32);
    let vectors = program.block(tintype_program::BlockId(0));
    assert!(vectors.values.contains(&TensorType::new(DType::F32, [3, 1, 6 * 3072])));
}

#[test]
fn f16_is_kept_finite_where_diffusers_keeps_it() {
    let sizes = flux::Sizes { batch: 1, text_tokens: 3, image_tokens: 4 };
    let limits = |dtype| {
        let program = flux(DEV, sizes, dtype);
        let is_limit = |op: &Op| matches!(op, Op::Constant { value, .. } if value.abs() == 65504.0);
        program.blocks.iter().flat_map(|b| &b.nodes).filter(|node| is_limit(&node.op)).count()
    };
    assert_eq!((limits(DType::F16), limits(DType::Bf16)), (4, 0));
}

#[test]
fn text_encoders_are_one_block_each() {
    let clip_large = r#"{"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}"#;
    let config = clip::Config::from_json(clip_large).unwrap();
    let program = clip::program(&config, Some("text_model"), 2, 77, DType::F16).unwrap();
    assert_eq!(program.runs_of_blocks(), [12, 1]);
    assert_eq!(program.entry().params.len(), 12 * 16 + 4);
    assert_eq!(output(&program, "last_hidden_state"), TensorType::new(DType::F16, [2, 77, 768]));
    assert_eq!(output(&program, "pooled"), TensorType::new(DType::F16, [2, 768]));

    let xxl = r#"{"d_model": 4096, "d_ff": 10240, "num_layers": 24, "num_heads": 64,
                  "feed_forward_proj": "gated-gelu", "dense_act_fn": "gelu_new", "is_gated_act": true}"#;
    let config = t5::Config::from_json(xxl).unwrap();
    let program = t5::program(&config, t5::EmbeddingName::Shared, 1, 512, DType::Bf16).unwrap();
    assert_eq!(program.runs_of_blocks(), [24, 1]);
    assert_eq!(program.entry().params.len(), 24 * 9 + 3);
    assert_eq!(output(&program, "last_hidden_state"), TensorType::new(DType::Bf16, [1, 512, 4096]));
}

#[test]
fn t5_in_f16_keeps_its_sum_and_wo_in_f32() {
    let program =
        t5::program(&t5::Config::default(), t5::EmbeddingName::EmbedTokens, 1, 4, DType::F16).unwrap();
    let entry = program.entry();
    for param in &entry.params {
        let expected = if param.name.ends_with(".wo.weight") { DType::F32 } else { DType::F16 };
        assert_eq!(entry.ty(param.value).dtype, expected, "{}", param.name);
    }
    assert!(entry.params.iter().any(|param| param.name == "encoder.embed_tokens.weight"));
    assert_eq!(output(&program, "last_hidden_state").dtype, DType::F16);
}

#[test]
fn the_autoencoder_shares_equal_residual_blocks() {
    let config = vae::Config::from_json(FLUX_VAE).unwrap();
    assert_eq!(config.spatial_factor(), 8);
    let decoder = vae::decoder_program(&config, Default::default(), [1, 16, 24], DType::F32).unwrap();
    assert_eq!(output(&decoder, "image"), TensorType::new(DType::F32, [1, 3, 128, 192]));
    assert_eq!(calls(&decoder), 14);
    assert_eq!(decoder.blocks.len(), 7, "six shapes of residual block and the entry");
    let encoder = vae::encoder_program(&config, Default::default(), [1, 128, 192], DType::F32).unwrap();
    assert_eq!(output(&encoder, "mean"), TensorType::new(DType::F32, [1, 16, 16, 24]));
    assert_eq!(output(&encoder, "std"), output(&encoder, "mean"));
    assert_eq!(decoder.entry().params.len() + encoder.entry().params.len(), 244);
}

#[test]
fn old_autoencoders_name_their_attention_otherwise() {
    let config = vae::Config::from_json(FLUX_VAE).unwrap();
    let old = vae::AttentionNames::Deprecated;
    let program = vae::decoder_program(&config, old, [1, 4, 4], DType::F32).unwrap();
    let has = |name: &str| program.entry().params.iter().any(|param| param.name == name);
    assert!(has("decoder.mid_block.attentions.0.proj_attn.weight"));
    assert!(!has("decoder.mid_block.attentions.0.to_q.weight"));
}

#[test]
fn packing_and_unpacking_are_inverse_in_shape() {
    let program = Program::trace("pack", |scope| {
        let latents = scope.input("latents", TensorType::new(DType::F32, [2, 16, 6, 10]))?;
        let tokens = pack::pack(&latents)?;
        scope.output("tokens", &tokens)?;
        scope.output("latents", &pack::unpack(&tokens, 6, 10)?)
    })
    .unwrap();
    assert_eq!(output(&program, "tokens").shape, [2, 15, 64]);
    assert_eq!(output(&program, "latents").shape, [2, 16, 6, 10]);
    let odd = Program::trace("pack", |scope| {
        pack::pack(&scope.input("latents", TensorType::new(DType::F32, [2, 16, 5, 10]))?).map(|_| ())
    });
    assert!(odd.is_err());
}

#[test]
fn rotary_tables_start_at_the_origin_and_count_rows_and_columns() {
    let config = flux::Config::default();
    let tables = flux::rope_tables(&config, 2, 2, 3).unwrap();
    assert_eq!((tables.cos.len(), tables.sin.len()), (8 * 128, 8 * 128));
    assert!(tables.cos[..3 * 128].iter().all(|&c| c == 1.0), "text and the first token of the picture");
    let sines = |token: usize| &tables.sin[token * 128..][..128];
    let one = 1f64.sin() as f32;
    assert_eq!((sines(3)[16], sines(3)[72], sines(3)[73]), (0.0, one, one), "one column on");
    assert_eq!((sines(5)[16], sines(5)[17], sines(5)[72]), (one, one, 0.0), "one row on");
}
