//! Single weights files give the pictures, to the bit, of the folder that they were made from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::fs;
use std::path::{Path, PathBuf};
use tintype::accel::Signature;
use tintype::models::flux::{Config, Sizes, program};
use tintype::pipeline::folder::ModelFolder;
use tintype::{CancelToken, DType, Pipeline, PipelineOptions, Request, Steps};
use tintype_tests::{copy_folder, fixtures, model};

const BASE: &str = "flux-base";

fn single(name: &str) -> PathBuf {
    fixtures().join("single").join(BASE).join(name)
}

fn open(folder: &ModelFolder) -> Result<Pipeline, String> {
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    Pipeline::of(folder, device, PipelineOptions::default()).map_err(|error| error.to_string())
}

/// A picture's pixels, and the weights' fingerprint.
fn draw(folder: &ModelFolder) -> Result<(Vec<u8>, String), String> {
    let mut pipeline = open(folder)?;
    let request = Request {
        prompt: "a red heart".into(),
        width: Some(48),
        height: Some(32),
        steps: Some(Steps::Count(2)),
        max_sequence_length: Some(24),
        ..Request::default()
    };
    let made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default());
    let made = made.map_err(|error| error.to_string())?;
    Ok((made.pictures[0].rgb.clone(), pipeline.fingerprint().to_owned()))
}

fn folder(path: &Path) -> ModelFolder {
    ModelFolder::open(path).unwrap()
}

/// A safetensors file again, with every tensor as `change` has it; none leaves it out.
fn resaved(from: &Path, to: &Path, change: impl Fn(&str, Vec<usize>) -> Option<(String, Vec<usize>)>) {
    let bytes = fs::read(from).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let changed = tensors.iter().filter_map(|(name, view)| {
        let (name, shape) = change(name, view.shape().to_vec())?;
        Some((name, TensorView::new(view.dtype(), shape, view.data()).unwrap()))
    });
    fs::write(to, safetensors::serialize(changed, None).unwrap()).unwrap();
}

#[test]
fn pictures_are_the_folders_to_the_bit() {
    let whole = draw(&folder(&model(BASE))).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    // The folder's own weights may be missing then.
    let companion = scratch.path().join("companion");
    copy_folder(&model(BASE), &companion);
    for component in ["transformer", "vae"] {
        fs::remove_file(companion.join(component).join("diffusion_pytorch_model.safetensors")).unwrap();
    }
    let of = |transformer: &Path, vae: &Path| {
        draw(&folder(&companion).with_transformer(transformer).with_vae(vae)).unwrap()
    };
    assert!(of(&single("flux1.safetensors"), &single("ae.safetensors")) == whole, "as BFL writes them");

    let (flux, ae) = (scratch.path().join("comfy.safetensors"), scratch.path().join("vae.safetensors"));
    resaved(&single("flux1.safetensors"), &flux, |n, shape| {
        Some((format!("model.diffusion_model.{n}"), shape))
    });
    resaved(&single("ae.safetensors"), &ae, |name, shape| Some((format!("first_stage_model.{name}"), shape)));
    assert!(of(&flux, &ae) == whole, "with prefixes");

    let own = |part: &str| model(BASE).join(part).join("diffusion_pytorch_model.safetensors");
    assert!(of(&own("transformer"), &own("vae")) == whole, "as diffusers names them");
}

#[test]
fn what_a_file_is_not_is_said() {
    let scratch = tempfile::tempdir().unwrap();
    let base = folder(&model(BASE));
    let at = |name: &str| scratch.path().join(name);
    let refusal = |folder: &ModelFolder| draw(folder).err().unwrap_or_else(|| "it opened".into());
    let transformer = |file: &Path| refusal(&base.clone().with_transformer(file));

    let told = ModelFolder::open(&single("flux1.safetensors")).unwrap_err().to_string();
    assert!(told.contains("--transformer") && told.contains("model_index.json"), "{told}");
    let told = transformer(&single("ae.safetensors"));
    assert!(told.contains("no Flux transformer") && told.contains("ae.safetensors"), "{told}");
    let told = refusal(&base.clone().with_vae(&single("flux1.safetensors")));
    assert!(told.contains("no autoencoder"), "{told}");
    assert!(transformer(&at("none.safetensors")).contains("cannot read"));

    let left_out = |missing: &'static str| {
        move |name: &str, shape| (!name.starts_with(missing)).then(|| (name.to_owned(), shape))
    };
    let cases = [
        ("img_in.weight", "has no tensor `img_in.weight`"),
        ("double_blocks.0.img_attn.qkv.weight", "`transformer_blocks.0.attn.to_k.weight`"),
        ("guidance_in.out_layer", "guidance_embedder.linear_2"),
        ("single_blocks.0.", "single_transformer_blocks.0."),
    ];
    for (missing, expected) in cases {
        resaved(&single("flux1.safetensors"), &at("cut.safetensors"), left_out(missing));
        let told = transformer(&at("cut.safetensors"));
        assert!(told.contains(expected) && told.contains("cut.safetensors"), "{missing}: {told}");
    }
    resaved(&single("flux1.safetensors"), &at("odd.safetensors"), |name, shape| {
        let name = name.replace("double_blocks.1.img_mlp.2.bias", "double_blocks.1.img_mlp.3.bias");
        Some((name, shape))
    });
    let told = transformer(&at("odd.safetensors"));
    assert!(told.contains("transformer_blocks.1.ff.net.2.bias"), "{told}");
    resaved(&single("flux1.safetensors"), &at("flat.safetensors"), |name, shape| {
        let flat = name == "double_blocks.0.txt_attn.qkv.weight";
        Some((name.to_owned(), if flat { vec![shape.iter().product()] } else { shape }))
    });
    let told = transformer(&at("flat.safetensors"));
    assert!(told.contains("`double_blocks.0.txt_attn.qkv.weight` has 1728 rows"), "{told}");
}

#[test]
fn configs_that_shapes_do_not_tell_come_from_the_companion() {
    let scratch = tempfile::tempdir().unwrap();
    copy_folder(&model(BASE), scratch.path());
    fs::remove_dir_all(scratch.path().join("transformer")).unwrap();
    let base = folder(scratch.path()).with_transformer(&single("flux1.safetensors"));
    // Heads of 12 elements are not those of the published model.
    let told = draw(&base).unwrap_err();
    assert!(told.contains("transformer/config.json") && told.contains("12 elements"), "{told}");
    let (config, weights) =
        folder(&model(BASE)).with_transformer(&single("flux1.safetensors")).transformer().unwrap();
    assert_eq!((config.num_layers, config.num_single_layers, config.guidance_embeds), (2, 2, true));
    assert_eq!((config.num_attention_heads, config.attention_head_dim), (2, 12));
    assert_eq!(weights.stored_dtype(), Some(Dtype::F32));
}

#[test]
fn stored_dtypes_that_are_not_computed_in_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("fp8.safetensors");
    let bytes = [0; 4];
    let view = TensorView::new(Dtype::F8_E4M3, vec![4], &bytes).unwrap();
    fs::write(&file, safetensors::serialize([("double_blocks.0.img_mod.lin.bias", view)], None).unwrap())
        .unwrap();
    let told = draw(&folder(&model(BASE)).with_transformer(&file)).unwrap_err();
    assert!(told.contains("F8_E4M3") && told.contains("double_blocks.0.img_mod.lin.bias"), "{told}");
}

/// A file with this header and holes for data: it takes no room on the disk.
fn sparse(path: &Path, tensors: &[(String, Vec<usize>)]) -> u64 {
    let (mut entries, mut end) = (Vec::new(), 0u64);
    for (name, shape) in tensors {
        let start = end;
        end += 2 * shape.iter().product::<usize>() as u64;
        entries
            .push(format!(r#""{name}":{{"dtype":"BF16","shape":{shape:?},"data_offsets":[{start},{end}]}}"#));
    }
    let mut header = format!("{{{}}}", entries.join(","));
    header.push_str(&" ".repeat((8 - header.len() % 8) % 8));
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    fs::write(path, &bytes).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_len(bytes.len() as u64 + end).unwrap();
    end
}

/// The tensors of flux1-dev.safetensors, from its published sizes.
fn flux_dev() -> Vec<(String, Vec<usize>)> {
    const WIDTH: usize = 3072;
    let mut tensors = Vec::new();
    let mut layer = |name: String, rows: usize, columns: usize| {
        tensors.push((format!("{name}.weight"), vec![rows, columns]));
        tensors.push((format!("{name}.bias"), vec![rows]));
    };
    layer("img_in".into(), WIDTH, 64);
    layer("txt_in".into(), WIDTH, 4096);
    for (name, columns) in [("time_in", 256), ("vector_in", 768), ("guidance_in", 256)] {
        layer(format!("{name}.in_layer"), WIDTH, columns);
        layer(format!("{name}.out_layer"), WIDTH, WIDTH);
    }
    layer("final_layer.linear".into(), 64, WIDTH);
    layer("final_layer.adaLN_modulation.1".into(), 2 * WIDTH, WIDTH);
    for i in 0..19 {
        for side in ["img", "txt"] {
            let block = format!("double_blocks.{i}.{side}");
            layer(format!("{block}_mod.lin"), 6 * WIDTH, WIDTH);
            layer(format!("{block}_attn.qkv"), 3 * WIDTH, WIDTH);
            layer(format!("{block}_attn.proj"), WIDTH, WIDTH);
            layer(format!("{block}_mlp.0"), 4 * WIDTH, WIDTH);
            layer(format!("{block}_mlp.2"), WIDTH, 4 * WIDTH);
        }
    }
    for i in 0..38 {
        layer(format!("single_blocks.{i}.modulation.lin"), 3 * WIDTH, WIDTH);
        layer(format!("single_blocks.{i}.linear1"), 7 * WIDTH, WIDTH);
        layer(format!("single_blocks.{i}.linear2"), WIDTH, 5 * WIDTH);
    }
    let mut norm = |name: String| tensors.push((format!("{name}.scale"), vec![128]));
    for (i, kind) in (0..38).flat_map(|i| [(i, "query_norm"), (i, "key_norm")]) {
        norm(format!("single_blocks.{i}.norm.{kind}"));
        if i < 19 {
            norm(format!("double_blocks.{i}.img_attn.norm.{kind}"));
            norm(format!("double_blocks.{i}.txt_attn.norm.{kind}"));
        }
    }
    tensors
}

#[test]
fn a_file_of_the_published_size_is_the_published_model() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("flux1-dev.safetensors");
    let bytes = sparse(&file, &flux_dev());
    assert_eq!(bytes, 23_802_816_640, "11,901,408,320 parameters in bf16");
    // A companion without a transformer of its own.
    fs::write(scratch.path().join("model_index.json"), r#"{"_class_name":"FluxPipeline"}"#).unwrap();
    let (config, weights) = folder(scratch.path()).with_transformer(&file).transformer().unwrap();
    let published = Config { guidance_embeds: true, out_channels: Some(64), ..Config::default() };
    assert_eq!(config, published);
    assert_eq!(weights.total_bytes() as u64, bytes);
    // Every parameter of the model is there with its shape, and nothing else is.
    let sizes = Sizes { batch: 1, text_tokens: 16, image_tokens: 16 };
    let program = program(&config, sizes, DType::Bf16).unwrap();
    let params = Signature::of(&program).params;
    let mut wanted: Vec<_> = params.into_iter().map(|p| (p.name, p.ty.shape.to_vec())).collect();
    wanted.sort();
    let found: Vec<_> =
        weights.names().map(|name| (name.to_owned(), weights.get(name).unwrap().shape.to_vec())).collect();
    assert_eq!(found, wanted);
}
