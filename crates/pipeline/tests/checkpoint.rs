//! Weights on disk: what opens, and what each kind of broken file says.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use safetensors::tensor::{Dtype, TensorView};
use std::path::{Path, PathBuf};
use tintype_pipeline::files::Checkpoint;

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tintype-checkpoint-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Safetensors bytes with f32 tensors of one row.
fn tensors(entries: &[(&str, &[f32])]) -> Vec<u8> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = entries
        .iter()
        .map(|(name, v)| {
            (name.to_string(), vec![1, v.len()], v.iter().flat_map(|x| x.to_le_bytes()).collect())
        })
        .collect();
    let views = bytes.iter().map(|(n, s, b)| (n.clone(), TensorView::new(Dtype::F32, s.clone(), b).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn with_header(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

fn open(folder: &Path) -> Result<Checkpoint, String> {
    Checkpoint::open(folder, &["diffusion_pytorch_model", "model"]).map_err(|error| error.to_string())
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let folder = scratch(name);
    std::fs::write(folder.join("model.safetensors"), bytes).unwrap();
    open(&folder).err().unwrap_or_else(|| "it opened".into())
}

#[test]
fn a_single_file_opens_and_its_pages_outlive_it() {
    let folder = scratch("single");
    std::fs::write(folder.join("model.safetensors"), tensors(&[("b", &[1.0, 2.0]), ("a", &[3.0])])).unwrap();
    let checkpoint = open(&folder).unwrap();
    assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(checkpoint.total_bytes(), 12);
    assert_eq!(checkpoint.stored_dtype(), Some(Dtype::F32));
    let view = checkpoint.get("b").unwrap();
    assert_eq!((view.dtype, view.shape), (Dtype::F32, &[1, 2][..]));
    assert_eq!(view.bytes, [0, 0, 128, 63, 0, 0, 0, 64]);
    let mapped = checkpoint.mapped("a").unwrap();
    drop(checkpoint);
    assert_eq!(mapped.bytes(), 3.0f32.to_le_bytes());
}

#[test]
fn a_missing_tensor_names_the_nearest() {
    let folder = scratch("missing");
    std::fs::write(folder.join("model.safetensors"), tensors(&[("text_model.norm.weight", &[1.0])])).unwrap();
    let error = open(&folder).unwrap().require("text_model.norm.bias").unwrap_err().to_string();
    assert!(
        error.contains("`text_model.norm.bias`; the nearest names are `text_model.norm.weight`"),
        "{error}"
    );
}

#[test]
fn broken_files_are_told_apart() {
    let whole = tensors(&[("a", &[1.0; 64])]);
    let cases = [
        ("empty", Vec::new(), "too few"),
        ("cut-data", whole[..whole.len() - 4].to_vec(), "truncated: the header describes"),
        ("cut-header", whole[..20].to_vec(), "truncated"),
        ("surplus", [whole.clone(), vec![0]].concat(), "surplus"),
        ("pickle", b"PK\x03\x04 a zip archive of pickles".to_vec(), "not a safetensors"),
        ("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".to_vec(), "git lfs pull"),
        ("huge-header", [u64::MAX.to_le_bytes().as_slice(), b"{}"].concat(), "only 2 follow"),
        ("no-json", with_header("{\"a\":", 0), "JSON"),
        (
            "overlap",
            with_header(
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
                6,
            ),
            "overlap",
        ),
        ("misfit", with_header(r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}"#, 4), "shape"),
        (
            "overflow",
            with_header(
                r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}"#,
                4,
            ),
            "overflow",
        ),
        ("backwards", with_header(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4), "`a`"),
    ];
    for (name, bytes, expected) in cases {
        let told = refusal(name, &bytes);
        assert!(told.contains(expected), "{name}: {told}");
        assert!(told.contains("model.safetensors"), "{name}: {told}");
    }
}

#[test]
fn shards_open_and_each_broken_index_is_refused() {
    let folder = scratch("shards");
    let name = "diffusion_pytorch_model";
    std::fs::write(folder.join("one.safetensors"), tensors(&[("a", &[1.0])])).unwrap();
    std::fs::write(folder.join("two.safetensors"), tensors(&[("b", &[2.0])])).unwrap();
    let index = |map: &str| {
        let text = format!("{{\"metadata\":{{}},\"weight_map\":{map}}}");
        std::fs::write(folder.join(format!("{name}.safetensors.index.json")), text).unwrap();
        open(&folder)
    };
    let good = index(r#"{"a":"one.safetensors","b":"two.safetensors"}"#).unwrap();
    assert_eq!(good.names().len(), 2);
    assert_eq!(good.files().len(), 2);

    let cases = [
        (r#"{"a":"one.safetensors","b":"three.safetensors"}"#, "shard `three.safetensors`"),
        (r#"{"a":"../one.safetensors"}"#, "own folder"),
        (r#"{"a":"/etc/passwd"}"#, "own folder"),
        (r#"{"a":"one.safetensors","c":"one.safetensors"}"#, "`c` in `one.safetensors`"),
        (r#"{"a":"two.safetensors","b":"one.safetensors"}"#, "does not hold it"),
        (r#"{}"#, "empty"),
        (r#"{"a":1}"#, "key `a`"),
    ];
    for (map, expected) in cases {
        let told = index(map).err().unwrap_or_else(|| "it opened".into());
        assert!(told.contains(expected), "{map}: {told}");
    }
    std::fs::write(folder.join("two.safetensors"), tensors(&[("a", &[2.0]), ("b", &[2.0])])).unwrap();
    let told = index(r#"{"a":"one.safetensors","b":"two.safetensors"}"#).err().unwrap_or_default();
    assert!(told.contains("tensor `a` is also in"), "{told}");
}

#[test]
fn a_folder_without_weights_says_what_it_holds() {
    let folder = scratch("none");
    std::fs::write(folder.join("pytorch_model.bin"), b"").unwrap();
    let told = open(&folder).err().unwrap_or_default();
    assert!(told.contains("model.safetensors") && told.contains("pytorch_model.bin"), "{told}");
}
