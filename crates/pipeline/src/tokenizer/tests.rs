//! Padding, cutting, and files that are missing or damaged.

use super::*;
use crate::testing::Scratch;
use std::path::PathBuf;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models").join(name)
}

fn clip() -> Tokenizer {
    Tokenizer::open(&fixture("flux-base/tokenizer"), TokenizerKind::Clip).unwrap()
}

fn t5() -> Tokenizer {
    Tokenizer::open(&fixture("flux-base/tokenizer_2"), TokenizerKind::T5).unwrap()
}

#[test]
fn short_prompts_are_padded() {
    let clip = clip();
    assert_eq!(clip.model_max_length(), Some(77));
    let t5 = t5();
    assert_eq!(t5.model_max_length(), Some(512));
    for (tokenizer, least) in [(clip, 3), (t5, 2)] {
        let whole = tokenizer.ids("a").unwrap();
        assert!(whole.len() >= least && whole.last() == Some(&tokenizer.eos_id()));
        let encoded = tokenizer.encode("a", 9).unwrap();
        assert_eq!((encoded.ids.len(), encoded.truncated), (9, None));
        assert_eq!(encoded.eos_position, whole.len() - 1);
        let (prompt, padding) = encoded.ids.split_at(whole.len());
        assert_eq!(prompt, whole);
        assert!(padding.iter().all(|id| *id == tokenizer.pad_id()));
    }
}

#[test]
fn long_prompts_are_cut_before_the_closing_token_and_the_words_told() {
    for (tokenizer, kind) in [(clip(), "clip"), (t5(), "t5")] {
        let text = "a red heart on a green hill";
        let whole = tokenizer.ids(text).unwrap();
        let exact = tokenizer.encode(text, whole.len()).unwrap();
        assert_eq!((exact.ids, exact.truncated), (whole.clone(), None));
        let cut = tokenizer.encode(text, whole.len() - 1).unwrap();
        assert_eq!(cut.ids.len(), whole.len() - 1);
        assert_eq!(cut.ids[..whole.len() - 2], whole[..whole.len() - 2]);
        assert_eq!(cut.ids.last(), whole.last());
        assert_eq!(cut.eos_position, cut.ids.len() - 1);
        let told = tokenizer.encode(text, 4).unwrap().truncated.unwrap();
        assert!(told.ends_with("green hill"), "{kind}: {told}");
    }
}

#[test]
fn a_closing_token_in_the_prompt_is_the_first() {
    assert_eq!(clip().encode("a<|endoftext|>b", 8).unwrap().eos_position, 2);
}

#[test]
fn no_room_is_refused() {
    assert!(clip().encode("a", 1).unwrap_err().to_string().contains("at least 2"));
    assert!(clip().encode("a", 2).is_ok());
    assert!(t5().encode("a", 0).is_err());
}

#[test]
fn a_folder_without_a_tokenizer_says_what_is_expected() {
    let scratch = Scratch::new();
    for (kind, expected) in [(TokenizerKind::Clip, "merges.txt"), (TokenizerKind::T5, "spiece.model")] {
        let told = Tokenizer::open(scratch.path(), kind).err().unwrap().to_string();
        assert!(told.contains(expected), "{told}");
    }
    scratch.file("vocab.json", r#"{"a":0}"#);
    scratch.file("merges.txt", "#version\n");
    let told = Tokenizer::open(scratch.path(), TokenizerKind::Clip).err().unwrap().to_string();
    assert!(told.contains("vocab.json") && told.contains("<|endoftext|>"), "{told}");
    scratch.file("vocab.json", r#"{"a":0,"<|endoftext|>":1}"#);
    scratch.file("merges.txt", "#version\na b c\n");
    let told = Tokenizer::open(scratch.path(), TokenizerKind::Clip).err().unwrap().to_string();
    assert!(told.contains("merges.txt") && told.contains("line 2"), "{told}");
}

/// Every file of every layout, cut short or with bytes changed: an error or other ids, never a panic.
#[test]
fn damaged_files_never_panic() {
    use TokenizerKind::{Clip, T5};
    let cases = [
        ("flux-base/tokenizer", Clip, vec!["vocab.json", "merges.txt", "tokenizer_config.json"]),
        ("flux-tokenizer-json/tokenizer", Clip, vec!["tokenizer.json"]),
        ("flux-tokenizer-json/tokenizer_2", T5, vec!["tokenizer.json", "tokenizer_config.json"]),
        ("flux-spiece-only/tokenizer_2", T5, vec!["spiece.model"]),
    ];
    let mut random = 1u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for (folder, kind, names) in cases {
        let scratch = Scratch::new();
        for entry in std::fs::read_dir(fixture(folder)).unwrap().flatten() {
            scratch.file(&entry.file_name().to_string_lossy(), std::fs::read(entry.path()).unwrap());
        }
        for name in names {
            let whole = std::fs::read(fixture(folder).join(name)).unwrap();
            for round in 0..60 {
                let mut bytes = whole.clone();
                if round % 2 == 0 {
                    bytes.truncate(next(whole.len()));
                } else {
                    for _ in 0..=round / 20 {
                        let at = next(bytes.len());
                        bytes[at] = next(256) as u8;
                    }
                }
                scratch.file(name, &bytes);
                if let Ok(tokenizer) = Tokenizer::open(scratch.path(), kind) {
                    let _ = tokenizer.encode("a Red ❤ heart, 東京  <extra_id_0> e\u{301}", 12);
                }
            }
            scratch.file(name, &whole);
        }
    }
}

#[test]
fn what_the_crate_would_trust_is_refused() {
    let scratch = Scratch::new();
    let told = |kind: TokenizerKind, text: &str| {
        scratch.file("tokenizer.json", text);
        Tokenizer::open(scratch.path(), kind).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let t5 = |model: &str, normalizer: &str| {
        let text =
            format!(r#"{{"version":"1.0","added_tokens":[],"model":{model},"normalizer":{normalizer}}}"#);
        told(TokenizerKind::T5, &text)
    };
    let good = r#"{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["a",-1.0]]}"#;
    assert_eq!(t5(good, "null"), "");
    assert!(t5(r#"{"type":"Unigram","unk_id":0,"vocab":[["",0.0]]}"#, "null").contains("piece 0"));
    assert!(t5(r#"{"type":"Unigram","unk_id":9,"vocab":[["a",0.0]]}"#, "null").contains("unk_id"));
    assert!(t5(r#"{"type":"WordLevel","vocab":{}}"#, "null").contains("expected `Unigram`"));
    assert!(t5(good, r#"{"type":"Precompiled","precompiled_charsmap":"/////w=="}"#).contains("charsmap"));
    assert!(t5(good, r#"{"type":"Replace","pattern":{"Regex":"(a+)+$"},"content":"b"}"#).contains("(a+)+$"));
    assert!(t5(good, r#"{"type":"BertNormalizer"}"#).contains("BertNormalizer"));
    let bpe = r#"{"model":{"type":"BPE","vocab":{},"merges":[],"continuing_subword_prefix":"é"}}"#;
    assert!(told(TokenizerKind::Clip, bpe).contains("continuing_subword_prefix"));
    assert!(told(TokenizerKind::Clip, "{").contains("tokenizer.json line 1"));
}
