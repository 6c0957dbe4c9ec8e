//! Tokenizer files that would fill the memory or never end, and prompts that would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scratch;

use scratch::{Scratch, assert_told, fixture, in_seconds};
use serde_json::{Value, json};
use tintype_pipeline::tokenizer::{Tokenizer, TokenizerKind};

const T5: &str = "flux-tokenizer-json/tokenizer_2";
const CLIP: &str = "flux-tokenizer-json/tokenizer";

fn told(scratch: &Scratch, kind: TokenizerKind) -> String {
    match in_seconds(60, || Tokenizer::open(scratch.path(), kind)) {
        Ok(_) => "it opened".into(),
        Err(error) => error.to_string(),
    }
}

/// T5's `tokenizer.json`, changed.
fn described(change: impl FnOnce(&mut Value)) -> (Scratch, String) {
    let scratch = Scratch::copy(T5);
    let text = std::fs::read_to_string(fixture(T5).join("tokenizer.json")).unwrap();
    let mut document = serde_json::from_str(&text).unwrap();
    change(&mut document);
    scratch.write("tokenizer.json", document.to_string());
    let told = told(&scratch, TokenizerKind::T5);
    (scratch, told)
}

#[test]
fn the_file_itself_is_accepted() {
    assert_eq!(described(|_| {}).1, "it opened");
}

/// Four rules, each of which makes a thousand letters of one: 10^12 of a prompt's first.
#[test]
fn normalizers_that_multiply_a_text() {
    let replace =
        |from: &str, to: String| json!({"type": "Replace", "pattern": {"String": from}, "content": to});
    let bomb = vec![replace("a", "a".repeat(1000)); 4];
    let (_, refused) = described(|d| d["normalizer"] = json!({"type": "Sequence", "normalizers": bomb}));
    assert_told(&refused, &["tokenizer.json", "times as long", "again"]);
    let nested = (0..60).fold(
        replace("a", "aa".into()),
        |inner, _| json!({"type": "Sequence", "normalizers": [inner, replace("a", "aa".into())]}),
    );
    assert_told(&described(|d| d["normalizer"] = nested).1, &["tokenizer.json", "times as long"]);
    let prepend = json!({"type": "Prepend", "prepend": "▁".repeat(1 << 20)});
    assert_told(&described(|d| d["normalizer"] = prepend).1, &["tokenizer.json", "times as long"]);
}

#[test]
fn a_character_map_of_one_endless_replacement() {
    // As in the file: the size of the trie, the trie, the replacements.
    let mut map = Vec::new();
    let mut units = vec![0u32; 768];
    units[0] = 256 << 10;
    let at = 256 ^ usize::from(b'a');
    units[at] = ((at ^ 512) as u32) << 10 | 1 << 8 | u32::from(b'a');
    map.extend((768u32 * 4).to_le_bytes());
    map.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    map.extend(vec![b'x'; 3 << 20]);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let base64: String = map
        .chunks(3)
        .flat_map(|three| {
            let bits =
                three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            [18, 12, 6, 0].map(|shift| char::from(alphabet[(bits >> shift & 63) as usize]))
        })
        .collect();
    let precompiled = json!({"type": "Precompiled", "precompiled_charsmap": base64});
    assert_told(&described(|d| d["normalizer"] = precompiled).1, &["tokenizer.json", "times as long"]);
}

#[test]
fn a_million_added_tokens() {
    let token = |i: usize| {
        json!({"id": i, "content": format!("<t{i}>"), "special": true, "single_word": false,
        "lstrip": false, "rstrip": false, "normalized": false})
    };
    let many: Vec<Value> = (0..200_000).map(token).collect();
    assert_told(&described(|d| d["added_tokens"] = json!(many)).1, &["tokenizer.json", "65536 tokens"]);

    let scratch = Scratch::copy("flux-base/tokenizer");
    let names: Vec<String> = (0..1_000_000).map(|i| format!("<t{i}>")).collect();
    scratch.write("tokenizer_config.json", json!({"additional_special_tokens": names}).to_string());
    assert_told(&told(&scratch, TokenizerKind::Clip), &["65536 tokens", "again"]);
    // As many as are accepted, in both files: no time that grows with the square.
    let names = &names[..65_536];
    scratch.write("tokenizer_config.json", json!({"additional_special_tokens": names}).to_string());
    let opened = told(&scratch, TokenizerKind::Clip);
    assert!(opened == "it opened" || opened.contains("vocabulary lacks"), "{opened}");
}

#[test]
fn vocabularies_that_nest_or_hold_no_text() {
    let says = |text: &str, part: &str| {
        let scratch = Scratch::copy(T5);
        scratch.write("tokenizer.json", text);
        assert_told(&told(&scratch, TokenizerKind::T5), &["tokenizer.json", part]);
    };
    says(&"[".repeat(1 << 20), "recursion limit");
    says(&format!("{{\"model\":{}", "{\"model\":".repeat(1 << 20)), "recursion limit");
    says(r#"{"model":{"type":"Unigram","unk_id":0,"vocab":[["\ud800",0.0]]}}"#, "hex escape");
    says(r#"{"model":{"type":"Unigram","unk_id":-1,"vocab":[["a",0.0]]}}"#, "unk_id");
    says(r#"{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",1e999]]}}"#, "line 1");
    says(r#"{"model":{"type":"Unigram","unk_id":0,"vocab":[]}}"#, "unk_id");
    says("[]", "not a JSON object");
    says("", "EOF");
}

#[test]
fn clip_vocabularies_that_lie() {
    let says = |name: &str, content: &str, part: &str| {
        let scratch = Scratch::copy("flux-base/tokenizer");
        scratch.write(name, content);
        assert_told(&told(&scratch, TokenizerKind::Clip), &[name, part]);
    };
    says("vocab.json", r#"{"<|endoftext|>":-1}"#, "line 1");
    says("vocab.json", r#"{"<|endoftext|>":4294967296}"#, "line 1");
    says("vocab.json", r#"{"a":0}"#, "<|endoftext|>");
    says("vocab.json", "[]", "line 1");
    says("merges.txt", &format!("#\n{}", "x".repeat(1 << 20)), "line 2");
    says("merges.txt", "#\nno such\n", "again");
    says("tokenizer_config.json", r#"{"model_max_length":"long"}"#, "model_max_length");
    says("tokenizer_config.json", r#"{"bos_token":"\udc00"}"#, "hex escape");
}

#[test]
fn lengths_that_are_absurd_are_no_lengths() {
    let scratch = Scratch::copy("flux-base/tokenizer");
    for length in ["-1", "0", "1e30", "1000000000000000019884624838656"] {
        scratch.write("tokenizer_config.json", format!(r#"{{"model_max_length":{length}}}"#));
        let tokenizer = Tokenizer::open(scratch.path(), TokenizerKind::Clip).unwrap();
        assert_eq!(tokenizer.model_max_length(), None, "{length}");
    }
}

#[test]
fn sentencepiece_models_that_state_lengths_they_do_not_have() {
    let scratch = Scratch::copy("flux-spiece-only/tokenizer_2");
    // Field 1, of 2^62 bytes; then groups within groups; then nothing.
    let long = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f];
    for bytes in [long.to_vec(), vec![0x0b; 1 << 20], vec![0x0a; 1 << 20], Vec::new(), vec![0; 16]] {
        scratch.write("spiece.model", &bytes);
        assert_told(&told(&scratch, TokenizerKind::T5), &["spiece.model", "again"]);
    }
}

fn tokenizers() -> Vec<Tokenizer> {
    let open = |folder: &str, kind| Tokenizer::open(&fixture(folder), kind).unwrap();
    vec![
        open("flux-base/tokenizer", TokenizerKind::Clip),
        open(CLIP, TokenizerKind::Clip),
        open(T5, TokenizerKind::T5),
        open("flux-spiece-only/tokenizer_2", TokenizerKind::T5),
    ]
}

#[test]
fn a_prompt_of_ten_megabytes_is_refused_at_once() {
    for tokenizer in tokenizers() {
        for text in ["a".repeat(10 << 20), "a red heart ".repeat(1 << 20), "❤".repeat(4 << 20)] {
            let refused = in_seconds(5, || tokenizer.encode(&text, 24).unwrap_err().to_string());
            assert_told(&refused, &["bytes; give at most 65536"]);
        }
    }
}

#[test]
fn the_longest_prompts_that_are_accepted_take_moments() {
    const MOST: usize = 1 << 16;
    let texts = [
        "a".repeat(MOST),
        "a ".repeat(MOST / 2),
        "<|endoftext|>".repeat(MOST / 13),
        "</s>".repeat(MOST / 4),
        "❤".repeat(MOST / 3),
        "e\u{301}".repeat(MOST / 3),
        "\u{fdfa}".repeat(MOST / 3),
        "\0".repeat(MOST),
        " ".repeat(MOST),
    ];
    for tokenizer in tokenizers() {
        for text in &texts {
            let encoded = in_seconds(60, || tokenizer.encode(text, 24).unwrap());
            assert_eq!(encoded.ids.len(), 24);
        }
    }
}
