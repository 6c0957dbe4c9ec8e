//! The header of a weights file: every tensor that is handed out lies within the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tintype_fuzz::{scratch, told};
use tintype_pipeline::files::Checkpoint;

static FILE: LazyLock<std::path::PathBuf> =
    LazyLock::new(|| scratch("safetensors").join("model.safetensors"));

fuzz_target!(|data: &[u8]| {
    std::fs::write(&*FILE, data).expect("the input as a file");
    let Some(checkpoint) = told(Checkpoint::from_files(&[FILE.clone()])) else { return };
    let mut bytes = 0;
    for name in checkpoint.names() {
        let tensor = checkpoint.get(name).expect("a tensor that is named");
        bytes += tensor.bytes.len();
        let elements: usize = tensor.shape.iter().product();
        assert_eq!(elements * tensor.dtype.bitsize(), tensor.bytes.len() * 8);
        assert_eq!(checkpoint.mapped(name).expect("its map").bytes(), tensor.bytes);
    }
    assert_eq!(bytes, checkpoint.total_bytes());
    assert!(bytes < data.len());
    let _ = checkpoint.stored_dtype();
    let _ = checkpoint.require("model.layers.0.weight").is_err();
});
