//! Single weights files give the pictures, to the bit, of the folder that they were made from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::fs;
use std::path::{Path, PathBuf};
use tintype::pipeline::folder::ModelFolder;
use tintype::{CancelToken, Pipeline, PipelineOptions, Request, Steps};
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
