//! What of a `tokenizer.json` is accepted.
//!
//! The tokenizers crate trusts its files: a damaged character map, an odd regular expression or an empty piece stops
//! the program or hangs it. So only the parts that CLIP's and T5's files consist of are let through.

use super::charsmap;
use serde_json::Value;

/// Runs of spaces, as T5's files replace them.
pub(super) const SPACES: &str = " {2,}";

/// The regular expressions of the published files.
const PATTERNS: [&str; 4] = [
    SPACES,
    r"\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
];

/// Checks the document and takes out what is not used: truncation, padding, post-processor and decoder.
pub(super) fn document(document: &mut Value, model: &str) -> Result<(), String> {
    let entries = document.as_object_mut().ok_or("it is not a JSON object")?;
    for unused in ["truncation", "padding", "post_processor", "decoder"] {
        entries.insert(unused.into(), Value::Null);
    }
    let null = Value::Null;
    let part = |key: &str| entries.get(key).unwrap_or(&null);
    let found = text(part("model"), "type").unwrap_or("BPE");
    if found != model {
        return Err(format!("its model is `{found}`; expected `{model}`"));
    }
    match model {
        "BPE" => bpe(part("model"))?,
        _ => unigram(part("model"))?,
    }
    normalizer(part("normalizer"))?;
    pre_tokenizer(part("pre_tokenizer"))
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// A prefix would be cut off merges without looking at character boundaries; dropout would make ids random.
fn bpe(model: &Value) -> Result<(), String> {
    if text(model, "continuing_subword_prefix").is_some_and(|prefix| !prefix.is_empty()) {
        return Err("its model has a continuing_subword_prefix, which CLIP's has not".into());
    }
    if model.get("dropout").and_then(Value::as_f64).is_some_and(|dropout| dropout != 0.0) {
        return Err("its model has dropout, which would make ids random".into());
    }
    match text(model, "end_of_word_suffix") {
        Some(super::bpe::END_OF_WORD) => Ok(()),
        _ => Err("its model has no end_of_word_suffix `</w>`, so it is not CLIP's".into()),
    }
}

fn unigram(model: &Value) -> Result<(), String> {
    let vocab = model.get("vocab").and_then(Value::as_array).ok_or("its model has no vocab")?;
    let entries: Option<Vec<(&str, f64)>> =
        vocab.iter().map(|entry| Some((entry.get(0)?.as_str()?, entry.get(1)?.as_f64()?))).collect();
    let unk = model.get("unk_id").and_then(Value::as_u64);
    if unk.is_none_or(|unk| unk >= vocab.len() as u64) {
        return Err("its model's unk_id is none of its pieces".into());
    }
    pieces(entries.ok_or("its vocab is not a list of pieces and scores")?.into_iter())
}

/// Pieces of a Unigram model: none may be empty, every score a number.
pub(super) fn pieces<'a>(pieces: impl Iterator<Item = (&'a str, f64)>) -> Result<(), String> {
    for (id, (piece, score)) in pieces.enumerate() {
        if piece.is_empty() || !score.is_finite() {
            return Err(format!("piece {id}, `{piece}` with score {score}, is empty or has no finite score"));
        }
    }
    Ok(())
}

fn normalizer(value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    match text(value, "type").unwrap_or_default() {
        "Sequence" => list(value, "normalizers")?.iter().try_for_each(normalizer),
        "Precompiled" => charsmap::check_base64(text(value, "precompiled_charsmap").unwrap_or_default()),
        "Replace" => pattern(value),
        "NFC" | "NFD" | "NFKC" | "NFKD" | "Lowercase" | "Strip" | "Prepend" | "Nmt" => Ok(()),
        other => Err(format!("its normalizer `{other}` is none of CLIP's or T5's")),
    }
}

fn pre_tokenizer(value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    match text(value, "type").unwrap_or_default() {
        "Sequence" => list(value, "pretokenizers")?.iter().try_for_each(pre_tokenizer),
        "Split" => pattern(value),
        "ByteLevel" | "Metaspace" | "WhitespaceSplit" => Ok(()),
        other => Err(format!("its pre-tokenizer `{other}` is none of CLIP's or T5's")),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    value.get(key).and_then(Value::as_array).ok_or_else(|| format!("a Sequence lacks its list of {key}"))
}

/// A string may be anything; a regular expression must be a known one, since some take forever or fail midway.
fn pattern(value: &Value) -> Result<(), String> {
    let pattern = value.get("pattern").unwrap_or(&Value::Null);
    match text(pattern, "Regex") {
        Some(regex) if !PATTERNS.contains(&regex) => {
            Err(format!("its regular expression `{regex}` is none of CLIP's or T5's"))
        }
        _ if text(pattern, "String").is_some_and(str::is_empty) => Err("it replaces the empty string".into()),
        _ => Ok(()),
    }
}
