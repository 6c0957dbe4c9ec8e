//! `model_index.json` and the index of shards.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tintype_fuzz::{scratch, told};
use tintype_pipeline::files::Checkpoint;
use tintype_pipeline::folder::{ModelFolder, resolve_in};

static FOLDER: LazyLock<std::path::PathBuf> = LazyLock::new(|| scratch("index"));

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 3 {
        0 => {
            std::fs::write(FOLDER.join("model_index.json"), data).expect("the input as a file");
            let Some(folder) = told(ModelFolder::open(&FOLDER)) else { return };
            for (name, _) in folder.components() {
                told(folder.component(name));
            }
        }
        1 => {
            std::fs::write(FOLDER.join("model.safetensors.index.json"), data).expect("the input as a file");
            assert!(told(Checkpoint::open(&FOLDER, &["model"])).is_none(), "there is no shard");
        }
        _ => {
            let Ok(name) = std::str::from_utf8(data) else { return };
            if let Some(found) = told(resolve_in(name, Some(&FOLDER))) {
                assert!(std::path::Path::new(name).exists(), "{}", found.display());
            }
        }
    }
});
