//! `spiece.model`, T5's vocabulary: what opens encodes any prompt to the length asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tintype_fuzz::{scratch, told};
use tintype_pipeline::tokenizer::{Tokenizer, TokenizerKind};

static FOLDER: LazyLock<std::path::PathBuf> = LazyLock::new(|| scratch("spiece"));

fuzz_target!(|data: &[u8]| {
    std::fs::write(FOLDER.join("spiece.model"), data).expect("the input as a file");
    for kind in [TokenizerKind::T5] {
        let Some(tokenizer) = told(Tokenizer::open(&FOLDER, kind)) else { continue };
        for text in ["a Red heart, it's 42", "❤ 東京  <extra_id_0> e\u{301}\0<|endoftext|>", ""] {
            if let Some(encoded) = told(tokenizer.encode(text, 12)) {
                assert_eq!(encoded.ids.len(), 12);
            }
        }
    }
});
